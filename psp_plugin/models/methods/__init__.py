from .entropy import EntropyMinimization
from .fixmatch import FixMatch
from .masks import FixedThreshold
from .mean_teacher import MeanTeacher
from .pseudo_label import PseudoLabel
from .ramps import LinearRamp, SigmoidRamp
from .supervised import SupervisedOnly

__all__ = [
    'EntropyMinimization', 'FixMatch', 'FixedThreshold', 'LinearRamp',
    'MeanTeacher', 'PseudoLabel', 'SigmoidRamp', 'SupervisedOnly'
]
