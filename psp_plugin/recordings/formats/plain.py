"""Readers of ``.npy``, ``.json`` and ``.pkl`` recordings."""
import functools
import json
import os
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from psp_plugin.annotations import PickleFileError, load_pickle

from ..checks import AXES
from ..recording import InvalidRecording

# Maximum number of frames of a clip, so that a wrong frame number does not
# exhaust the memory: almost an hour at 30 frames per second.
LONGEST = 100_000


def read_npy(path: str) -> Dict[str, Any]:
    """Reads a ``.npy`` file of numbers, not of Python objects.

    Returns:
        dict: ``points``, see :func:`.checks.make_annotation`.
    """
    with open(path, 'rb') as stream:
        try:
            points = np.lib.format.read_array(stream, allow_pickle=False)
        except (ValueError, EOFError, MemoryError) as error:
            detail = str(error).split('\n')[0] or 'too large'
            raise InvalidRecording(
                f'is not a .npy file of numbers ({detail})') from error
    return dict(points=numbers(points))


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
    try:
        array = np.asarray(values)
    except ValueError:  # lists of unequal length
        array = np.empty(0, object)
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


def read_json(path: str) -> Dict[str, Any]:
    """Reads a JSON file.

    A list contains the key points. An object has one of these keys:
    ``keypoint``, with ``keypoint_score`` and ``img_shape`` as in the toolbox;
    ``skeletons`` as in NW-UCLA; ``data`` as in Kinetics-skeleton. Other keys,
    such as labels, are ignored.

    Returns:
        dict: The arguments of :func:`.checks.make_annotation`.
    """
    with open(path, 'rb') as stream:
        try:
            record = json.load(stream)
        except (ValueError, RecursionError) as error:
            raise InvalidRecording(f'is not JSON ({error})') from error
    if isinstance(record, list):
        return dict(points=numbers(record))
    if not isinstance(record, dict):
        raise InvalidRecording('is neither a JSON object nor a list')
    if 'keypoint' in record:
        return keypoint_form(record)
    if 'skeletons' in record:
        return dict(points=numbers(record['skeletons']))
    if 'data' in record:
        return kinetics_form(record['data'])
    raise InvalidRecording(
        'has none of the keys "keypoint", "skeletons" and "data", only '
        f'{", ".join(map(repr, list(record)[:5])) or "no key"}')


def keypoint_form(record: Dict[str, Any]) -> Dict[str, Any]:
    """Reads the keys of a toolbox annotation."""
    points, scores = numbers(record['keypoint']), record.get('keypoint_score')
    if scores is not None:
        try:
            scores = numbers(scores, AXES[:-1])
        except InvalidRecording as problem:
            raise InvalidRecording(
                f'{problem}, in "keypoint_score"') from problem
    return dict(points=points, scores=scores,
                img_shape=record.get('img_shape'))


def kinetics_form(frames: List[Any]) -> Dict[str, Any]:
    """Reads 2-D poses by frame number; persons in the order of each frame.

    Frames without a person, and missing frames, are zero.
    """
    if not isinstance(frames, list) or not frames:
        raise InvalidRecording('has no frames')
    persons = [frame_persons(place, frame)
               for place, frame in enumerate(frames)]
    places = frame_places(frames)
    found = [person for listed in persons for person in listed]
    if not found:
        raise InvalidRecording('has no person in any frame')
    joints = len(found[0][0])
    points = np.zeros(
        (max(map(len, persons)), max(places) + 1, joints, 2))  # M, T, V, C
    scores = np.zeros(points.shape[:-1])
    with_score = sum(score is not None for _, score in found)
    if 0 < with_score < len(found):
        raise InvalidRecording(
            f'has scores for {with_score} of {len(found)} poses')
    for place, listed in zip(places, persons):
        for person, (pose, score) in enumerate(listed):
            if len(pose) != joints:
                raise InvalidRecording(
                    f'has poses of {joints} and of {len(pose)} joints')
            points[person, place] = pose
            if score is not None:
                scores[person, place] = score
    return dict(points=points, scores=scores if with_score else None)


def frame_persons(place: int, frame: Dict[str, Any]) -> List[Any]:
    """Reads pose (V, 2) and score (V,) or None of each person of a frame."""
    skeletons = frame.get('skeleton') if isinstance(frame, dict) else None
    if not isinstance(skeletons, list):
        raise InvalidRecording(
            f'has no list "skeleton" in entry {place} of "data"')
    return [one_person(place, skeleton) for skeleton in skeletons]


def one_person(place: int, skeleton: Dict[str, Any]) -> Tuple[Any, ...]:
    """Reads pose (V, 2) and score (V,) or None of one person."""
    pose = skeleton.get('pose') if isinstance(skeleton, dict) else None
    if not isinstance(pose, list) or not pose or len(pose) % 2:
        raise InvalidRecording(
            'has no list "pose" of x and y for every joint in entry '
            f'{place} of "data"')
    score: Optional[np.ndarray] = None
    if 'score' in skeleton:
        score = numbers(skeleton['score'])
        if score.shape != (len(pose) // 2, ):
            raise InvalidRecording(
                f'has {score.size} scores for {len(pose) // 2} '
                f'joints in entry {place} of "data"')
    return numbers(pose).reshape(-1, 2), score


def frame_places(frames: List[Any]) -> List[int]:
    """Returns the frame of each entry in the clip, from 0."""
    indices = [frame.get('frame_index', place)
               for place, frame in enumerate(frames)]
    wrong = [index for index in indices if type(index) is not int]
    if wrong:
        raise InvalidRecording(
            f'has frame_index {wrong[0]!r}, which is not an integer')
    if len(set(indices)) < len(indices):
        raise InvalidRecording('has a frame_index twice')
    first, last = min(indices), max(indices)
    if last - first >= LONGEST:
        raise InvalidRecording(
            f'has frames {first} to {last}, more than {LONGEST}')
    return [index - first for index in indices]


def read_entry(path: str, name: Optional[str]) -> Dict[str, Any]:
    """Reads one annotation of a pickle, without its label.

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
        raise InvalidRecording(error.reason) from error
    record = find_entry(data, name)
    if 'keypoint' not in record:
        raise InvalidRecording(
            'has no "keypoint" in its annotation, only '
            f'{", ".join(map(repr, list(record)[:5])) or "no key"}')
    return keypoint_form(record)


@functools.lru_cache(maxsize=1)
def load_once(path: str, changed: int, size: int) -> Any:
    """Reads a pickle, caching the last one for reading several clips."""
    return load_pickle(path)


def find_entry(data: Any, name: Optional[str]) -> Dict[str, Any]:
    """Returns the annotation with a name; without a name, the only one."""
    if name is None and isinstance(data, dict) and 'keypoint' in data:
        return data
    entries = list_entries(data)
    names = [entry.get('frame_dir', entry.get('filename'))
             for entry in entries]
    if name is None:
        raise InvalidRecording(
            f'contains {len(entries)} clips: append the name of one, such as '
            f'#{names[0] if names else "NAME"}')
    count = names.count(name)
    if count != 1:
        raise InvalidRecording(
            f'contains {count} clips of this name among {len(names)}')
    return entries[names.index(name)]


def list_entries(data: Any) -> List[Dict[str, Any]]:
    """Returns the annotations of a dataset."""
    entries = data.get('annotations') if isinstance(data, dict) else data
    if not isinstance(entries, list) or not all(
            isinstance(entry, dict) for entry in entries):
        raise InvalidRecording(
            'is neither an annotation, nor a list of annotations, nor a dict '
            'with "annotations"')
    return entries
