"""Chooses the clips to label from their features.

Shape legend: N clip of the pool, D feature.
"""
from typing import List, Sequence

import numpy as np

from psp_plugin.errors import InputError

NEIGHBOURS = 20  # of TypiClust
LEAST = 5  # clips of a cluster that TypiClust prefers to smaller ones
MAX_CLUSTERS = 500  # of TypiClust
FEW_CLIPS = 10000  # more take minutes without mini-batches


def unit_features(features: np.ndarray) -> np.ndarray:
    """Scales features to mean 0, variance 1 and rows to length 1.

    Args:
        features (np.ndarray): (N, D).

    Returns:
        np.ndarray: (N, D), float64.

    Raises:
        InputError: If they are not finite, or all the same.
    """
    features = np.asarray(features, np.float64)
    if not np.isfinite(features).all():
        raise InputError('the features are NaN or infinite: the training of '
                         'the encoder has diverged')
    spread = features.std(0)
    if not spread.max() > 1e-6 * np.abs(features).max():
        if len(features) == 1:
            raise InputError('the pool has one clip, which leaves nothing to '
                             'choose')
        raise InputError(f'the features of all {len(features)} clips are the '
                         'same: their poses are, or the encoder has '
                         "collapsed; strategy 'random' needs no features")
    centred = (features - features.mean(0)) / np.where(spread > 0, spread, 1)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(centred / np.where(length > 0, length, 1))


def typical_clips(features: np.ndarray, count: int,
                  known: Sequence[int] = (), seed: int = 0) -> List[int]:
    """Chooses the most typical clip of each cluster.

    The clips are divided into as many clusters as clips are labelled
    afterwards, at most 500. Clips are chosen one by one, each from the
    cluster with the fewest labelled clips, the largest of these first: the
    one whose mean distance to its nearest neighbours in the cluster (at most
    20) is least. Clusters of fewer than five clips come last.

    Source: TypiClust (Hacohen et al., ICML 2022, arXiv 2202.02794), section
    3. Departs from it in that clusters of fewer than five clips are used if
    no others are left.

    Args:
        features (np.ndarray): (N, D), see :func:`unit_features`.
        count (int): Number of clips to choose.
        known (Sequence[int]): Clips that have a label. Defaults to none.
        seed (int): Seed of the clusters. Defaults to 0.

    Returns:
        list[int]: Indices, the most useful clip first.
    """
    clusters = min(count + len(known), MAX_CLUSTERS, len(features))
    member = _cluster(features, clusters, seed)
    labeled = np.zeros(len(features), bool)
    labeled[list(known)] = True
    sizes = np.bincount(member, minlength=clusters)
    chosen: List[int] = []
    for _ in range(count):
        covered = np.bincount(member[labeled], minlength=clusters)
        best = min(
            (i for i in range(clusters) if covered[i] < sizes[i]),
            key=lambda i: (sizes[i] < LEAST, covered[i], -sizes[i]))
        members = np.flatnonzero(member == best)
        typicality = _typicality(features[members])
        typicality[labeled[members]] = -np.inf
        chosen.append(int(members[typicality.argmax()]))
        labeled[chosen[-1]] = True
    return chosen


def _cluster(features: np.ndarray, clusters: int, seed: int) -> np.ndarray:
    """(N,) clusters of k-means, in mini-batches if they are many."""
    from sklearn.cluster import KMeans, MiniBatchKMeans
    from threadpoolctl import threadpool_limits  # comes with scikit-learn
    few = clusters <= 50 and len(features) <= FEW_CLIPS
    kind = KMeans if few else MiniBatchKMeans
    with threadpool_limits(1):  # threads change the order of summation
        return np.asarray(kind(
            clusters, n_init=10, random_state=seed).fit_predict(features))


def _typicality(features: np.ndarray) -> np.ndarray:
    """(n,) inverse mean distances to the nearest neighbours."""
    from sklearn.neighbors import NearestNeighbors
    neighbours = min(NEIGHBOURS, len(features) - 1)
    if neighbours < 1:
        return np.ones(len(features))
    distance, _ = NearestNeighbors(n_neighbors=neighbours + 1).fit(
        features).kneighbors(features)
    return np.asarray(1 / (distance[:, 1:].mean(1) + 1e-5))


def distant_clips(features: np.ndarray, count: int,
                  known: Sequence[int] = (), seed: int = 0) -> List[int]:
    """Chooses clips one by one, each the farthest from all labelled ones.

    Source: the greedy k-centre of Core-Set (Sener and Savarese, ICLR 2018,
    arXiv 1708.00489), algorithm 1.

    Args:
        features, count, known: See :func:`typical_clips`.
        seed (int): Seed of the first clip, where no clip has a label.
            Defaults to 0.

    Returns:
        list[int]: Indices, in the order of the choice.
    """
    chosen: List[int] = []
    nearest = np.full(len(features), np.inf)
    for index in known:
        nearest = np.minimum(nearest, _distances(features, index))
    for _ in range(count):
        index = int(nearest.argmax())
        if not known and not chosen:
            index = int(np.random.default_rng(seed).integers(len(features)))
        chosen.append(index)
        nearest = np.minimum(nearest, _distances(features, index))
        nearest[[*known, *chosen]] = -np.inf  # also of equal features
    return chosen


def _distances(features: np.ndarray, index: int) -> np.ndarray:
    """(N,) distances of all clips from one."""
    return np.asarray(np.linalg.norm(features - features[index], axis=1))


def uncertain_clips(scores: np.ndarray, count: int,
                    known: Sequence[int] = ()) -> List[int]:
    """Chooses the clips whose two best classes have the closest scores.

    Source: margin sampling (Scheffer et al., 2001).

    Args:
        scores (np.ndarray): (N, num_classes) of a classifier.
        count, known: See :func:`typical_clips`.

    Returns:
        list[int]: Indices, the least certain clip first.
    """
    margin = margins(scores)
    margin[list(known)] = np.inf
    return list(map(int, np.argsort(margin, kind='stable')[:count]))


def margins(scores: np.ndarray) -> np.ndarray:
    """Computes the differences of the two highest scores.

    Args:
        scores (np.ndarray): (N, num_classes).

    Returns:
        np.ndarray: (N,); the score itself where there is only one class.
    """
    best = np.sort(scores, 1)[:, -2:]
    return np.asarray(best[:, -1] - (best[:, 0] if best.shape[1] > 1 else 0))


def random_clips(num_clips: int, count: int, known: Sequence[int] = (),
                 seed: int = 0) -> List[int]:
    """Chooses clips at random, as a baseline.

    Args:
        num_clips (int): Number of clips N.
        count, known: See :func:`typical_clips`.
        seed (int): Seed. Defaults to 0.
    """
    others = np.setdiff1d(np.arange(num_clips), list(known))
    order = np.random.default_rng(seed).permutation(others)
    return list(map(int, order[:count]))
