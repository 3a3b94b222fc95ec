from .autocast import BFloat16OptimWrapper

__all__ = ['BFloat16OptimWrapper']
