from .backbones import DSTANet, SkeletonTransformer
from .data_preprocessors import MultiBranchPreprocessor
from .heads import JointMLPHead, LinearProbeHead, TwoStreamHead
from .initializers import KaimingWeightInit
from .losses import (
    CoarseToFineContrastiveLoss,
    CrossContrastLoss,
    MaskedMotionLoss,
)
from .masking import CrossMasking, MotionAwareMasking
from .necks import (
    MaskedMotionDecoder,
    PooledMLP,
    PyramidPolymerizingAttention,
    PyramidPooling,
    PyramidRefiningNeck,
)
from .recognizers import (
    HACMPretrainer,
    PSPRecognizer,
    RecognizerGCNWithNeck,
)
from .stream_norm import StreamNorm

__all__ = [
    'CoarseToFineContrastiveLoss', 'CrossContrastLoss', 'CrossMasking',
    'DSTANet', 'HACMPretrainer', 'JointMLPHead', 'KaimingWeightInit',
    'LinearProbeHead', 'MaskedMotionDecoder', 'MaskedMotionLoss',
    'MotionAwareMasking', 'MultiBranchPreprocessor', 'PSPRecognizer',
    'PooledMLP', 'PyramidPolymerizingAttention', 'PyramidPooling',
    'PyramidRefiningNeck', 'RecognizerGCNWithNeck', 'SkeletonTransformer',
    'StreamNorm', 'TwoStreamHead'
]
