"""Selects the labelled clips of a dataset: pure functions."""
import json
import math
from collections import Counter
from fractions import Fraction
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Iterable, List, Sequence

from psp_plugin.errors import InputError

from .draw import draw_in_proportion, draw_over_all, draw_per_class


def exact_ratio(ratio: float) -> Fraction:
    """Converts a ratio to an exact decimal, so 0.29 of 100 clips is 29.

    Args:
        ratio (float): Label fraction, in (0, 1].

    Raises:
        InputError: If the ratio is out of range.
    """
    if type(ratio) is bool or not isinstance(
            ratio, Real) or not 0 < ratio <= 1:
        raise InputError(f'labeled_ratio must be in (0, 1], not {ratio!r}')
    return Fraction(str(ratio))


def clips_per_class(ratio: float, num_clips: int, num_classes: int) -> int:
    """Computes the labelled clips per class, k = floor(ratio * N / classes).

    Source: PSP Learning, section 4.2, whose 1,980, 1,860 and 50 clips at 5%
    are 33, 31 and 5 per class.

    Args:
        ratio (float): Label fraction, in (0, 1].
        num_clips (int): Number of clips N.
        num_classes (int): Number of classes.

    Raises:
        InputError: If the ratio is out of range or gives no clip per class.
    """
    exact = exact_ratio(ratio)
    if min(num_clips, num_classes) < 1:
        raise InputError('there is no clip to draw labelled clips from')
    count = math.floor(exact * num_clips / num_classes)
    if count == 0:
        raise InputError(
            f'labeled_ratio={ratio} of {num_clips} clips in {num_classes} '
            'classes gives no labelled clip per class: raise it, set '
            "labeled_per_class, or draw='proportional'")
    return count


def clips_over_all(ratio: float, num_clips: int) -> int:
    """Computes the labelled clips of all classes, floor(ratio * N).

    Source: ``random_select_data`` in the released code of MAMP, CMD and
    HA-CM: 400 clips at 1% and 4,009 at 10% of the 40,091 of NTU-60 x-sub.

    Args:
        ratio (float): Label fraction, in (0, 1].
        num_clips (int): Number of clips N.

    Raises:
        InputError: If the ratio is out of range or gives no clip.
    """
    exact = exact_ratio(ratio)
    if num_clips < 1:
        raise InputError('there is no clip to draw labelled clips from')
    count = math.floor(exact * num_clips)
    if count == 0:
        raise InputError(f'labeled_ratio={ratio} of {num_clips} clips gives '
                         'no labelled clip: raise it')
    return count


def check_count(count: Any) -> None:
    """Raises InputError unless it is a number of labelled clips per class."""
    if type(count) is bool or not isinstance(count, Integral) or count < 1:
        raise InputError('labeled_per_class must be an integer of at least 1, '
                         f'not {count!r}')


def sorted_names(names: Sequence[str], places: Iterable[int]) -> List[str]:
    """Returns the names at some places, sorted."""
    return sorted(names[int(place)] for place in places)


def choose_labeled(names: Sequence[str], labels: Sequence[int], count: int,
                   seed: int) -> List[str]:
    """Samples the labelled clips, ``count`` per class.

    The clips of a class are sorted by a hash of seed and name, and the first
    ones are selected. The result is independent of file order, process and
    library versions, and for the same seed a smaller selection is a subset of
    every larger one.

    Args:
        names (Sequence[str]): Unique names of all clips.
        labels (Sequence[int]): Their labels.
        count (int): Labelled clips per class.
        seed (int): Seed of the sampling.

    Returns:
        list[str]: Names of the labelled clips, sorted.

    Raises:
        InputError: If ``count`` is not a positive integer, if a name occurs
            twice, or if a class has fewer than ``count`` clips.
    """
    check_count(count)
    return sorted_names(names, draw_per_class(names, labels, count, seed))


def choose_proportional(names: Sequence[str], labels: Sequence[int],
                        ratio: float, seed: int) -> List[str]:
    """Samples the labelled clips in proportion to the classes.

    Of each class with n clips round(ratio * n) are selected, ties to even,
    and at least one, so that the classes keep their shares. Rare classes can
    make the total larger than ratio * N. As in :func:`choose_labeled`, the
    clips of a class are sorted by a hash of seed and name: the result depends
    only on names, labels and seed, and for the same seed a smaller ratio
    gives a subset of every larger one.

    Source: this project. Departs from PSP Learning, section 4.2, which
    selects equally many clips per class.

    Args:
        names (Sequence[str]): Unique names of all clips.
        labels (Sequence[int]): Their labels.
        ratio (float): Label fraction, in (0, 1].
        seed (int): Seed of the sampling.

    Returns:
        list[str]: Names of the labelled clips, sorted.

    Raises:
        InputError: If the ratio is out of range, if a name occurs twice, or
            if there is no clip.
    """
    exact = exact_ratio(ratio)
    return sorted_names(names, draw_in_proportion(names, labels, exact, seed))


def choose_over_all(names: Sequence[str], count: int, seed: int) -> List[str]:
    """Samples ``count`` labelled clips over all classes, ignoring labels.

    All clips are sorted together by the hash of :func:`choose_labeled`, so
    that the result depends only on names and seed, and for the same seed a
    smaller selection is a subset of every larger one.

    Source: ``random_select_data`` in the released code of MAMP, CMD and
    HA-CM. Departs from it in sorting by a hash instead of shuffling.

    Args:
        names (Sequence[str]): Unique names of all clips.
        count (int): Number of labelled clips.
        seed (int): Seed of the sampling.

    Returns:
        list[str]: Names of the labelled clips, sorted.

    Raises:
        InputError: If ``count`` is not a positive integer, if a name occurs
            twice, or if there are fewer than ``count`` clips.
    """
    if type(count) is bool or not isinstance(
            count, Integral) or count < 1:
        raise InputError('the number of labelled clips must be an integer of '
                         f'at least 1, not {count!r}')
    return sorted_names(names, draw_over_all(names, count, seed))


def write_split(path: str, labeled: Sequence[str], **origin: Any) -> None:
    """Writes a split file: JSON for ``.json``, else one name per line.

    Args:
        path (str): The file to write.
        labeled (Sequence[str]): Names of the labelled clips.
        **origin: How the split was made, stored in the file.

    Raises:
        InputError: If a name cannot be a line of plain text.
    """
    target = Path(path)
    for name in labeled if target.suffix != '.json' else ():
        if name.startswith('#') or not name == name.strip() == ''.join(
                name.splitlines()):
            raise InputError(f'clip {name!r} cannot be a line of {path}: '
                             'write a .json file')
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix == '.json':
        text = json.dumps(dict(origin, labeled=list(labeled)), indent=1)
    else:
        notes = [f'# {key}: {value}' for key, value in origin.items()]
        text = '\n'.join([*notes, *labeled])
    target.write_text(text + '\n', encoding='utf-8')


def read_split(path: str) -> List[str]:
    """Reads the labelled names of a split file, see :func:`write_split`.

    Raises:
        InputError: If the file is missing, is not text, is a ``.json`` file
            without JSON, names no clip, or names one twice.
    """
    source = Path(path)
    if not source.is_file():
        raise InputError(f'split file {path} does not exist: make it with '
                         'tools/data/make_split.py')
    try:
        text = source.read_text(encoding='utf-8')
    except UnicodeDecodeError as error:
        raise InputError(f'split file {path} is not text in UTF-8: is it '
                         'another kind of file?') from error
    if source.suffix == '.json':
        labeled = read_json_split(path, text)
    else:
        lines = (line.strip() for line in text.splitlines())
        labeled = [line for line in lines if line and line[0] != '#']
    if not labeled:
        raise InputError(f'split file {path} names no labelled clip')
    name, times = Counter(labeled).most_common(1)[0]
    if times > 1:
        raise InputError(f'split file {path} names clip {name!r} {times} '
                         'times: name it once')
    return labeled


def read_json_split(path: str, text: str) -> List[str]:
    """Returns the names in the text of a JSON split file."""
    try:
        labeled = json.loads(text)['labeled']
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f'split file {path} is not a JSON object with a '
                         f'list "labeled": {error!r}') from error
    if not isinstance(labeled, list) or not all(
            isinstance(name, str) for name in labeled):
        raise InputError(f'split file {path} is not a JSON object with a '
                         'list "labeled" of clip names')
    return labeled
