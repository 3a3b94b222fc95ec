"""Converts nested lists of a file to arrays of numbers."""
from typing import Any, Dict, Sequence, Tuple

import numpy as np

from ..recording import InvalidRecording
from .values import plain_array

AXES = ('person', 'frame', 'joint', 'coordinate')


def numbers(values: Any, axes: Sequence[str] = AXES) -> np.ndarray:
    """Converts an array or nested lists to an array of numbers.

    Args:
        values (np.ndarray or list): The numbers.
        axes (Sequence[str]): Names of the last axes, for messages. Defaults
            to those of key points.

    Raises:
        InvalidRecording: If the values are not integers or floats, or if
            lists differ in length; the message names the first such list.
    """
    array = plain_array(values)
    if array.dtype.kind in 'iuf':
        return array
    if array.dtype.kind == 'O' and isinstance(values, (list, tuple)):
        check_lengths(values, axes)
    raise InvalidRecording(
        'has values that are not numbers, or lists of unequal depth')


def check_lengths(values: Sequence[Any], axes: Sequence[str]) -> None:
    """Raises InvalidRecording for the first list of another length."""
    axes = axes[-depth(values):]
    level: Dict[Tuple[int, ...], Any] = {(): values}
    for axis in axes:
        first = len(next(iter(level.values())))
        for index, items in level.items():
            length = len(items) if isinstance(items, (list, tuple)) else 0
            if length != first:
                place = ' of '.join(
                    f'{name} {number}'
                    for name, number in reversed(list(zip(axes, index))))
                raise InvalidRecording(
                    f'has {length} {axis}s in {place}, not {first} as in the '
                    'first')
        level = {(*index, number): item for index, items in level.items()
                 for number, item in enumerate(items)}


def depth(values: Any) -> int:
    """Returns the nesting depth of the first elements, at most 4."""
    count = 0
    while isinstance(values, (list, tuple)) and values and count < len(AXES):
        values, count = values[0], count + 1
    return count
