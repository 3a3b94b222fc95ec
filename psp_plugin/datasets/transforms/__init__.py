from .flip import RandomFlipPose
from .masking import RandomMaskAxis, RandomMaskJoints, RandomMaskParts
from .multi_view import MultiView
from .noise import GaussianBlurPose, GaussianNoisePose
from .normalize import NormalizeSkeleton3D
from .sample import RandomSamplePose, UniformSamplePose
from .spatial import RandomRotatePose, RandomScalePose, RandomShearPose
from .streams_apart import StreamsApart
from .temporal import RandomCropPose, ReversePose

__all__ = [
    'GaussianBlurPose', 'GaussianNoisePose', 'MultiView',
    'NormalizeSkeleton3D', 'RandomCropPose', 'RandomFlipPose',
    'RandomMaskAxis', 'RandomMaskJoints', 'RandomMaskParts',
    'RandomRotatePose', 'RandomSamplePose', 'RandomScalePose',
    'RandomShearPose', 'ReversePose', 'StreamsApart', 'UniformSamplePose'
]
