from .dsta import DSTANet
from .skeleton_transformer import SkeletonTransformer

__all__ = ['DSTANet', 'SkeletonTransformer']
