from .interleave import InterleaveHook

__all__ = ['InterleaveHook']
