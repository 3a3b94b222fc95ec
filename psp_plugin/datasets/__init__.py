"""What trains: labelled and unlabelled clips of any toolbox dataset.

The labelled split, a checked ``PoseDataset``, synthetic clips, a sampler and
the transforms.
"""
from psp_plugin.annotations import (
    AnnotationError,
    InvalidClipError,
    PickleFileError,
)

from .checked import CheckedPoseDataset
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
    'AnnotationError', 'CheckedPoseDataset', 'InvalidClipError',
    'ClassBalancedSampler', 'GaussianBlurPose', 'GaussianNoisePose',
    'MultiView', 'NormalizeSkeleton3D', 'PickleFileError', 'RandomCropPose',
    'RandomFlipPose', 'RandomMaskAxis', 'RandomMaskJoints', 'RandomMaskParts',
    'RandomRotatePose', 'RandomSamplePose', 'RandomScalePose',
    'RandomShearPose', 'ReversePose', 'SemiSupervisedDataset', 'StreamsApart',
    'SyntheticSkeletonDataset', 'UniformSamplePose'
]
