from .ppa import LEVELS, PyramidPolymerizingAttention
from .projector import PooledMLP

__all__ = ['LEVELS', 'PooledMLP', 'PyramidPolymerizingAttention']
