from .base import UnlabeledMethod
from .cmd import CMD
from .crosclr import CrosSCLR
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
from .s4l import S4L
from .skeleton_clr import SkeletonCLR
from .supervised import SupervisedOnly
from .teacher import Teacher
from .vat import VAT
from .xcar import XCAR

__all__ = [
    'CMD', 'CrosSCLR', 'EntropyMinimization', 'FixMatch', 'FixedThreshold',
    'FlexMatchThreshold', 'FreeMatch', 'FreeMatchThreshold', 'LinearRamp',
    'MeanTeacher', 'PseudoLabel', 'S4L', 'SigmoidRamp', 'SkeletonCLR',
    'SoftMatchWeight', 'SupervisedOnly', 'Teacher', 'UnlabeledMethod', 'VAT',
    'XCAR'
]
