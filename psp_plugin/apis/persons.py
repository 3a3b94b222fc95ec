"""The persons of a clip, each as a clip of their own.

Shape legend: M person, T frame, V joint, C coordinate.
"""
import copy
from dataclasses import replace
from typing import Any, Dict, Iterator, NamedTuple, Optional

import numpy as np

from psp_plugin.commands.clips import ClipPreparer


class PersonClip(NamedTuple):
    """One person of a clip.

    Args:
        person: Number of the person in the clip, from 0; None for all.
        start: First frame of the clip with the person.
        end: Last frame with the person.
        clip: Frames ``start`` to ``end`` of the person, ``keypoint``
            (1, T, V, C), with the clip's other keys.
    """
    person: Optional[int]
    start: int
    end: int
    clip: Dict[str, Any]


def of_all_persons(prepare: ClipPreparer) -> ClipPreparer:
    """Returns a preparer that reads all persons of recordings."""
    everyone = copy.copy(prepare)
    everyone.options = replace(prepare.options, max_persons=None)
    return everyone


def split_persons(data: Dict[str, Any]) -> Iterator[PersonClip]:
    """Yields the persons of a clip, without those who are zero throughout.

    Args:
        data (dict): An annotation with a valid ``keypoint``.

    Yields:
        PersonClip: A person, cut to the frames from the first to the last
        with a coordinate other than zero.
    """
    for person, points in enumerate(data['keypoint']):
        seen = np.flatnonzero(points.any((1, 2)))
        if seen.size:
            start, end = int(seen[0]), int(seen[-1])
            yield PersonClip(person, start, end, cut(
                data, start, end + 1, slice(person, person + 1)))


def cut(data: Dict[str, Any], start: int, stop: int,
        persons: slice = slice(None)) -> Dict[str, Any]:
    """Returns frames ``start`` to ``stop - 1`` of a clip, as a view of it.

    Args:
        data (dict): An annotation.
        start (int): The first frame.
        stop (int): The frame after the last.
        persons (slice): Rows of ``keypoint``. Defaults to all.
    """
    part = dict(data, total_frames=stop - start)
    for key in ('keypoint', 'keypoint_score'):
        if key in data:
            part[key] = data[key][persons, start:stop]
    return part
