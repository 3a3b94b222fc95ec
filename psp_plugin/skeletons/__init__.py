"""Joint layouts: the parts, bodies and names of the joints of skeletons."""
from . import layouts  # noqa: F401  # registers the built-in ones
from .pyramid import (
    LAYOUTS,
    LEVELS,
    SkeletonPyramid,
    get_pyramid,
    register_layout,
)

__all__ = [
    'LAYOUTS', 'LEVELS', 'SkeletonPyramid', 'get_pyramid', 'register_layout'
]
