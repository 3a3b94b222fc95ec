"""Draws a skeleton whose joints are sized by a value.

Shape legend: M person, V joint.
"""
from typing import List, Optional, Sequence, Tuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from .frames import AREAS, LEAST_SPAN, LIMBS, PLAIN

WITHOUT = dict(area=AREAS[0] / 2, color='0.5')  # joints without a value


def draw_skeleton(axes: Axes,
                  points: np.ndarray,
                  bones: Sequence[Tuple[int, int]],
                  values: np.ndarray,
                  colors: Optional[List[str]],
                  title: str,
                  form: str = '.2f',
                  least_span: float = LEAST_SPAN) -> None:
    """Draws all persons of a frame with numbered joints and a size legend.

    Args:
        axes (Axes): The axes to draw on; their frame is hidden.
        points (np.ndarray): (M, V, 2), NaN where a joint is missing.
        bones (Sequence[tuple[int, int]]): Pairs of joints to connect.
        values (np.ndarray): (V,) values shown by size; NaN for a small grey
            dot. Sizes span the range of the values.
        colors (list[str], optional): One per joint. None: one for all joints.
        title (str): Title of the legend, the meaning of the values.
        form (str): Format of the values in the legend. Defaults to
            ``'.2f'``.
        least_span (float): Least range of the values. Defaults to 0.05.
    """
    low, high = np.nanmin(points, (0, 1)), np.nanmax(points, (0, 1))
    margin = .08 * (high - low).max() or 1.
    axes.set(xlim=(low[0] - margin, high[0] + margin),
             ylim=(low[1] - margin, high[1] + margin), aspect='equal')
    axes.set_axis_off()
    top = np.nanmax(values)
    scale = Normalize(min(np.nanmin(values), top - least_span), top)
    areas = _area(scale(values))
    without = np.isnan(values)
    if without.any():
        areas = np.where(without, WITHOUT['area'], areas)
        colors = [WITHOUT['color'] if bare else color for bare, color in zip(
            without, colors or [PLAIN] * len(values))]
    halo = [withStroke(linewidth=2, foreground='white')]
    bones = np.asarray(bones, int).reshape(-1, 2)
    for m, person in enumerate(points):
        axes.add_collection(LineCollection(
            person[bones], colors=LIMBS[m % len(LIMBS)], linewidths=2,
            zorder=1))
        axes.scatter(*person.T, s=areas, c=colors or PLAIN,
                     edgecolors='white', linewidths=.6, zorder=2)
        for joint in np.flatnonzero(np.isfinite(person).all(-1)):
            axes.annotate(
                str(joint), person[joint], fontsize=7, color='0.2', zorder=3,
                xytext=(areas[joint]**.5 / 2 + 1, 1),
                textcoords='offset points', path_effects=halo)
    shown = np.linspace(scale.vmin, scale.vmax, 4)
    axes.legend(
        [Line2D([], [], linestyle='', marker='o', color='0.4',
                markersize=_area(scale(value))**.5) for value in shown],
        [f'{value:{form}}' for value in shown], ncols=4, fontsize=9,
        title=title, title_fontsize=9, frameon=False,
        loc='upper center', bbox_to_anchor=(.5, 0), handletextpad=.2,
        columnspacing=1)


def _area(share: np.ndarray) -> np.ndarray:
    """Returns the area of a dot in points squared."""
    return AREAS[0] + share * 1.5 * np.ptp(AREAS)
