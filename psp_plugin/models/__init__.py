from .backbones import DSTANet
from .data_preprocessors import MultiBranchPreprocessor
from .heads import TwoStreamHead
from .initializers import KaimingWeightInit
from .losses import CoarseToFineContrastiveLoss
from .necks import (
    PooledMLP,
    PyramidPolymerizingAttention,
    PyramidPooling,
    PyramidRefiningNeck,
)
from .recognizers import PSPRecognizer, RecognizerGCNWithNeck
from .stream_norm import StreamNorm

__all__ = [
    'CoarseToFineContrastiveLoss', 'DSTANet', 'KaimingWeightInit',
    'MultiBranchPreprocessor',
    'PSPRecognizer', 'PooledMLP', 'PyramidPolymerizingAttention',
    'PyramidPooling', 'PyramidRefiningNeck', 'RecognizerGCNWithNeck',
    'StreamNorm',
    'TwoStreamHead'
]
