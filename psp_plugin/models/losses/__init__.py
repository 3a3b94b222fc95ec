from .coarse_to_fine import CoarseToFineContrastiveLoss, nt_xent

__all__ = ['CoarseToFineContrastiveLoss', 'nt_xent']
