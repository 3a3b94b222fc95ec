"""Chooses which clips of an unlabelled pool to label."""
from .features import pose_features
from .strategies import margins
from .suggest import (
    STRATEGIES,
    Pool,
    check_count,
    check_options,
    suggest,
)

__all__ = [
    'STRATEGIES', 'Pool', 'check_count', 'check_options', 'margins',
    'pose_features', 'suggest'
]
