"""Which clips of a dataset are the labelled ones: pure functions."""
import hashlib
import json
import math
from collections import Counter, defaultdict
from fractions import Fraction
from numbers import Integral, Real
from pathlib import Path
from typing import Dict, List, Sequence

from psp_plugin.errors import InputError


def exact_ratio(ratio: float) -> Fraction:
    """The ratio as the decimal it is written as: 0.29 of 100 clips is 29.

    Args:
        ratio (float): Share of labelled clips, in (0, 1].

    Raises:
        InputError: If the ratio is out of range.
    """
    if type(ratio) is bool or not isinstance(
            ratio, Real) or not 0 < ratio <= 1:
        raise InputError(f'labeled_ratio must be in (0, 1], not {ratio!r}')
    return Fraction(str(ratio))


def clips_per_class(ratio: float, num_clips: int, num_classes: int) -> int:
    """Labelled clips per class, k = floor(ratio * N / classes).

    Source: PSP Learning, section 4.2, whose 1,980, 1,860 and 50 clips at 5%
    are 33, 31 and 5 a class.

    Args:
        ratio (float): Share of labelled clips, in (0, 1].
        num_clips (int): Number of clips N.
        num_classes (int): Number of classes.

    Raises:
        InputError: If the ratio is out of range or gives no clip per class.
    """
    exact = exact_ratio(ratio)
    if min(num_clips, num_classes) < 1:
        raise InputError('there is no clip to draw labelled ones from')
    count = math.floor(exact * num_clips / num_classes)
    if count == 0:
        raise InputError(
            f'labeled_ratio={ratio} of {num_clips} clips in {num_classes} '
            'classes gives no labelled clip per class: raise it, or set '
            'labeled_per_class')
    return count


def clips_over_all(ratio: float, num_clips: int) -> int:
    """Labelled clips of all classes together, floor(ratio * N).

    Source: ``random_select_data`` in the released code of MAMP, CMD and
    HA-CM, 400 clips at 1% and 4,009 at 10% of the 40,091 of NTU-60 x-sub.

    Args:
        ratio (float): Share of labelled clips, in (0, 1].
        num_clips (int): Number of clips N.

    Raises:
        InputError: If the ratio is out of range or gives no clip.
    """
    exact = exact_ratio(ratio)
    if num_clips < 1:
        raise InputError('there is no clip to draw labelled ones from')
    count = math.floor(exact * num_clips)
    if count == 0:
        raise InputError(f'labeled_ratio={ratio} of {num_clips} clips gives '
                         'no labelled clip: raise it')
    return count


def check_unique(names: Sequence[str]) -> None:
    """Refuses names of which one is there twice.

    Raises:
        InputError: If so.
    """
    name, times = Counter(names).most_common(1)[0] if names else ('', 0)
    if times > 1:
        raise InputError(f'clip {name!r} is there {times} times: a labelled '
                         'split needs unique names')


def ranked(names: Sequence[str], seed: int) -> List[str]:
    """The names in the order of a hash of seed and name."""
    return sorted(names, key=lambda name: hashlib.sha256(
        f'{seed}/{name}'.encode()).digest())


def choose_labeled(names: Sequence[str], labels: Sequence[int], count: int,
                   seed: int) -> List[str]:
    """Draws the labelled clips, ``count`` per class.

    A class's clips are ranked by a hash of seed and name, and the first ones
    are taken. The choice thus depends on nothing else: not on file order,
    process or library version; and with one seed a smaller choice is part of
    every larger one.

    Args:
        names (Sequence[str]): Unique names of all clips.
        labels (Sequence[int]): Their labels.
        count (int): Labelled clips per class.
        seed (int): Seed of the draw.

    Returns:
        list[str]: Names of the labelled clips, sorted.

    Raises:
        InputError: If ``count`` is not a positive integer, if a name is there
            twice, or if a class has fewer than ``count`` clips.
    """
    if type(count) is bool or not isinstance(
            count, Integral) or count < 1:
        raise InputError('labeled_per_class must be an integer of at least 1, '
                         f'not {count!r}')
    check_unique(names)
    by_class: Dict[int, List[str]] = defaultdict(list)
    for name, label in zip(names, labels):
        by_class[int(label)].append(name)
    chosen = []
    for label, members in sorted(by_class.items()):
        if len(members) < count:
            raise InputError(f'class {label} has {len(members)} clips, fewer '
                             f'than the {count} to be labelled per class: '
                             'lower labeled_ratio or labeled_per_class')
        chosen += ranked(members, seed)[:count]
    return sorted(chosen)


def choose_over_all(names: Sequence[str], count: int, seed: int) -> List[str]:
    """Draws ``count`` labelled clips over all classes, whatever their labels.

    All clips are ranked together as :func:`choose_labeled` ranks a class, so
    that the choice depends on names and seed alone, and with one seed a
    smaller choice is part of every larger one.

    Source: ``random_select_data`` in the released code of MAMP, CMD and
    HA-CM. Departs from it in ranking by a hash, where it shuffles.

    Args:
        names (Sequence[str]): Unique names of all clips.
        count (int): Labelled clips in all.
        seed (int): Seed of the draw.

    Returns:
        list[str]: Names of the labelled clips, sorted.

    Raises:
        InputError: If ``count`` is not a positive integer, if a name is there
            twice, or if there are fewer than ``count`` clips.
    """
    if type(count) is bool or not isinstance(
            count, Integral) or count < 1:
        raise InputError('the number of labelled clips must be an integer of '
                         f'at least 1, not {count!r}')
    check_unique(names)
    if len(names) < count:
        raise InputError(f'there are {len(names)} clips, fewer than the '
                         f'{count} to be labelled: lower that number')
    return sorted(ranked(names, seed)[:count])


def write_split(path: str, labeled: Sequence[str], **origin) -> None:
    """Writes a split file: JSON if so named, else one name per line.

    Args:
        path (str): The file to write.
        labeled (Sequence[str]): Names of the labelled clips.
        **origin: How the split was made, kept in it for the reader.

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
        InputError: If the file is missing, is not text, is not JSON though so
            named, names no clip, or names one twice.
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
                         'times: leave it there once')
    return labeled


def read_json_split(path: str, text: str) -> List[str]:
    """The names in the text of a JSON split file."""
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
