"""The methods: recognizers, and the parts that they are made of.

Start with ``recognizers/psp.py``; the compared methods are in ``methods/``.
"""
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
    CMD,
    S4L,
    VAT,
    XCAR,
    CrosSCLR,
    EntropyMinimization,
    FixedThreshold,
    FixMatch,
    FlexMatchThreshold,
    FreeMatch,
    FreeMatchThreshold,
    LinearRamp,
    MeanTeacher,
    PseudoLabel,
    SigmoidRamp,
    SkeletonCLR,
    SoftMatchWeight,
    SupervisedOnly,
    Teacher,
    UnlabeledMethod,
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
    'CMD', 'CoarseToFineContrastiveLoss', 'CrosSCLR', 'CrossContrastLoss',
    'CrossMasking', 'DSTANet', 'EntropyMinimization', 'FixMatch',
    'FixedThreshold', 'FlexMatchThreshold', 'FreeMatch', 'FreeMatchThreshold',
    'HACMPretrainer', 'JointMLPHead', 'KaimingWeightInit', 'LinearProbeHead',
    'LinearRamp', 'MaskedMotionDecoder', 'MaskedMotionLoss', 'MeanTeacher',
    'MotionAwareMasking', 'MultiBranchPreprocessor', 'PSPRecognizer',
    'PooledMLP', 'PseudoLabel', 'PyramidPolymerizingAttention',
    'PyramidPooling', 'PyramidRefiningNeck', 'RecognizerGCNWithNeck', 'S4L',
    'SemiSupervisedRecognizer', 'SigmoidRamp', 'SkeletonCLR',
    'SkeletonTransformer', 'SoftMatchWeight', 'StreamNorm', 'SupervisedOnly',
    'Teacher', 'TwoStreamHead', 'UnlabeledMethod', 'VAT', 'XCAR'
]
