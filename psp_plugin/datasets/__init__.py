from .semi_supervised import SemiSupervisedDataset
from .synthetic import SyntheticSkeletonDataset
from .transforms import (
    NormalizeSkeleton3D,
    ScaleMotion,
    UniformSamplePose,
)

__all__ = [
    'NormalizeSkeleton3D', 'ScaleMotion', 'SemiSupervisedDataset',
    'SyntheticSkeletonDataset', 'UniformSamplePose'
]
