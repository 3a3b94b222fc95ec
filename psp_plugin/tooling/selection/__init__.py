"""Chooses which clips of an unlabelled pool to label."""
from .features import pose_features
from .suggest import STRATEGIES, Pool, suggest

__all__ = ['STRATEGIES', 'Pool', 'pose_features', 'suggest']
