from .backbones import DSTANet
from .data_preprocessors import MultiBranchPreprocessor
from .heads import TwoStreamHead
from .losses import CoarseToFineContrastiveLoss
from .necks import (
    PooledMLP,
    PyramidPolymerizingAttention,
    PyramidPooling,
    PyramidRefiningNeck,
)
from .recognizers import PSPRecognizer, RecognizerGCNWithNeck

__all__ = [
    'CoarseToFineContrastiveLoss', 'DSTANet', 'MultiBranchPreprocessor',
    'PSPRecognizer', 'PooledMLP', 'PyramidPolymerizingAttention',
    'PyramidPooling', 'PyramidRefiningNeck', 'RecognizerGCNWithNeck',
    'TwoStreamHead'
]
