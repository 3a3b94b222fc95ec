"""Numbers of NumPy files and of nested lists."""
import functools
import json
import os
from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from psp_plugin.annotations import PickleFileError, load_pickle

from .checks import AXES, Invalid

# Frames between the first and the last of a clip: a wrong frame number must
# not fill the memory. At 30 frames a second this is almost an hour.
LONGEST = 100_000


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
            raise Invalid(
                f'is not a .npy file of numbers ({detail})') from error
    return dict(points=numbers(points))


def numbers(values: Any, axes: Sequence[str] = AXES) -> np.ndarray:
    """Makes an array of an array or of nested lists.

    Args:
        values (np.ndarray or list): The numbers.
        axes (Sequence[str]): What the last axes are called. Defaults to
            those of key points.

    Raises:
        Invalid: If it is not one of integers or floats; of lists of unequal
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
    raise Invalid('has values that are not numbers, or lists of unequal depth')


def check_lengths(values: Sequence, axes: Sequence[str]) -> None:
    """Raises Invalid at the first list that is not as long as its like."""
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
                raise Invalid(f'has {length} {axis}s in {place}, not {first} '
                              'as at first')
        level = {(*index, number): item for index, items in level.items()
                 for number, item in enumerate(items)}


def depth(values: Any) -> int:
    """How deep the first elements of lists are nested, at most 4."""
    count = 0
    while isinstance(values, (list, tuple)) and values and count < len(AXES):
        values, count = values[0], count + 1
    return count


def read_json(path: str) -> dict:
    """Reads a JSON file.

    A list is the key points. Of an object one of these is read: ``keypoint``
    with ``keypoint_score`` and ``img_shape``, as in the toolbox; the
    ``skeletons`` of NW-UCLA; the ``data`` of Kinetics-skeleton. Other keys,
    labels among them, are disregarded.

    Returns:
        dict: The arguments of :func:`.checks.make_annotation`.
    """
    with open(path, 'rb') as stream:
        try:
            record = json.load(stream)
        except (ValueError, RecursionError) as error:
            raise Invalid(f'is not JSON ({error})') from error
    if isinstance(record, list):
        return dict(points=numbers(record))
    if not isinstance(record, dict):
        raise Invalid('is neither a JSON object nor a list')
    if 'keypoint' in record:
        return keypoint_form(record)
    if 'skeletons' in record:
        return dict(points=numbers(record['skeletons']))
    if 'data' in record:
        return kinetics_form(record['data'])
    raise Invalid('has none of the keys "keypoint", "skeletons" and "data", '
                  f'but {", ".join(map(repr, list(record)[:5])) or "no key"}')


def keypoint_form(record: Dict) -> dict:
    """The toolbox's own keys."""
    points, scores = numbers(record['keypoint']), record.get('keypoint_score')
    if scores is not None:
        try:
            scores = numbers(scores, AXES[:-1])
        except Invalid as problem:
            raise Invalid(f'{problem}, in "keypoint_score"') from problem
    return dict(points=points, scores=scores,
                img_shape=record.get('img_shape'))


def kinetics_form(frames: List) -> dict:
    """2-D poses by frame number; persons in the order of each frame.

    Frames without a person, and those that are not listed, stay zero.
    """
    if not isinstance(frames, list) or not frames:
        raise Invalid('has no frames')
    persons = [frame_persons(place, frame)
               for place, frame in enumerate(frames)]
    places = frame_places(frames)
    found = [person for listed in persons for person in listed]
    if not found:
        raise Invalid('has no person in any frame')
    joints = len(found[0][0])
    points = np.zeros(
        (max(map(len, persons)), max(places) + 1, joints, 2))  # M, T, V, C
    scores = np.zeros(points.shape[:-1])
    with_score = sum(score is not None for _, score in found)
    if 0 < with_score < len(found):
        raise Invalid(f'has scores for {with_score} of {len(found)} poses')
    for place, listed in zip(places, persons):
        for person, (pose, score) in enumerate(listed):
            if len(pose) != joints:
                raise Invalid(f'has poses of {joints} and of {len(pose)} '
                              'joints')
            points[person, place] = pose
            if score is not None:
                scores[person, place] = score
    return dict(points=points, scores=scores if with_score else None)


def frame_persons(place: int, frame: Dict) -> List:
    """Pose (V, 2) and score (V,) or None of everyone in one frame."""
    skeletons = frame.get('skeleton') if isinstance(frame, dict) else None
    if not isinstance(skeletons, list):
        raise Invalid(f'has no list "skeleton" in entry {place} of "data"')
    return [one_person(place, skeleton) for skeleton in skeletons]


def one_person(place: int, skeleton: Dict) -> tuple:
    """Pose (V, 2) and score (V,) or None of one person."""
    pose = skeleton.get('pose') if isinstance(skeleton, dict) else None
    if not isinstance(pose, list) or not pose or len(pose) % 2:
        raise Invalid('has no list "pose" of x and y for every joint in entry '
                      f'{place} of "data"')
    score: Optional[np.ndarray] = None
    if 'score' in skeleton:
        score = numbers(skeleton['score'])
        if score.shape != (len(pose) // 2, ):
            raise Invalid(f'has {score.size} scores for {len(pose) // 2} '
                          f'joints in entry {place} of "data"')
    return numbers(pose).reshape(-1, 2), score


def frame_places(frames: List) -> List[int]:
    """Where each entry's frame is in the clip, from 0."""
    indices = [frame.get('frame_index', place)
               for place, frame in enumerate(frames)]
    wrong = [index for index in indices if type(index) is not int]
    if wrong:
        raise Invalid(f'has frame_index {wrong[0]!r}, which is not an integer')
    if len(set(indices)) < len(indices):
        raise Invalid('has a frame_index twice')
    first, last = min(indices), max(indices)
    if last - first >= LONGEST:
        raise Invalid(f'has frames {first} to {last}, more than {LONGEST}')
    return [index - first for index in indices]


def read_entry(path: str, name: Optional[str]) -> dict:
    """Reads one annotation of a pickle; its label is disregarded.

    Args:
        path (str): The pickle: one annotation, a list of them, or a dataset
            with ``annotations``.
        name (str, optional): ``frame_dir`` or ``filename`` of the clip; None
            for a pickle of one annotation.

    Returns:
        dict: The arguments of :func:`.checks.make_annotation`.
    """
    stat = os.stat(path)
    try:
        data = load_once(path, stat.st_mtime_ns, stat.st_size)
    except PickleFileError as error:
        raise Invalid(error.reason) from error
    record = the_entry(data, name)
    if 'keypoint' not in record:
        raise Invalid('has no "keypoint" in its annotation, but '
                      f'{", ".join(map(repr, list(record)[:5])) or "nothing"}')
    return keypoint_form(record)


@functools.lru_cache(maxsize=1)
def load_once(path: str, changed: int, size: int) -> Any:
    """The pickle last read, so that its clips come one by one quickly."""
    return load_pickle(path)


def the_entry(data: Any, name: Optional[str]) -> dict:
    """The annotation of one name, or the only one."""
    if name is None and isinstance(data, dict) and 'keypoint' in data:
        return data
    entries = list_entries(data)
    names = [entry.get('frame_dir', entry.get('filename'))
             for entry in entries]
    if name is None:
        raise Invalid(f'holds {len(entries)} clips: name one behind a #, such '
                      f'as #{names[0] if names else "NAME"}')
    count = names.count(name)
    if count != 1:
        raise Invalid(f'holds {count} clips of this name among {len(names)}')
    return entries[names.index(name)]


def list_entries(data: Any) -> List[dict]:
    """The annotations of a dataset."""
    entries = data.get('annotations') if isinstance(data, dict) else data
    if not isinstance(entries, list) or not all(
            isinstance(entry, dict) for entry in entries):
        raise Invalid('is neither an annotation nor a list of them nor a dict '
                      'with "annotations"')
    return entries
