from .semi_supervised import SemiSupervisedDataset
from .synthetic import SyntheticSkeletonDataset
from .transforms import NormalizeSkeleton3D

__all__ = [
    'NormalizeSkeleton3D', 'SemiSupervisedDataset', 'SyntheticSkeletonDataset'
]
