from .coarse_to_fine import CoarseToFineContrastiveLoss, nt_xent
from .cross_contrast import CrossContrastLoss, cross_contrast
from .masked_motion import MaskedMotionLoss

__all__ = [
    'CoarseToFineContrastiveLoss', 'CrossContrastLoss', 'MaskedMotionLoss',
    'cross_contrast', 'nt_xent'
]
