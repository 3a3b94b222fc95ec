"""Lays high-dimensional features out in a plane."""
import importlib.util
from math import ceil
from typing import Dict, Optional, Sequence

import numpy as np
from matplotlib.figure import Figure

from psp_plugin.errors import InputError

MAX_PERPLEXITY = 30.  # the usual one, given enough clips
MIN_CLIPS = 10
# Paul Tol's muted scheme and black: told apart by the colour-blind.
PALETTE = ('#332288', '#CC6677', '#117733', '#88CCEE', '#882255', '#DDCC77',
           '#44AA99', '#000000', '#AA4499', '#999933')
# Filled ones. Their number and that of colours have no common divisor, so
# that colour and marker together are another pair for each of 90 classes.
MARKERS = ('o', 's', '^', 'D', 'v', 'P', 'X', '<', '>')
MAX_CLASSES = len(MARKERS) * len(PALETTE)
ROWS = 22  # of a column of the legend


def embed(features: np.ndarray,
          perplexity: Optional[float] = None,
          seed: int = 0) -> np.ndarray:
    """Computes t-SNE by scikit-learn, from a start at principal components.

    The same features and seed give the same points: it computes in one
    thread, as the order of a sum over several is left to chance.

    Args:
        features (np.ndarray): (count, D).
        perplexity (float, optional): About how many neighbours of a clip are
            to stay close, from 1 to less than ``count``. Defaults to None:
            see :func:`default_perplexity`.
        seed (int): Defaults to 0.

    Returns:
        np.ndarray: (count, 2), float32, no units.

    Raises:
        InputError: If scikit-learn is missing, if there are less than ten
            clips, if the perplexity or the seed is out of range, or if the
            features are not finite or all the same.
    """
    features = np.asarray(features, np.float64)
    count = len(features)
    if perplexity is None:
        perplexity = default_perplexity(count)
    check_embedding(count, perplexity, seed)
    _check_features(features)
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits  # comes with scikit-learn
    tsne = TSNE(perplexity=perplexity, init='pca', learning_rate='auto',
                random_state=seed)
    with threadpool_limits(1):
        return tsne.fit_transform(features).astype(np.float32)


def default_perplexity(count: int) -> float:
    """30, or a third of the other clips where these are few.

    t-SNE looks at three times as many neighbours as its perplexity.

    Args:
        count (int): Number of clips.
    """
    return min(MAX_PERPLEXITY, (count - 1) / 3)


def check_embedding(count: int, perplexity: Optional[float] = None,
                    seed: int = 0) -> None:
    """Checks what :func:`embed` needs, before features are computed.

    Args:
        count (int): Number of clips.
        perplexity (float, optional): See :func:`embed`. Defaults to None.
        seed (int): Defaults to 0.

    Raises:
        InputError: As :func:`embed`, but for the features themselves.
    """
    if importlib.util.find_spec('sklearn') is None:
        raise InputError('t-SNE needs scikit-learn, which this Python lacks: '
                         'run `pip install scikit-learn`')
    if count < MIN_CLIPS:
        raise InputError(f't-SNE of {count} clips says nothing: choose more '
                         f'clips or classes, at least {MIN_CLIPS} clips')
    if perplexity is not None and not 1 <= perplexity < count:
        raise InputError(f'perplexity must be from 1 to less than {count}, '
                         f'the number of clips, not {perplexity:g}')
    if not 0 <= seed < 2**32:
        raise InputError(f'seed must be from 0 to {2**32 - 1}, not {seed}')


def _check_features(features: np.ndarray) -> None:
    """Raises InputError for features that cannot be laid out."""
    count = len(features)
    bad = int((~np.isfinite(features)).any(1).sum())
    if bad:
        raise InputError(f'the features of {bad} of {count} clips are NaN or '
                         'infinite: the model has diverged')
    if np.ptp(features, axis=0).max() <= 1e-6 * np.abs(features).max():
        raise InputError(f'the features of all {count} clips are the same: '
                         'the model has collapsed')


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
