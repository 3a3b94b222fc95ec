"""Embeds features in two dimensions with t-SNE and draws them."""
from math import ceil
from typing import Dict, Optional, Sequence

import numpy as np
from matplotlib.figure import Figure

from psp_plugin.commands.command_line import check_packages
from psp_plugin.errors import InputError

MAX_PERPLEXITY = 30.  # the usual value
MIN_CLIPS = 10
# Paul Tol's muted scheme and black, for colour-blind readers.
PALETTE = ('#332288', '#CC6677', '#117733', '#88CCEE', '#882255', '#DDCC77',
           '#44AA99', '#000000', '#AA4499', '#999933')
# Filled markers. Their number and that of the colours are coprime, so that
# each of 90 classes has its own pair of colour and marker.
MARKERS = ('o', 's', '^', 'D', 'v', 'P', 'X', '<', '>')
MAX_CLASSES = len(MARKERS) * len(PALETTE)
ROWS = 22  # per column of the legend


def embed(features: np.ndarray,
          perplexity: Optional[float] = None,
          seed: int = 0) -> np.ndarray:
    """Computes t-SNE with scikit-learn, initialised by PCA.

    The result is deterministic for given features and seed: only one thread
    is used, as the order of summation over several threads varies.

    Args:
        features (np.ndarray): (count, D).
        perplexity (float, optional): Effective number of neighbours, at least
            1 and less than ``count``. Defaults to None: see
            :func:`default_perplexity`.
        seed (int): Random seed. Defaults to 0.

    Returns:
        np.ndarray: (count, 2), float32, without units.

    Raises:
        InputError: If scikit-learn is missing, if there are fewer than ten
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
    """Returns 30, or (count - 1) / 3 if that is less.

    t-SNE considers three times as many neighbours as its perplexity.

    Args:
        count (int): Number of clips.
    """
    return min(MAX_PERPLEXITY, (count - 1) / 3)


def check_embedding(count: int, perplexity: Optional[float] = None,
                    seed: int = 0) -> None:
    """Validates the arguments of :func:`embed` before computing features.

    Args:
        count (int): Number of clips.
        perplexity (float, optional): See :func:`embed`. Defaults to None.
        seed (int): Random seed. Defaults to 0.

    Raises:
        InputError: See :func:`embed`, except for problems of the features.
    """
    check_packages('t-SNE', ['sklearn'], 'scikit-learn')
    if count < MIN_CLIPS:
        raise InputError(f't-SNE of {count} clips is not meaningful: choose '
                         f'more clips or classes, at least {MIN_CLIPS} clips')
    if perplexity is not None and not 1 <= perplexity < count:
        raise InputError(f'perplexity must be from 1 to less than {count}, '
                         f'the number of clips, not {perplexity:g}')
    check_seed(seed)


def check_seed(seed: int) -> None:
    """Raises InputError for a seed that NumPy does not take."""
    if not 0 <= seed < 2**32:
        raise InputError(f'seed must be from 0 to {2**32 - 1}, not {seed}')


def _check_features(features: np.ndarray) -> None:
    """Raises InputError for features that cannot be embedded."""
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
    """Draws points by class, with a legend of names and counts.

    Source: PSP Learning (arXiv 2302.02327), figures 6 and 8. Departs from
    them by different markers, for colour-blind readers.

    Args:
        points (np.ndarray): (count, 2), from :func:`embed`.
        labels (Sequence[int]): The class of each point.
        names (dict[int, str]): The classes to draw, in the order of the
            legend, at most 90.
        title (str): Title of the figure. Defaults to ''.
        caption (str): Text below the points. Defaults to ''.

    Returns:
        Figure: The figure, for :func:`save_figure`.

    Raises:
        InputError: If there are too many classes.
        ValueError: If shapes do not match.
    """
    labels = np.asarray(labels)
    if np.shape(points) != (len(labels), 2):
        raise ValueError(f'points must have shape ({len(labels)}, 2), one '
                         f'per label, not {np.shape(points)}')
    if len(names) > MAX_CLASSES:
        raise InputError(f'{len(names)} classes cannot be distinguished in '
                         f'one figure: choose at most {MAX_CLASSES}')
    columns = ceil(len(names) / ROWS)
    figure = Figure(figsize=(6.2 + 2.3 * columns, 6), layout='constrained')
    figure.supxlabel(caption, fontsize=9, color='0.3')
    axes = figure.subplots()
    axes.set_title(title, fontsize=12)
    axes.set(xticks=[], yticks=[], xlabel='t-SNE, first axis',
             ylabel='t-SNE, second axis')
    axes.set_aspect('equal', adjustable='datalim')
    for i, (label, name) in enumerate(names.items()):
        members = points[labels == label]
        axes.scatter(*members.T, s=34, marker=MARKERS[i % len(MARKERS)],
                     color=PALETTE[i % len(PALETTE)], edgecolors='0.2',
                     linewidths=.4, label=f'{name} ({len(members)})')
    figure.legend(loc='outside right upper', ncols=columns, fontsize=9,
                  title='class (clips)', frameon=False, alignment='left')
    return figure
