"""What trains: labelled and unlabelled clips of any toolbox dataset.

The labelled split, a checked ``PoseDataset``, synthetic clips, a sampler and
the transforms.
"""
from psp_plugin.annotations import (
    AnnotationError,
    InvalidClipError,
    PickleFileError,
)

from . import transforms
from .checked import CheckedPoseDataset
from .collate import compact_collate
from .samplers import ClassBalancedSampler
from .semi_supervised import SemiSupervisedDataset
from .synthetic import SyntheticSkeletonDataset
from .transforms import *  # noqa: F403

__all__ = [
    'AnnotationError', 'CheckedPoseDataset', 'ClassBalancedSampler',
    'InvalidClipError', 'PickleFileError', 'SemiSupervisedDataset',
    'SyntheticSkeletonDataset', 'compact_collate', *transforms.__all__
]
