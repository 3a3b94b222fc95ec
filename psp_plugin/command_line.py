"""What several commands need of their arguments and files."""
import argparse
import itertools
from typing import Set


def positive(text: str) -> int:
    """The type of an argument that is a number from 1.

    Raises:
        argparse.ArgumentTypeError: If it is another.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'{text!r} is no positive number')
    return int(text)


def free_name(name: str, taken: Set[str]) -> str:
    """A file's name for a clip, which no other clip has taken.

    Args:
        name (str): Name of the clip.
        taken (set[str]): Names that are taken; the new one is added.
    """
    stem = name.replace('/', '_')
    stems = (f'{stem}_{i}' if i else stem for i in itertools.count())
    free = next(stem for stem in stems if stem not in taken)
    taken.add(free)
    return free
