from .masked_motion import MaskedMotionDecoder
from .ppa import PyramidPolymerizingAttention
from .projector import PooledMLP
from .pyramid_pooling import PyramidPooling
from .refining import PyramidRefiningNeck

__all__ = [
    'MaskedMotionDecoder', 'PooledMLP', 'PyramidPolymerizingAttention',
    'PyramidPooling', 'PyramidRefiningNeck'
]
