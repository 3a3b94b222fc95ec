from .ppa import PyramidPolymerizingAttention
from .projector import PooledMLP

__all__ = ['PooledMLP', 'PyramidPolymerizingAttention']
