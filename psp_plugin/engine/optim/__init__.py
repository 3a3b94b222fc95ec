from .autocast import BFloat16OptimWrapper
from .layer_decay import LayerDecayConstructor

__all__ = ['BFloat16OptimWrapper', 'LayerDecayConstructor']
