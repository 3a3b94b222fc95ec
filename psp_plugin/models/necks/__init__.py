from .ppa import PyramidPolymerizingAttention
from .projector import PooledMLP
from .refining import PyramidRefiningNeck

__all__ = ['PooledMLP', 'PyramidPolymerizingAttention', 'PyramidRefiningNeck']
