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
from .methods import (
    EntropyMinimization,
    FixedThreshold,
    FixMatch,
    LinearRamp,
    MeanTeacher,
    PseudoLabel,
    SigmoidRamp,
    SupervisedOnly,
)
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
    SemiSupervisedRecognizer,
)
from .stream_norm import StreamNorm

__all__ = [
    'CoarseToFineContrastiveLoss', 'CrossContrastLoss', 'CrossMasking',
    'DSTANet', 'EntropyMinimization', 'FixMatch', 'FixedThreshold',
    'HACMPretrainer', 'JointMLPHead', 'KaimingWeightInit', 'LinearProbeHead',
    'LinearRamp', 'MaskedMotionDecoder', 'MaskedMotionLoss', 'MeanTeacher',
    'MotionAwareMasking', 'MultiBranchPreprocessor', 'PSPRecognizer',
    'PooledMLP', 'PseudoLabel', 'PyramidPolymerizingAttention',
    'PyramidPooling', 'PyramidRefiningNeck', 'RecognizerGCNWithNeck',
    'SemiSupervisedRecognizer', 'SigmoidRamp', 'SkeletonTransformer',
    'StreamNorm', 'SupervisedOnly', 'TwoStreamHead'
]
