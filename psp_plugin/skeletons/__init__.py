"""Joint layouts: the parts, bodies and names of the joints of skeletons."""
from . import layouts  # noqa: F401  # registers the built-in ones
from .pyramid import (
    LAYOUTS,
    LEVELS,
    Point,
    SkeletonPyramid,
    as_axis,
    as_point,
    check_joints,
    get_pyramid,
    joints_of,
    register_layout,
)

__all__ = [
    'LAYOUTS', 'LEVELS', 'Point', 'SkeletonPyramid', 'as_axis', 'as_point',
    'check_joints', 'get_pyramid', 'joints_of', 'register_layout'
]
