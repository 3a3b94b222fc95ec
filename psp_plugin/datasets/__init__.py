from .annotation_file import AnnotationError
from .bad_clips import BadClipError
from .checked import CheckedPoseDataset
from .pickles import PickleFileError
from .semi_supervised import SemiSupervisedDataset
from .synthetic import SyntheticSkeletonDataset
from .transforms import (
    NormalizeSkeleton3D,
    ScaleMotion,
    UniformSamplePose,
)

__all__ = [
    'AnnotationError', 'CheckedPoseDataset', 'BadClipError',
    'NormalizeSkeleton3D', 'PickleFileError', 'ScaleMotion',
    'SemiSupervisedDataset', 'SyntheticSkeletonDataset', 'UniformSamplePose'
]
