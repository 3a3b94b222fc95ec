from .ppa import PyramidPolymerizingAttention
from .projector import PooledMLP
from .pyramid_pooling import PyramidPooling
from .refining import PyramidRefiningNeck

__all__ = [
    'PooledMLP', 'PyramidPolymerizingAttention', 'PyramidPooling',
    'PyramidRefiningNeck'
]
