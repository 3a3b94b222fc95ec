"""Draws the frames of a skeleton video, joints coloured by importance.

Shape legend: M person, T frame, V joint, C channel.
"""
from textwrap import fill
from typing import Iterator, Optional, Sequence, Tuple

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

# The axes that point right and up in the picture, as (axis, sign). They are
# right-handed, so that pictures are not mirrored.
VIEWS = {
    'y': ((0, -1), (1, 1)),  # Kinect: the view of its sensor
    '-y': ((0, 1), (1, -1)),  # images and camera coordinates
    'z': ((0, 1), (2, 1)),  # motion capture, and normalised skeletons
}
SIZE = (4.4, 4.2)  # inches; an even number of pixels, as MP4 requires
DPI = 100
LIMBS = ('0.35', '0.62')  # greys, one per person
PLAIN = '#2166ac'  # joints without importance
AREAS = (10, 130)  # of the least and the most important joint, in points^2
# Without light yellow, which is invisible on white.
COLORS = LinearSegmentedColormap.from_list(
    'attention', matplotlib.colormaps['YlOrRd'](np.linspace(.25, 1, 256)))
LEAST_SPAN = 0.05  # least range of the colours, to hide tiny differences


def draw_frames(keypoint: np.ndarray,
                bones: Sequence[Tuple[int, int]],
                importance: Optional[np.ndarray] = None,
                title: Optional[str] = None,
                up: str = 'y') -> Iterator[np.ndarray]:
    """Draws the frames of a clip one by one.

    Args:
        keypoint, bones, importance, title, up: See
            :func:`psp_plugin.tooling.visualization.write_skeleton_video`.

    Yields:
        np.ndarray: A frame, (420, 440, 3), uint8, RGB.

    Raises:
        ValueError: If arguments are invalid.
    """
    points = project(keypoint, up)  # (M, T, V, 2)
    num_frames, num_joints = points.shape[1:3]
    bones = check_drawing(num_joints, bones, importance)
    figure = Figure(figsize=SIZE, dpi=DPI)
    canvas = FigureCanvasAgg(figure)
    axes = _empty_axes(figure, points, title)
    style = dict(color=PLAIN, s=AREAS[0] * 3)
    if importance is not None:
        style = _importance_style(figure, np.asarray(importance))
    limbs = [axes.add_collection(LineCollection(
        [], colors=LIMBS[m % len(LIMBS)], linewidths=2.5, zorder=1))
        for m in range(len(points))]
    joints = [axes.scatter(*person[0].T, edgecolors='0.25', linewidths=.6,
                           zorder=2, **style) for person in points]
    counter = figure.text(.42, .04, '', ha='center', color='0.4', fontsize=9)
    for t in range(num_frames):
        for person, lines, dots in zip(points[:, t], limbs, joints):
            lines.set_segments(person[bones])
            dots.set_offsets(np.ma.masked_invalid(person))
        counter.set_text(f'frame {t + 1} of {num_frames}')
        canvas.draw()
        yield np.asarray(canvas.buffer_rgba())[..., :3].copy()


def check_drawing(num_joints: int,
                  bones: Sequence[Tuple[int, int]],
                  importance: Optional[np.ndarray] = None) -> np.ndarray:
    """Checks that bones and importance fit the joints of a clip.

    Returns:
        np.ndarray: The bones, (n, 2) integers.

    Raises:
        ValueError: If they do not fit.
    """
    pairs = np.asarray(bones, int).reshape(-1, 2)
    if pairs.size and not 0 <= pairs.min() <= pairs.max() < num_joints:
        raise ValueError(f'bones name joints {pairs.min()} to {pairs.max()}, '
                         f'but the clip has joints 0 to {num_joints - 1}')
    if importance is not None and np.shape(importance) != (num_joints, ):
        raise ValueError(f'importance must have shape ({num_joints},), one '
                         f'per joint, not {np.shape(importance)}')
    return pairs


def project(keypoint: np.ndarray, up: str = 'y') -> np.ndarray:
    """Projects joints as :func:`lay_out` does; missing joints become NaN.

    Args:
        keypoint, up: See :func:`lay_out`.

    Returns:
        np.ndarray: (M, T, V, 2), NaN where a joint is missing.

    Raises:
        ValueError: If the shape or ``up`` is invalid, or if all joints are
            missing.
    """
    points = lay_out(keypoint, up)
    keypoint = np.asarray(keypoint)
    points[(keypoint == 0).all(-1) | ~np.isfinite(keypoint).all(-1)] = np.nan
    if np.isnan(points).all():
        raise ValueError('the clip has no joint to draw')
    return points


def lay_out(keypoint: np.ndarray, up: str = 'y') -> np.ndarray:
    """Projects joints to the plane of the picture, x right and y up.

    Args:
        keypoint (np.ndarray): (M, T, V, 3), or (M, T, V, 2) in pixels.
        up (str): The axis that points up in 3D, one of ``VIEWS``.

    Returns:
        np.ndarray: (M, T, V, 2).

    Raises:
        ValueError: If the shape or ``up`` is invalid.
    """
    keypoint = check_keypoint(keypoint, up)
    view = VIEWS['-y' if keypoint.shape[3] == 2 else up]
    return np.stack([keypoint[..., axis] * sign for axis, sign in view], -1)


def check_keypoint(keypoint: np.ndarray, up: str) -> np.ndarray:
    """Checks that a clip and the axis that points up in it can be drawn.

    Returns:
        np.ndarray: The clip, float64.

    Raises:
        ValueError: If the shape or ``up`` is invalid.
    """
    keypoint = np.asarray(keypoint, np.float64)
    if keypoint.ndim != 4 or keypoint.shape[3] not in (2, 3):
        raise ValueError('the keypoint must have shape (M, T, V, 2) or '
                         f'(M, T, V, 3), not {keypoint.shape}')
    if up not in VIEWS:
        raise ValueError(f'up must be one of {", ".join(VIEWS)}, not {up!r}')
    return keypoint


def _empty_axes(figure: Figure, points: np.ndarray, title: Optional[str]):
    """Adds invisible axes whose limits contain all joints of all frames."""
    axes = figure.add_axes((.03, .08, .78, .8))
    low = np.nanmin(points, (0, 1, 2))
    high = np.nanmax(points, (0, 1, 2))
    margin = .06 * (high - low).max() or 1.
    axes.set(xlim=(low[0] - margin, high[0] + margin),
             ylim=(low[1] - margin, high[1] + margin), aspect='equal')
    axes.set_axis_off()
    if title:
        figure.text(.42, .94, fill(title, 40), ha='center', va='center',
                    fontsize=12)
    return axes


def _importance_style(figure: Figure, importance: np.ndarray) -> dict:
    """Returns colours and sizes of the joints, and adds a colour bar."""
    high = importance.max()
    scale = Normalize(min(importance.min(), high - LEAST_SPAN), high)
    bar = figure.colorbar(ScalarMappable(scale, COLORS), format='%.2f',
                          ticks=np.linspace(scale.vmin, scale.vmax, 3),
                          cax=figure.add_axes((.84, .2, .03, .5)))
    bar.set_label('attention', fontsize=10)
    bar.ax.tick_params(labelsize=8)
    share = scale(importance)
    return dict(c=COLORS(share), s=AREAS[0] + share * np.ptp(AREAS))
