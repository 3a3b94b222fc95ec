from .hooks import InterleaveHook

__all__ = ['InterleaveHook']
