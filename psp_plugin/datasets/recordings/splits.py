"""Divides labelled recordings into training and validation."""
import math
from collections import defaultdict
from fractions import Fraction
from typing import Dict, List, Tuple

from ..split import choose_labeled

Splits = Dict[str, List[str]]


def draw_splits(labels: Dict[str, int], val_ratio: float,
                seed: int) -> Tuple[Splits, List[int]]:
    """Draws validation clips per class, by name and seed only.

    Of n clips of a class ``val_ratio * n``, rounded, go to validation: at
    least one, so that every class is validated, and at most n - 1. A class
    of one clip is trained only.

    Args:
        labels (dict[str, int]): The class of every clip.
        val_ratio (float): Share of validation clips, in [0, 1); 0 for none.
        seed (int): Seed of the draw.

    Returns:
        tuple: The names of ``train`` and ``val``, each sorted, without an
        empty one; and the classes of a single clip, sorted.
    """
    members: Dict[int, List[str]] = defaultdict(list)
    for name, label in labels.items():
        members[label].append(name)
    ratio = Fraction(str(val_ratio))
    val: List[str] = []
    for label, names in members.items():
        count = max(1, math.floor(ratio * len(names) + Fraction(1, 2)))
        count = min(count, len(names) - 1)
        if ratio and count:
            val += choose_labeled(names, [label] * len(names), count, seed)
    splits = dict(train=sorted(set(labels) - set(val)), val=sorted(val))
    single = sorted(label for label, names in members.items()
                    if len(names) == 1)
    return {split: names for split, names in splits.items() if names}, single
