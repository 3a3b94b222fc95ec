"""Draws the masked, predicted and true motion of a clip.

Shape legend: M person, T frame, P patch of p frames, V joint, C coordinate.
"""
from textwrap import fill
from typing import Iterator, Optional, Sequence, Tuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.figure import Figure

from .frames import lay_out
from .masking import ClipMasking

SIZE = (9.6, 5.2)  # inches; an even number of pixels
DPI = 100
# Okabe and Ito, for colour-blind readers.
GROUPS = ('#0072B2', '#009E73', '#CC79A7', '#56B4E9')
PREDICTED, TRUE = '#D55E00', '0.1'
BONE, PALE = '0.55', '0.8'
PANEL = (.31, .67)  # width and height of a skeleton's panel in the figure
AREA = 26  # of a joint, in points^2
LINES = ('Lines show where masked joints go within {frames} frames, from '
         'their true place in the first. ')
NORMALIZED = ('The model predicts normalised motion: here the mean and the '
              "size of each joint's motion within {frames} frames are taken "
              'from the truth. ')
LOSS = ('loss_rec, the squared error {of}, is {loss:.2f} for this clip; 0 '
        'predicted everywhere gives {zero:.2f}.')


class MaskingFigure:
    """Three skeletons side by side: visible, predicted and true.

    Joints at the origin are drawn, as they are input of the model.

    Args:
        masking (ClipMasking): From :func:`clip_masking`.
        bones (Sequence[tuple[int, int]]): Pairs of joints to connect.
        title (str): Title of the figure. Defaults to ''.
        up (str): The axis that points up in 3D, ``'z'`` after normalisation;
            or ``'y'``, ``'-y'``. Defaults to ``'z'``.

    Attributes:
        figure (Figure): The figure, changed by :meth:`show`.

    Raises:
        ValueError: If there are not 2 or 3 coordinates, or ``up`` is invalid.
    """

    def __init__(self, masking: ClipMasking, bones: Sequence[Tuple[int, int]],
                 title: str = '', up: str = 'z') -> None:
        self.frames = masking.masked.shape[1]
        self.figure = Figure(figsize=SIZE, dpi=DPI)
        predicted = np.where(masking.masked[..., None], masking.predicted,
                             masking.true)
        true, predicted = (_in_the_plane(masking.paths(x), up)
                           for x in (masking.true, predicted))
        style = dict(masking=masking, limits=_limits(true, predicted),
                     bones=np.asarray(bones, int).reshape(-1, 2))
        places = [self.figure.add_axes((.01 + i / 3, .2, *PANEL))
                  for i in range(3)]
        self.panels = [
            Panel(places[0], f'Seen: {masking.share:.0%} of tokens masked',
                  true, **style),
            Panel(places[1], 'Predicted motion', predicted, PREDICTED, true,
                  **style),
            Panel(places[2], 'True motion', true, TRUE, **style)
        ]
        self.figure.text(.5, .965, title, ha='center', va='center',
                         fontsize=12)
        self.counter = self.figure.text(.99, .965, '', ha='right',
                                        va='center', color='0.4', fontsize=9)
        self.figure.text(.5, .07, fill(_caption(masking), 140), ha='center',
                         va='center', color='0.3', fontsize=9)

    def show(self, frame: int) -> None:
        """Shows a frame, from 0."""
        for panel in self.panels:
            panel.show(frame)
        self.counter.set_text(f'frame {frame + 1} of {self.frames}')


class Panel:
    """One of the skeletons.

    Args:
        axes (Axes): The axes to draw on.
        title (str): Title of the panel.
        ways (np.ndarray): (M, P, p + 1, V, 2) paths of joints.
        color (str, optional): Colour of masked joints and their paths.
            Defaults to None: hollow joints without paths.
        ghost (np.ndarray, optional): Paths of a pale skeleton behind it.
            Defaults to None.
        masking (ClipMasking): The visible and masked joints.
        limits (tuple): Lower and upper limits of the axes, (2,) each.
        bones (np.ndarray): (bones, 2) pairs of joints to connect.
    """

    def __init__(self, axes: Axes, title: str, ways: np.ndarray,
                 color: Optional[str] = None,
                 ghost: Optional[np.ndarray] = None, *, masking: ClipMasking,
                 limits: Tuple[np.ndarray, np.ndarray],
                 bones: np.ndarray) -> None:
        low, high = limits
        axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]),
                 aspect='equal')
        axes.set_axis_off()
        axes.set_title(title, fontsize=11)
        self.axes, self.bones = axes, bones
        self.ways, self.masked = ways, masking.masked
        self.skeletons = []  # lines, and their joints
        if ghost is not None:
            self.skeletons.append(
                (self._lines(PALE, 2, label='true skeleton'), ghost))
        self.skeletons.append((self._lines(BONE if color else PALE, 2), ways))
        self.trails = self._lines(color, 1.6) if color else None
        self.joints = list(self._joints(masking, color))
        axes.legend(loc='upper center', bbox_to_anchor=(.5, .01), ncols=4,
                    frameon=False, fontsize=8.5, handletextpad=.2,
                    handlelength=1.4, columnspacing=.8)

    def _joints(self, masking: ClipMasking, color: Optional[str]) -> Iterator:
        """Yields dots, and the joints (M, T, V) that each of them is for."""
        for (name, seen), tone in zip(masking.visible.items(), GROUPS):
            yield self._dots(AREA, label=None if color else name,
                             color=tone), seen
        if color:
            dots = self._dots(AREA / 2, label='masked joints', color=color)
        else:
            dots = self._dots(AREA * .7, label='masked', facecolors='white',
                              edgecolors='0.6')
        yield dots, masking.masked
        plain = ~masking.masked & ~np.any(list(masking.visible.values()), 0)
        if plain.any():
            label = None if color else 'no token'
            yield self._dots(AREA / 6, label=label, color=BONE), plain

    def _lines(self, color: str, width: float, **style) -> LineCollection:
        return self.axes.add_collection(LineCollection(
            [], colors=color, linewidths=width, zorder=1, **style))

    def _dots(self, area: float, **style) -> PathCollection:
        return self.axes.scatter([], [], area, linewidths=1, zorder=2, **style)

    def show(self, frame: int) -> None:
        """Shows a frame, from 0."""
        patch, i = divmod(frame, self.ways.shape[2] - 1)
        for lines, ways in self.skeletons:
            lines.set_segments(ways[:, patch, i][:, self.bones].reshape(
                -1, 2, 2))
        if self.trails is not None:
            ways = self.ways[:, patch].swapaxes(1, 2)  # M, V, p + 1, 2
            self.trails.set_segments(ways[self.masked[:, frame]])
        for dots, among in self.joints:
            dots.set_offsets(self.ways[:, patch, i][among[:, frame]])


def _caption(masking: ClipMasking) -> str:
    """Returns the caption, which explains lines and numbers."""
    text = LINES + (NORMALIZED if masking.normalized else '') + LOSS
    return text.format(
        frames=masking.frames_per_token, loss=masking.loss,
        zero=masking.loss_of_zero,
        of='of normalised motion' if masking.normalized else 'of the motion')


def _in_the_plane(paths: np.ndarray, up: str) -> np.ndarray:
    """Projects (M, P, p + 1, V, C) to (M, P, p + 1, V, 2)."""
    m, _, _, v, c = paths.shape
    return lay_out(paths.reshape(m, -1, v, c), up).reshape(
        *paths.shape[:-1], 2)


def _limits(*ways: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Returns limits that contain all joints, in the aspect of a panel."""
    points = np.concatenate([way.reshape(-1, 2) for way in ways])
    low, high = points.min(0), points.max(0)
    shape = np.multiply(SIZE, PANEL)
    half = .54 * ((high - low) / shape).max() * shape
    if not half.any():
        half = shape
    return (low + high) / 2 - half, (low + high) / 2 + half
