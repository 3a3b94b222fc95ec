from .annotation_file import AnnotationError
from .bad_clips import BadClipError
from .checked import CheckedPoseDataset
from .pickles import PickleFileError
from .samplers import ClassBalancedSampler
from .semi_supervised import SemiSupervisedDataset
from .synthetic import SyntheticSkeletonDataset
from .transforms import (
    GaussianBlurPose,
    GaussianNoisePose,
    MultiView,
    NormalizeSkeleton3D,
    RandomCropPose,
    RandomFlipPose,
    RandomMaskAxis,
    RandomMaskJoints,
    RandomMaskParts,
    RandomRotatePose,
    RandomSamplePose,
    RandomScalePose,
    RandomShearPose,
    ReversePose,
    StreamsApart,
    UniformSamplePose,
)

__all__ = [
    'AnnotationError', 'CheckedPoseDataset', 'BadClipError',
    'ClassBalancedSampler', 'GaussianBlurPose', 'GaussianNoisePose',
    'MultiView', 'NormalizeSkeleton3D', 'PickleFileError', 'RandomCropPose',
    'RandomFlipPose', 'RandomMaskAxis', 'RandomMaskJoints', 'RandomMaskParts',
    'RandomRotatePose', 'RandomSamplePose', 'RandomScalePose',
    'RandomShearPose', 'ReversePose', 'SemiSupervisedDataset', 'StreamsApart',
    'SyntheticSkeletonDataset', 'UniformSamplePose'
]
