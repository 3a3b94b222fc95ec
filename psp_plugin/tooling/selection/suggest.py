"""Suggests clips of a pool by one of the strategies."""
from typing import Dict, List, NamedTuple, Optional, Sequence

import numpy as np

from psp_plugin.commands.command_line import check_packages
from psp_plugin.datasets.draw import check_unique
from psp_plugin.errors import InputError

from ..visualization.embedding import check_seed
from .strategies import (
    distant_clips,
    random_clips,
    typical_clips,
    uncertain_clips,
    unit_features,
)

STRATEGIES = ('typiclust', 'coreset', 'margin', 'random')


class Pool(NamedTuple):
    """The clips to choose from.

    Args:
        names (list[str]): Their names, N.
        features (np.ndarray): (N, D).
        scores (np.ndarray, optional): (N, num_classes) of a trained
            classifier. Defaults to None.
    """
    names: List[str]
    features: np.ndarray
    scores: Optional[np.ndarray] = None


def suggest(pool: Pool, count: int, strategy: str = 'typiclust',
            known: Optional[Dict[str, int]] = None,
            seed: int = 0) -> List[str]:
    """Suggests clips to label.

    Args:
        pool (Pool): The clips.
        count (int): Number of clips to suggest.
        strategy (str): ``'typiclust'``, ``'coreset'``, ``'margin'`` or
            ``'random'``, see :mod:`.strategies`. Defaults to
            ``'typiclust'``.
        known (dict[str, int], optional): Label of each clip that has one;
            clips outside the pool are ignored. Defaults to None.
        seed (int): Seed of clusters and draws. Defaults to 0.

    Returns:
        list[str]: Names, the most useful clip first, without those that have
        a label.

    Raises:
        InputError: If the pool has too few clips, a name twice or features
            that cannot be compared, or if ``'margin'`` has no classifier.
    """
    check_unique(pool.names)
    known = known or {}
    have = [i for i, name in enumerate(pool.names) if name in known]
    check_count(pool.names, known, count)
    check_seed(seed)
    if strategy == 'random':
        chosen = random_clips(len(pool.names), count, have, seed)
    elif strategy == 'margin':
        scores = pool.scores
        if scores is None:
            scores = fitted_scores(unit_features(pool.features), have, [
                known[pool.names[i]] for i in have])
        if not np.isfinite(scores).all():
            raise InputError('the scores are NaN or infinite: the training of '
                             'the model has diverged')
        chosen = uncertain_clips(scores, count, have)
    else:
        choose = dict(typiclust=typical_clips, coreset=distant_clips)
        chosen = choose[strategy](
            unit_features(pool.features), count, have, seed)
    return [pool.names[i] for i in chosen]


def check_count(names: Sequence[str], known: Dict[str, int], count: int,
                table: Optional[str] = None) -> None:
    """Raises InputError if too few clips are left to be suggested.

    Args:
        names, known, count: See :func:`suggest`.
        table (str, optional): The table of the labels, in which clips without
            a label are those that were skipped. Defaults to None.
    """
    left = sum(name not in known for name in names)
    if left < count:
        without = f'a row in {table}' if table else 'a label'
        raise InputError(f'the pool has {left} clips without {without}, fewer '
                         f'than the {count} to suggest')


def check_options(strategy: str, seed: int) -> None:
    """Checks a strategy and a seed before features are computed.

    Raises:
        InputError: If the seed is not one, or if scikit-learn is missing.
    """
    check_seed(seed)
    if strategy in ('typiclust', 'margin'):
        check_packages(f'strategy {strategy!r}', ['sklearn'], 'scikit-learn')


def fitted_scores(features: np.ndarray, have: Sequence[int],
                  labels: Sequence[int]) -> np.ndarray:
    """Fits a logistic regression to the labelled clips.

    Returns:
        np.ndarray: (N, classes) probabilities of all clips.

    Raises:
        InputError: If they have fewer than two classes.
    """
    classes = len(set(labels))
    if classes < 2:
        raise InputError(
            'margin needs a classifier: a model that was trained with '
            f'labels, or labels of two classes or more, not of {classes}')
    from sklearn.linear_model import LogisticRegression
    model = LogisticRegression(max_iter=1000).fit(features[have], labels)
    return np.asarray(model.predict_proba(features))
