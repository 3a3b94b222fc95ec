"""Numbers of NumPy files and of nested lists."""
from typing import Any, Sequence

import numpy as np

from .checks import AXES, Flaw


def read_npy(path: str) -> dict:
    """Reads a ``.npy`` file; one of Python objects is refused.

    Returns:
        dict: ``points``, see :func:`.checks.make_annotation`.
    """
    with open(path, 'rb') as stream:
        try:
            points = np.lib.format.read_array(stream, allow_pickle=False)
        except (ValueError, EOFError, MemoryError) as error:
            detail = str(error).split('\n')[0] or 'too large'
            raise Flaw(f'is not a .npy file of numbers ({detail})') from error
    return dict(points=numbers(points))


def numbers(values: Any, axes: Sequence[str] = AXES) -> np.ndarray:
    """Makes an array of an array or of nested lists.

    Args:
        values (np.ndarray or list): The numbers.
        axes (Sequence[str]): What the last axes are called. Defaults to
            those of key points.

    Raises:
        Flaw: If it is not one of integers or floats; of lists of unequal
            length, the message names the first.
    """
    try:
        array = np.asarray(values)
    except ValueError:  # lists of unequal length
        array = np.empty(0, object)
    if array.dtype.kind in 'iuf':
        return array
    if array.dtype.kind == 'O' and isinstance(values, (list, tuple)):
        check_lengths(values, axes)
    raise Flaw('has values that are not numbers, or lists of unequal depth')


def check_lengths(values: Sequence, axes: Sequence[str]) -> None:
    """Raises a flaw at the first list that is not as long as its like."""
    axes = axes[-depth(values):]
    level = {(): values}
    for axis in axes:
        first = len(next(iter(level.values())))
        for index, items in level.items():
            length = len(items) if isinstance(items, (list, tuple)) else 0
            if length != first:
                place = ' of '.join(
                    f'{name} {number}'
                    for name, number in reversed(list(zip(axes, index))))
                raise Flaw(f'has {length} {axis}s in {place}, not {first} as '
                           'at first')
        level = {(*index, number): item for index, items in level.items()
                 for number, item in enumerate(items)}


def depth(values: Any) -> int:
    """How deep the first elements of lists are nested, at most 4."""
    count = 0
    while isinstance(values, (list, tuple)) and values and count < len(AXES):
        values, count = values[0], count + 1
    return count
