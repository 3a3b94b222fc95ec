from .motion import ScaleMotion
from .normalize import NormalizeSkeleton3D
from .sample import UniformSamplePose

__all__ = ['NormalizeSkeleton3D', 'ScaleMotion', 'UniformSamplePose']
