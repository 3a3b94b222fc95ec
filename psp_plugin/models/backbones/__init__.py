from .dsta import DSTANet

__all__ = ['DSTANet']
