"""Draws clips by a hash of their names: pure functions on arrays.

Names may be millions, read in pieces; of them, eight bytes each are held.
"""
import hashlib
from collections import Counter
from fractions import Fraction
from typing import Any, Iterator, Optional, Sequence, Tuple

import numpy as np

from psp_plugin.errors import InputError


def check_unique(names: Sequence[str]) -> None:
    """Raises InputError if a name occurs more than once."""
    name, times = Counter(names).most_common(1)[0] if names else ('', 0)
    if times > 1:
        raise InputError(f'clip {name!r} occurs {times} times: a labelled '
                         'split needs unique names')


class Ranking:
    """The order of clips by a hash of seed and name.

    Args:
        names (Sequence[str]): Names of all clips.
        seed (int): The seed.

    Raises:
        InputError: If a name occurs more than once.
    """

    def __init__(self, names: Sequence[str], seed: int) -> None:
        self.names, self.seed = names, seed
        # The beginnings of the hashes, in whose order the hashes are.
        self.keys = np.fromiter(
            (int.from_bytes(self.hash(name)[:8], 'big') for name in names),
            np.uint64, len(names))
        ordered = np.sort(self.keys)
        equal = ordered[1:][ordered[1:] == ordered[:-1]]
        if len(equal):
            check_unique([names[int(place)] for place in np.flatnonzero(
                np.isin(self.keys, equal))])

    def hash(self, name: str) -> bytes:
        """The hash by which a clip is ranked."""
        return hashlib.sha256(f'{self.seed}/{name}'.encode()).digest()

    def first(self, count: int,
              places: Optional[np.ndarray] = None) -> np.ndarray:
        """Returns which clips are the first ones.

        Args:
            count (int): Number of clips.
            places (np.ndarray, optional): The places of the clips to rank.
                Defaults to None, all.

        Returns:
            np.ndarray: Their places, ascending if ``places`` are.
        """
        keys = self.keys if places is None else self.keys[places]
        last = np.partition(keys, count - 1)[count - 1]
        chosen = np.flatnonzero(keys <= last)
        places = chosen if places is None else places[chosen]
        if len(chosen) > count:  # hashes that begin alike
            equal = sorted(places[keys[chosen] == last], key=lambda place:
                           self.hash(self.names[int(place)]))
            places = np.setdiff1d(places, equal[count - len(chosen):])
        return places


def members_of_classes(labels: Sequence[Any]
                       ) -> Iterator[Tuple[int, np.ndarray]]:
    """Yields each class and the places of its clips, in order."""
    present = sorted(set(map(int, labels)))
    dtype = np.result_type(*map(np.min_scalar_type, present or [0]))
    classes = np.fromiter(map(int, labels), dtype, len(labels))
    for label in present:
        yield label, np.flatnonzero(classes == label)


def draw_per_class(names: Sequence[str], labels: Sequence[Any], count: int,
                   seed: int) -> np.ndarray:
    """Returns the places of the first clips of each class.

    Args:
        names, labels, count, seed: See :func:`.split.choose_labeled`.

    Raises:
        InputError: If a name occurs twice, or if a class has fewer clips.
    """
    ranking = Ranking(names, seed)
    chosen = []
    for label, members in members_of_classes(labels):
        if len(members) < count:
            raise InputError(f'class {label} has {len(members)} clips, fewer '
                             f'than the {count} to be labelled per class: '
                             'lower labeled_ratio or labeled_per_class, or '
                             'draw a labeled_ratio of each class with '
                             "draw='proportional'")
        chosen.append(ranking.first(count, members))
    return joined(chosen)


def draw_in_proportion(names: Sequence[str], labels: Sequence[Any],
                       ratio: Fraction, seed: int) -> np.ndarray:
    """Returns the places of the first clips of each class, by their number.

    Args:
        names, labels, ratio, seed: See :func:`.split.choose_proportional`.

    Raises:
        InputError: If a name occurs twice, or if there is no clip.
    """
    if not len(names):
        raise InputError('there is no clip to draw labelled clips from')
    ranking = Ranking(names, seed)
    return joined([
        ranking.first(max(1, round(ratio * len(members))), members)
        for _, members in members_of_classes(labels)])


def draw_over_all(names: Sequence[str], count: int, seed: int) -> np.ndarray:
    """Returns the places of the first clips.

    Args:
        names, count, seed: See :func:`.split.choose_over_all`.

    Raises:
        InputError: If a name occurs twice, or if there are fewer clips.
    """
    ranking = Ranking(names, seed)
    if len(names) < count:
        raise InputError(f'there are {len(names)} clips, fewer than the '
                         f'{count} to be labelled: lower that number')
    return ranking.first(count)


def joined(places: Sequence[np.ndarray]) -> np.ndarray:
    """Joins places in ascending order."""
    return np.sort(np.concatenate([np.zeros(0, int), *places]))
