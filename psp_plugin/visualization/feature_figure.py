"""Draws clips as points in a plane, with the marks of their classes."""
from math import ceil
from typing import Dict, Sequence

import numpy as np
from matplotlib.figure import Figure

from psp_plugin.errors import InputError

# Paul Tol's muted scheme and black: told apart by the colour-blind.
PALETTE = ('#332288', '#CC6677', '#117733', '#88CCEE', '#882255', '#DDCC77',
           '#44AA99', '#000000', '#AA4499', '#999933')
# Filled ones. Their number and that of colours have no common divisor, so
# that colour and marker together are another pair for each of 90 classes.
MARKERS = ('o', 's', '^', 'D', 'v', 'P', 'X', '<', '>')
MAX_CLASSES = len(MARKERS) * len(PALETTE)
ROWS = 22  # of a column of the legend


def draw_features(points: np.ndarray,
                  labels: Sequence[int],
                  names: Dict[int, str],
                  title: str = '',
                  caption: str = '') -> Figure:
    """Draws points by class, and a legend that names and counts them.

    Source: PSP Learning (arXiv 2302.02327), figures 6 and 8. Departs from
    them in markers, for those who do not see the colours apart.

    Args:
        points (np.ndarray): (count, 2), from :func:`embed`.
        labels (Sequence[int]): The class of each point.
        names (dict[int, str]): The classes to draw, in the order of the
            legend, at most 90.
        title (str): What stands above. Defaults to nothing.
        caption (str): What stands below. Defaults to nothing.

    Returns:
        Figure: The figure, for :func:`save_figure`.

    Raises:
        InputError: If there are too many classes.
        ValueError: If shapes do not fit.
    """
    labels = np.asarray(labels)
    if np.shape(points) != (len(labels), 2):
        raise ValueError(f'points must have shape ({len(labels)}, 2), one a '
                         f'label, not {np.shape(points)}')
    if len(names) > MAX_CLASSES:
        raise InputError(f'{len(names)} classes cannot be told apart in one '
                         f'figure: choose at most {MAX_CLASSES}')
    columns = ceil(len(names) / ROWS)
    figure = Figure(figsize=(6.2 + 2.3 * columns, 6), layout='constrained')
    figure.supxlabel(caption, fontsize=9, color='0.3')
    axes = figure.subplots()
    axes.set_title(title, fontsize=12)
    axes.set(xticks=[], yticks=[], xlabel='t-SNE, first axis',
             ylabel='t-SNE, second axis')
    axes.set_aspect('equal', adjustable='datalim')
    for i, (label, name) in enumerate(names.items()):
        own = points[labels == label]
        axes.scatter(*own.T, s=34, marker=MARKERS[i % len(MARKERS)],
                     color=PALETTE[i % len(PALETTE)], edgecolors='0.2',
                     linewidths=.4, label=f'{name} ({len(own)})')
    figure.legend(loc='outside right upper', ncols=columns, fontsize=9,
                  title='class (clips)', frameon=False, alignment='left')
    return figure
