"""Frames of a live stream, one JSON object each.

Shape legend: M person, V joint, C coordinate.
"""
import json
import math
import time
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import numpy as np

from psp_plugin.errors import InputError
from psp_plugin.recordings import Detection

KEYS = ('keypoint', 'keypoint_score', 'persons', 'frame', 'time', 'img_shape')
Number = Union[int, float]
# Bytes of a line. Longer ones are left out, so that input without line ends
# does not exhaust the memory.
LONGEST_LINE = 1 << 22


class Frame(NamedTuple):
    """The persons of one frame.

    Args:
        persons: The persons.
        arrived: When it arrived, by ``time.perf_counter()``.
        frame: Its number, if given.
        time: Its time, if given.
        img_shape: Height and width of the image, if given.
    """
    persons: List[Detection]
    arrived: float
    frame: Optional[Number] = None
    time: Optional[Number] = None
    img_shape: Any = None


class FrameReader:
    """Reads and checks frames, which must all have the same layout.

    Args:
        num_joints (int, optional): Number of joints V. Defaults to None: that
            of the first person.
        scored (bool): Whether the last channel of ``keypoint`` is the score
            of the joint. Defaults to False.
        numbered (bool): Whether persons must have track numbers. Defaults to
            False.
    """

    def __init__(self, num_joints: Optional[int] = None,
                 scored: bool = False, numbered: bool = False) -> None:
        self.num_joints = num_joints
        self.numbered = numbered
        self.channels = (3, 4) if scored else (2, 3)
        self.layout: Optional[Tuple[int, int, bool]] = None

    def read_line(self, line: Union[bytes, str]) -> Frame:
        """Reads a line of JSON, see :meth:`read`.

        Raises:
            InputError: If it is not a frame.
        """
        arrived = time.perf_counter()
        if len(line) > LONGEST_LINE:
            raise InputError(f'has more than {LONGEST_LINE} bytes: write each '
                             'frame as a line of its own')
        try:
            content = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f'is not JSON: {error}') from error
        if not isinstance(content, dict):
            raise InputError('is not a JSON object, such as {"keypoint": '
                             f'[...]}}, but a {type(content).__name__}')
        return self.read(content)._replace(arrived=arrived)

    def read(self, content: Dict[str, Any]) -> Frame:
        """Checks a frame.

        Args:
            content (dict): ``keypoint``, the coordinates (V, C) of a person
                or (M, V, C) of several, empty or None without a person; and
                optionally ``keypoint_score``, the same without C;
                ``persons``, M track numbers; ``frame`` and ``time``, numbers
                of your own; ``img_shape``, height and width in pixels.

        Raises:
            InputError: If it is invalid; the message is a predicate about it.
        """
        odd = sorted(set(content) - set(KEYS))
        if odd or 'keypoint' not in content:
            raise InputError(
                f'has the unknown key {odd[0]!r}, but known are '
                f'{", ".join(KEYS)}' if odd else 'has no key "keypoint"')
        for key in ('frame', 'time'):
            value = content.get(key)
            if value is not None and type(value) is not int and (
                    type(value) is not float or not math.isfinite(value)):
                raise InputError(f'has {key} {value!r}, which is not a finite '
                                 'number')
        return Frame(self._persons(content), time.perf_counter(),
                     content.get('frame'), content.get('time'),
                     content.get('img_shape'))

    def _persons(self, content: Dict[str, Any]) -> List[Detection]:
        points = as_array(content, 'keypoint', 3)
        if points is None:
            return []
        scores = as_array(content, 'keypoint_score', 2)
        numbers = content.get('persons')
        if numbers is None and self.numbered:
            raise InputError('has no persons, the track numbers by which each '
                             'person is classified')
        if numbers is None:
            numbers = [None] * len(points)
        elif (not isinstance(numbers, list) or len(numbers) != len(points)
              or any(type(each) not in (int, str) for each in numbers)
              or len(set(numbers)) < len(numbers)):
            raise InputError(
                f'has persons {numbers!r}, which is not a list of '
                f'{len(points)} different track numbers, one for each person')
        self._check(points, scores)
        return [Detection(own, None if scores is None else scores[i], number)
                for i, (own, number) in enumerate(zip(points, numbers))]

    def _check(self, points: np.ndarray,
               scores: Optional[np.ndarray]) -> None:
        """Raises InputError unless the layout is that of the model."""
        _, joints, channels = points.shape
        if self.num_joints not in (None, joints):
            raise InputError(f'has {joints} joints, but the model expects '
                             f'{self.num_joints}')
        if channels not in self.channels:
            raise InputError(f'has {channels} numbers per joint, not '
                             f'{self.channels[0]} or {self.channels[1]}')
        if scores is not None and scores.shape != points.shape[:2]:
            raise InputError(f'has keypoint_score of shape {scores.shape}, '
                             f'not {points.shape[:2]}')
        layout = joints, channels, scores is not None
        if self.layout not in (None, layout):
            raise InputError(f'has {layout_text(layout)}, but the frames '
                             f'before {layout_text(self.layout)}')
        self.layout = layout


def as_array(content: Dict[str, Any], key: str,
             dims: int) -> Optional[np.ndarray]:
    """Returns an entry as an array of ``dims`` axes, persons first.

    None if it is absent or empty.

    Raises:
        InputError: If it is not of finite numbers in equal rows.
    """
    value = content.get(key)
    if value is None:
        return None
    try:
        with np.errstate(over='ignore'):  # too large becomes infinite
            array = np.asarray(value, np.float32)
        if np.asarray(value).dtype.kind in 'bSU':  # NumPy converts them
            raise TypeError
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f'has a {key} that is not of numbers in rows of the '
                         'same length') from error
    if array.size == 0:
        return None
    if array.ndim == dims - 1:
        array = array[None]
    if array.ndim != dims:
        axes = ['persons', 'joints', 'coordinates'][:dims]
        raise InputError(f'has a {key} of {array.ndim} axes, not '
                         f'({", ".join(axes[1:])}) or ({", ".join(axes)})')
    if not np.isfinite(array).all():
        raise InputError(f'has NaN or infinite values in {key}: write what is '
                         'missing as 0')
    return array


def layout_text(layout: Tuple[int, int, bool]) -> str:
    joints, channels, scored = layout
    return (f'{joints} joints of {channels} numbers with'
            f'{"" if scored else "out"} scores')
