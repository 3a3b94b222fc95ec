"""What several readers share: numbers, names of joints, times of frames.

Shape legend: T frame, V joint, C coordinate.
"""
import functools
import math
import re
from typing import (
    Any,
    Dict,
    FrozenSet,
    List,
    Optional,
    Sequence,
    Tuple,
)

import numpy as np

from ..recording import LONGEST, Detection, InvalidRecording

# From this number of listed frames on, a common step of their numbers (every
# 5th frame was estimated) is not an accident of frames without a person.
STEPPED = 10
Poses = Dict[int, List[Detection]]  # the persons of each frame number
# Seconds per unit of a time, by the last word of its name.
_SECONDS = {
    's': 1, 'sec': 1, 'secs': 1, 'second': 1, 'seconds': 1,
    'ms': 1e-3, 'msec': 1e-3, 'millis': 1e-3, 'milliseconds': 1e-3,
    'us': 1e-6, 'usec': 1e-6, 'micros': 1e-6, 'microseconds': 1e-6,
    'ns': 1e-9, 'nsec': 1e-9, 'nanoseconds': 1e-9,
}


def field(record: Any, *names: str) -> Any:
    """Returns the first of some fields of an object, whatever their case.

    Args:
        record: The object; anything but a dict has no fields.
        names (str): Names of the field in lower case, without separators.

    Returns:
        The value; None if the object has none of the fields.
    """
    if not isinstance(record, dict):
        return None
    found = fields(record)
    return next((found[name] for name in names if name in found), None)


def fields(record: Dict[Any, Any]) -> Dict[str, Any]:
    """Returns an object with its names in lower case, without ``_``."""
    return {plain_name(str(key)): value for key, value in record.items()}


@functools.lru_cache(maxsize=4096)
def plain_name(name: str) -> str:
    """Returns a name in lower case, without ``_``."""
    return name.lower().replace('_', '')


def plain_array(values: Any) -> np.ndarray:
    """Converts nested lists; to no object if they differ in length."""
    try:
        return np.asarray(values)
    except ValueError:
        return np.empty(0, object)


def number_array(values: Any, what: str) -> np.ndarray:
    """Converts lists of numbers to float64.

    Args:
        values: Lists of integers or floats, of equal length.
        what (str): Their name for the message, such as ``'a position'``.

    Raises:
        InvalidRecording: If there is anything else.
    """
    array = plain_array(values)
    if array.dtype.kind not in 'iuf':
        raise InvalidRecording(f'has {what} that is not made of numbers: '
                               f'{str(values)[:40]}')
    return array.astype(np.float64)


def name_words(name: str) -> List[str]:
    """Splits the name of a joint or column into words in lower case.

    ``l`` and ``r`` become ``left`` and ``right``: ``LShoulder``,
    ``left_shoulder`` and ``leftShoulder`` have the same words.
    """
    words: List[str] = []
    for word in re.findall(r'[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+', name):
        word = word.lower()
        side = re.fullmatch('(left|right)(.+)', word)
        words += side.groups() if side else [
            {'l': 'left', 'r': 'right'}.get(word, word)]
    return words


@functools.lru_cache(maxsize=4096)
def same_name(name: str) -> FrozenSet[str]:
    """Returns what the spellings of a joint's name have in common.

    The order of words does not count: ``ShoulderLeft`` is ``left shoulder``.
    """
    return frozenset(name_words(name))


def time_unit(name: str) -> Optional[float]:
    """Returns the seconds per unit of a time, by the end of its name.

    Returns:
        float: 0.001 for ``timestamp_ms``; None for a name without unit.
    """
    words = name_words(name)
    return _SECONDS.get(words[-1]) if len(words) > 1 or (
        words and words[0].startswith('sec')) else None


def frame_rate(seconds: Sequence[float]) -> Optional[float]:
    """Returns the frames per second by the median distance of times.

    Args:
        seconds (Sequence[float]): Times of the frames in seconds.

    Returns:
        float: Rounded to 0.01; None for fewer than two frames, or if the
        rate is not between 1 and 1000.
    """
    if len(seconds) < 2:
        return None
    step = float(np.median(np.diff(np.asarray(seconds, float))))
    return round(1 / step, 2) if 1e-3 <= step <= 1 else None


def place_frames(numbers: Sequence[Any],
                 persons: Sequence[List[Detection]]
                 ) -> List[List[Detection]]:
    """Puts frames in their places, see :func:`spread_frames`.

    Args:
        numbers (Sequence[int]): The ascending numbers of the frames.
        persons (Sequence[list[Detection]]): The persons of each.

    Returns:
        list[list[Detection]]: The persons of each frame from the first to
        the last number; none in a gap.

    Raises:
        InvalidRecording: If numbers are not ascending integers, or too far
            apart.
    """
    wrong = [number for number in numbers if type(number) is not int]
    if wrong:
        raise InvalidRecording(
            f'has the frame number {wrong[0]!r}, which is not an integer')
    for before, after in zip(numbers, numbers[1:]):
        if after <= before:
            raise InvalidRecording(
                f'has frame {after} after frame {before}, but frames must be '
                'in order')
    if not numbers:
        return []
    return spread_frames(dict(zip(numbers, persons)))[0]


def spread_frames(poses: Poses) -> Tuple[List[List[Detection]], int]:
    """Puts frames in their places by their numbers.

    Args:
        poses (dict): Frame number -> the persons of that frame, at least one
            number.

    Returns:
        tuple: The persons of each frame from the first to the last number,
        none where there is no number; and the step of the numbers, which is
        1 if few are listed.

    Raises:
        InvalidRecording: If numbers are too far apart.
    """
    first, last = min(poses), max(poses)
    step = math.gcd(*(frame - first for frame in poses))
    if step < 2 or len(poses) < STEPPED:
        step = 1
    if (last - first) // step >= LONGEST:
        raise InvalidRecording(
            f'has frames {first} to {last}, more than {LONGEST}')
    frames: List[List[Detection]] = [
        [] for _ in range((last - first) // step + 1)]
    for frame, persons in poses.items():
        frames[(frame - first) // step] = persons
    return frames, step
