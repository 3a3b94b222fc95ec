from .motion import ScaleMotion
from .normalize import NormalizeSkeleton3D

__all__ = ['NormalizeSkeleton3D', 'ScaleMotion']
