from .entropy import EntropyMinimization
from .fixmatch import FixMatch
from .freematch import FreeMatch
from .masks import (
    FixedThreshold,
    FlexMatchThreshold,
    FreeMatchThreshold,
    SoftMatchWeight,
)
from .mean_teacher import MeanTeacher
from .pseudo_label import PseudoLabel
from .ramps import LinearRamp, SigmoidRamp
from .supervised import SupervisedOnly

__all__ = [
    'EntropyMinimization', 'FixMatch', 'FixedThreshold', 'FlexMatchThreshold',
    'FreeMatch', 'FreeMatchThreshold', 'LinearRamp', 'MeanTeacher',
    'PseudoLabel', 'SigmoidRamp', 'SoftMatchWeight', 'SupervisedOnly'
]
