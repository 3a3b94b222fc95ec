"""Draws the attention maps of a SkeletonTransformer and the skeleton.

Shape legend: M person, T frame, P patch of frames, V joint, V' joint with
tokens, C coordinate.
"""
from textwrap import fill
from typing import List, Optional, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, FigureBase

from psp_plugin.skeletons import SkeletonPyramid

from .attention_figure import body_colors, choose_frame
from .encoder_attention import EncoderAttention
from .frames import COLORS, LEAST_SPAN, project
from .sized_skeleton import draw_skeleton

CAPTION = (
    'Attention is the mean over heads, persons and sampled clips{streams}. A '
    'row is what a joint or a patch gives to each, and sums to 1. The more a '
    'joint receives, the larger its dot: the mean of its column (in pictures '
    'of the pyramid, of its row). Colours show the body of joints.')
LEFT_OUT = ' Small grey joints have no token.'
MOST_LABELS = 25  # per axis of a map; more would overlap


def draw_encoder_attention(attention: EncoderAttention,
                           keypoint: np.ndarray,
                           layout: SkeletonPyramid,
                           title: str = '',
                           frame: Optional[int] = None,
                           up: str = 'y') -> Figure:
    """Draws both maps, and a frame with joints by the attention they receive.

    Args:
        attention (EncoderAttention): From :func:`encoder_attention`.
        keypoint (np.ndarray): Joints as recorded, (M, T, V, 3), or (M, T, V,
            2) in pixels, y down.
        layout (SkeletonPyramid): The encoder's joint layout, for bones and
            colours.
        title (str): Title of the figure. Defaults to ''.
        frame (int, optional): Index of the frame to draw. Defaults to None:
            the middle one of the frames with a joint.
        up (str): The axis that points up in 3D: ``'y'`` as for Kinect,
            ``'z'`` or ``'-y'``. Defaults to ``'y'``.

    Returns:
        Figure: The figure, for :func:`save_figure`.

    Raises:
        InputError: If the frame is out of range or has no joint.
        ValueError: If clip and maps differ in the number of joints.
    """
    frame = choose_frame(keypoint, frame)
    points = project(keypoint[:, frame:frame + 1], up)[:, 0]  # (M, V, 2)
    received = attention.received
    if received.shape != points.shape[1:2]:
        raise ValueError(f'the maps are of {len(received)} joints, but the '
                         f'clip has {points.shape[1]}')
    figure = Figure(figsize=(13, 5.2), layout='constrained')
    figure.get_layout_engine().set(w_pad=.07)
    figure.suptitle(fill(title, 100), fontsize=14)
    figure.supxlabel(fill(_caption(attention), 172), fontsize=9, color='0.3')
    left, right = figure.subfigures(1, 2, width_ratios=(3.2, 1))
    colors = body_colors(layout, 'joint')
    _draw_maps(left, attention, [colors[joint] for joint in attention.joints])
    axes = right.subplots()
    axes.set_title(f'Frame {frame + 1} of {keypoint.shape[1]}', fontsize=11)
    draw_skeleton(axes, points, layout.lines, received, colors,
                  'attention that the joint receives', '.3f',
                  LEAST_SPAN * np.nanmax(received))
    return figure


def _caption(attention: EncoderAttention) -> str:
    """Returns the caption, which explains maps and sizes."""
    streams = {0: '', 1: f' of the {"".join(attention.streams)} stream'}.get(
        len(attention.streams), ' of both streams')
    text = CAPTION.format(streams=streams)
    return text + LEFT_OUT * (len(attention.joints) < attention.num_joints)


def _draw_maps(figure: FigureBase, attention: EncoderAttention,
               colors: List[str]) -> None:
    """Draws both maps, with separate colour scales as row lengths differ."""
    first, second = figure.subplots(1, 2)
    block = f'block {attention.block + 1} of {attention.depth}'
    _draw_map(first, attention.joint, f'Joint to joint, {block}', 'joint',
              attention.joints)
    for axis in (first.xaxis, first.yaxis):
        for label, color in zip(axis.get_ticklabels(), colors):
            label.set_color(color)
    patches = len(attention.patch)
    _draw_map(second, attention.patch, f'Patch to patch, {block}',
              f'patch of {attention.frames_per_token} frames',
              range(1, patches + 1))


def _draw_map(axes: Axes, values: np.ndarray, title: str, node: str,
              names: Sequence[int]) -> None:
    """Draws one map with its colour bar and labels."""
    low, high = values.min(), values.max()
    scale = Normalize(low, max(high, low + LEAST_SPAN * high))
    image = axes.imshow(values, cmap=COLORS, norm=scale,
                        interpolation='nearest')
    axes.set_title(title, fontsize=11)
    axes.set_ylabel(f'query: the {node} that attends', fontsize=9)
    axes.set_xlabel(f'key: the {node} attended to', fontsize=9)
    step = -(-len(names) // MOST_LABELS)
    places = range(0, len(names), step)
    axes.set_xticks(places, names[::step], fontsize=7,
                    rotation=90 if len(places) > 12 else 0)
    axes.set_yticks(places, names[::step], fontsize=7)
    axes.tick_params(length=2)
    bar = axes.figure.colorbar(image, ax=axes, shrink=.75, aspect=25, pad=.02)
    bar.set_label(f'attention (uniform: {1 / len(names):.3f})', fontsize=9)
    bar.ax.tick_params(labelsize=8)
