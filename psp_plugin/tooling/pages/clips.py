"""Prepares clips to be played by ``player.js``.

Shape legend: M person, T frame, V joint, C channel.
"""
import base64
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from psp_plugin.skeletons import LAYOUTS, SkeletonPyramid, joints_of

from ..visualization.frames import VIEWS, check_drawing, check_keypoint

MAX_FRAMES = 300
LEVELS = 2048  # of a coordinate; a canvas has fewer pixels


def clip_for_page(keypoint: np.ndarray,
                  bones: Sequence[Tuple[int, int]],
                  fps: Optional[float] = None,
                  up: str = 'y',
                  importance: Optional[np.ndarray] = None,
                  max_frames: int = MAX_FRAMES,
                  levels: int = LEVELS) -> Dict[str, Any]:
    """Packs a clip for ``SkeletonPlayer.load`` of ``player.js``.

    Args:
        keypoint (np.ndarray): (M, T, V, 3), or (M, T, V, 2) with y down. A
            joint that is zero or not finite is missing.
        bones (Sequence[tuple[int, int]]): Pairs of joints to connect.
        fps (float, optional): Frames per second. Defaults to None: 30.
        up (str): The axis that points up in 3D: ``'y'``, ``'-y'`` or
            ``'z'``. Defaults to ``'y'``.
        importance (np.ndarray, optional): (V,); colour of the joints.
            Defaults to None, one colour.
        max_frames (int): Longer clips are reduced to as many frames, evenly
            spaced. Defaults to 300.
        levels (int): How many values a coordinate can have; fewer compress
            better. Defaults to 2048.

    Returns:
        dict: Plain data. ``points`` is base64 of (M, T, V, C) unsigned 16-bit
        integers, little-endian: 0 is missing, others are ``low + (value - 1)
        * step``; ``center`` and ``radius`` are of a sphere with 98% of the
        coordinates. Persons who are never seen are left out.

    Raises:
        ValueError: If the shape, ``up``, a bone or the importance is invalid,
            or if no joint can be drawn.
    """
    keypoint = check_keypoint(keypoint, up)
    num_frames, num_joints, channels = keypoint.shape[1:]
    pairs = check_drawing(num_joints, bones, importance)
    step = max(1., num_frames / max_frames)
    frames = np.arange(0, num_frames, step).astype(int)
    points = keypoint[:, frames]
    seen = np.isfinite(points).all(-1) & points.any(-1)  # M, T, V
    if not seen.any():
        raise ValueError('the clip has no joint to draw: all its coordinates '
                         'are zero or not finite')
    points, seen = points[seen.any((1, 2))], seen[seen.any((1, 2))]
    points = np.where(seen[..., None], points, 0.)
    points = points * (1, -1) if channels == 2 else points @ _turn(up).T
    center, radius = _sphere(points[seen])
    # Far outliers would leave few levels to the body, and are off the canvas.
    low, high = center - 4 * radius, center + 4 * radius
    low = np.maximum(low, points[seen].min(0))
    span = (np.minimum(high, points[seen].max(0)) - low).max() or 1.
    unit = span / (levels - 1)
    values = np.where(
        seen[..., None], 1 + ((points - low) / unit).round().clip(
            0, levels - 1), 0)
    rate = fps if fps and np.isfinite(fps) and fps > 0 else 30.
    return dict(
        shape=list(values.shape),
        points=base64.b64encode(values.astype('<u2').tobytes()).decode(),
        low=_rounded(low), step=float(f'{unit:.6g}'),
        center=_rounded(center), radius=float(f'{radius:.6g}'),
        bones=pairs.tolist(), fps=float(f'{rate / step:.6g}'),
        importance=(None if importance is None else
                    [float(f'{value:.4g}') for value in importance]))


def _turn(up: str) -> np.ndarray:
    """(3, 3); its rows point right, up and towards the viewer."""
    right, above = (sign * np.eye(3)[axis] for axis, sign in VIEWS[up])
    return np.array([right, above, np.cross(right, above)])


def _sphere(points: np.ndarray) -> Tuple[np.ndarray, float]:
    """Centre and radius that contain 98% of each coordinate of (n, C)."""
    low, high = np.percentile(points, (1, 99), axis=0)
    return (low + high) / 2, float((high - low).max() / 2) or 1.


def _rounded(values: np.ndarray) -> List[float]:
    return [float(f'{value:.6g}') for value in values]


def up_axis(keypoint: np.ndarray,
            pyramid: Optional[SkeletonPyramid] = None) -> str:
    """Finds the axis that points up in a 3D clip, for pictures.

    Args:
        keypoint (np.ndarray): (M, T, V, C).
        pyramid (SkeletonPyramid, optional): The joint layout. Defaults to
            None, unknown.

    Returns:
        str: ``'y'``, ``'-y'`` or ``'z'``, whichever the spine of the layout
        is nearest to; ``'y'`` without a spine.
    """
    zaxis = getattr(pyramid, 'zaxis', None)
    poses = np.asarray(keypoint)
    if zaxis is None or poses.shape[-1] != 3:
        return 'y'
    poses = poses[np.isfinite(poses).all((2, 3))
                  & poses.any((2, 3))]  # K, V, 3
    if not len(poses):
        return 'y'
    bottom, top = (poses[:, list(joints_of(point))].mean((0, 1))
                   for point in zaxis)
    _, y, z = top - bottom
    heights = {'y': y, '-y': -y, 'z': z}
    return max(heights, key=lambda axis: float(heights[axis]))


def lines_of(num_joints: Optional[int],
             pyramid: Optional[SkeletonPyramid] = None
             ) -> List[Tuple[int, int]]:
    """Pairs of joints to draw a line between, empty if none are known.

    Args:
        num_joints (int, optional): Number of joints of the clip.
        pyramid (SkeletonPyramid, optional): The joint layout. Defaults to
            None: the built-in layout with as many joints, if there is one.
    """
    known = [pyramid] if pyramid else [
        layout for layout in LAYOUTS.values()
        if layout.num_joints == num_joints
    ]
    return [(a, b) for a, b in known[0].lines] if known else []
