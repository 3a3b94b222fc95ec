"""Draws the attention maps of a clip next to its skeleton.

Shape legend: M person, T frame, V joint, C channel, K nodes of a level.
"""
from textwrap import fill
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, FigureBase

from psp_plugin.errors import InputError
from psp_plugin.skeletons import SkeletonPyramid

from .frames import COLORS, project
from .sized_skeleton import draw_skeleton

# Okabe and Ito, for colour-blind readers; without yellow, invisible on white.
PALETTE = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#000000', '#E69F00',
           '#56B4E9')
# The names of the maps in the paper.
TITLES = dict(body='Body level, $A_z$', part='Part level, $A_{h,z}$',
              joint='Joint level, $A_{g,h,z}$')
CAPTION = ('Attention is the mean of absolute values over heads, persons, '
           'sampled clips and {streams}. The darker the row of a joint in the '
           'map of the joint level, the more important the joint and the '
           'larger its dot. Colours show the body that dots and labels belong '
           'to; dots have the numbers of joints.')


def draw_attention(maps: Dict[str, np.ndarray],
                   keypoint: np.ndarray,
                   bones: Sequence[Tuple[int, int]],
                   importance: np.ndarray,
                   pyramid: Optional[SkeletonPyramid] = None,
                   title: str = '',
                   frame: Optional[int] = None,
                   stream: Optional[str] = None,
                   up: str = 'y') -> Figure:
    """Draws the maps of all levels, and a frame with joints by importance.

    Source: PSP Learning (arXiv 2302.02327), figure 5. Departs from it: only
    the skeleton of the joint level is drawn, its joints are numbered, and
    joints, rows and columns are coloured by body.

    Args:
        maps (dict[str, np.ndarray]): Per level (K, K), from
            :func:`mean_attention`.
        keypoint (np.ndarray): Joints as recorded, (M, T, V, 3), or (M, T, V,
            2) in pixels, y down.
        bones (Sequence[tuple[int, int]]): Pairs of joints to connect.
        importance (np.ndarray): (V,), from :func:`joint_importance`. Dot
            sizes span its range, or 0.05 if the range is smaller.
        pyramid (SkeletonPyramid, optional): The joint layout, for names and
            colours. Defaults to None: numbers and one colour.
        title (str): Title of the figure. Defaults to ''.
        frame (int, optional): Index of the frame to draw. Defaults to None:
            the middle one of the frames with a joint.
        stream (str, optional): The stream of the maps. Defaults to None:
            both.
        up (str): The axis that points up in 3D: ``'y'`` as for Kinect,
            ``'z'`` or ``'-y'``. Defaults to ``'y'``.

    Returns:
        Figure: The figure, for :func:`save_figure`.

    Raises:
        InputError: If the frame is out of range or has no joint.
        ValueError: If shapes do not match.
    """
    frame = choose_frame(keypoint, frame)
    points = project(keypoint[:, frame:frame + 1], up)[:, 0]  # (M, V, 2)
    if np.shape(importance) != points.shape[1:2]:
        raise ValueError(f'importance must have shape ({points.shape[1]},), '
                         f'one per joint, not {np.shape(importance)}')
    figure = Figure(figsize=(13, 4.9), layout='constrained')
    figure.suptitle(fill(title, 100), fontsize=14)
    streams = f'the {stream} stream' if stream else 'both streams'
    figure.supxlabel(fill(CAPTION.format(streams=streams), 165), fontsize=9,
                     color='0.3')
    left, right = figure.subfigures(1, 2, width_ratios=(3, 1))
    _draw_maps(left, maps, pyramid)
    axes = right.subplots()
    axes.set_title(f'Frame {frame + 1} of {keypoint.shape[1]}', fontsize=11)
    draw_skeleton(axes, points, bones, np.asarray(importance),
                  body_colors(pyramid, 'joint'), 'importance of the joint')
    return figure


def choose_frame(keypoint: np.ndarray, frame: Optional[int] = None) -> int:
    """Chooses the frame to draw.

    Args:
        keypoint (np.ndarray): (M, T, V, C).
        frame (int, optional): Index of the requested frame. Defaults to None.

    Returns:
        int: The requested frame, or else the middle one of the frames with a
        joint.

    Raises:
        InputError: If the requested frame is out of range or has no joint, or
            if no frame has one.
    """
    filled = np.flatnonzero(np.nan_to_num(keypoint).any((0, 2, 3)))
    frames = keypoint.shape[1]
    if not len(filled):
        raise InputError('the clip has no joint to draw')
    if frame is None:
        return int(filled[len(filled) // 2])
    if not 0 <= frame < frames:
        raise InputError(f'there is no frame {frame + 1}: the clip has frames '
                         f'1 to {frames}')
    if frame not in filled:
        raise InputError(f'frame {frame + 1} has no joint to draw: choose '
                         f'another one, such as {filled[0] + 1}')
    return frame


def body_colors(pyramid: Optional[SkeletonPyramid],
                level: str) -> Optional[List[str]]:
    """Returns the colour of each node's body, None without a pyramid."""
    if pyramid is None or level not in TITLES:
        return None
    bodies = dict(body=range(len(pyramid.bodies)), part=pyramid.part_to_body,
                  joint=pyramid.joint_to_body)[level]
    return [PALETTE[body % len(PALETTE)] for body in bodies]


def _draw_maps(figure: FigureBase, maps: Dict[str, np.ndarray],
               pyramid: Optional[SkeletonPyramid]) -> None:
    """Draws all maps in a row, with a common colour bar."""
    scale = Normalize(min(values.min() for values in maps.values()),
                      max(values.max() for values in maps.values()))
    places = figure.subplots(1, len(maps), squeeze=False)[0]
    for axes, (level, values) in zip(places, maps.items()):
        image = axes.imshow(values, cmap=COLORS, norm=scale,
                            interpolation='nearest')
        axes.set_title(TITLES.get(level, level), fontsize=11)
        axes.set_ylabel(f'query: the {level} that attends', fontsize=9)
        axes.set_xlabel(f'key: the {level} attended to', fontsize=9)
        _name_nodes(axes, level, len(values), pyramid)
    bar = figure.colorbar(image, ax=places, location='bottom', shrink=.5,
                          aspect=45, pad=.04)
    bar.set_label('attention, the same scale in all maps', fontsize=9)
    bar.ax.tick_params(labelsize=8)


def _name_nodes(axes: Axes, level: str, count: int,
                pyramid: Optional[SkeletonPyramid]) -> None:
    """Labels rows and columns, in the colours of bodies."""
    names = getattr(pyramid, f'{level}_names', ()) or range(count)
    if level == 'joint' and pyramid is not None and pyramid.joint_names:
        names = [f'{name} {joint}' for joint, name in enumerate(names)]
    size = 8 if count <= 12 else 7
    axes.set_yticks(range(count), names, fontsize=size)
    axes.set_xticks(range(count), names, fontsize=size, rotation=90)
    axes.tick_params(length=2)
    colors = body_colors(pyramid, level) or ()
    for axis in (axes.xaxis, axes.yaxis):
        for label, color in zip(axis.get_ticklabels(), colors):
            label.set_color(color)
