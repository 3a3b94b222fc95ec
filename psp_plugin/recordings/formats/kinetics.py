"""Reader of Kinetics-skeleton's JSON, a file per video.

Source: ST-GCN, Kinetics-skeleton: ``data`` lists frames with a ``skeleton``
for each person, whose ``pose`` and ``score`` are those of the 18 joints of
OpenPose.
"""
from typing import Any, Dict, List, Optional, Tuple, Union

import numpy as np

from ..recording import Detection, Format, InvalidRecording, Recording
from .poses import make_recording, numbers
from .values import Poses

LAYOUTS = {18: 'openpose'}
# Numbers of joints of pose estimators, by which flat poses without scores are
# told to be pairs or triples.
COMMON = (15, 16, 17, 18, 25, 26, 33)


def is_kinetics(content: Any) -> bool:
    """Whether the content has a list ``data``."""
    return isinstance(content, dict) and isinstance(content.get('data'), list)


def read_kinetics(content: Dict[str, Any]) -> List[Recording]:
    """Reads 2D poses by frame number, with the label.

    A pose is flat or nested; its joints are x and y, with ``score`` a number
    or a list of one for each joint, or x, y and score. A joint that was not
    found is zero in the file. ``label_index`` precedes ``label``.
    """
    frames = content['data']
    if not frames:
        raise InvalidRecording('has no frames')
    persons = [frame_persons(place, frame)
               for place, frame in enumerate(frames)]
    poses: Poses = dict(zip(frame_indices(frames), persons))
    return [make_recording(poses, LAYOUTS, label=label_of(content))]


def frame_indices(frames: List[Dict[str, Any]]) -> List[int]:
    """Returns the number of each frame; without numbers, its place."""
    indices = [frame.get('frame_index', place)
               for place, frame in enumerate(frames)]
    wrong = [index for index in indices if type(index) is not int]
    if wrong:
        raise InvalidRecording(
            f'has frame_index {str(wrong[0])[:40]!r}, which is not an integer')
    if len(set(indices)) < len(indices):
        raise InvalidRecording('has a frame_index twice')
    return [int(index) for index in indices]


def label_of(content: Dict[str, Any]) -> Union[int, str, None]:
    """Returns the class of the video, if the file has it."""
    for key, kind in (('label_index', int), ('label', str)):
        label = content.get(key)
        if type(label) is kind:
            return label
        if label is not None:
            raise InvalidRecording(
                f'has {key} {str(label)[:40]!r}, which is not '
                f'{"an integer" if kind is int else "a name"}')
    return None


def frame_persons(place: int, frame: Any) -> List[Detection]:
    """Reads the persons of one frame."""
    skeletons = frame.get('skeleton') if isinstance(frame, dict) else None
    if not isinstance(skeletons, list):
        raise InvalidRecording(
            f'has no list "skeleton" in entry {place} of "data"')
    return [one_person(skeleton, f'in entry {place} of "data"')
            for skeleton in skeletons]


def one_person(skeleton: Any, where: str) -> Detection:
    """Reads one person."""
    pose = skeleton.get('pose') if isinstance(skeleton, dict) else None
    table = numbers(pose, f'"pose" {where}') if isinstance(
        pose, list) and pose else np.zeros(0)
    scores = skeleton.get('score') if table.size else None
    if scores is not None:
        scores = numbers(scores, f'"score" {where}').ravel()
    points, inside = split(table, scores, where)
    return Detection(points, inside if scores is None else scores)


def split(table: np.ndarray, scores: Optional[np.ndarray],
          where: str) -> Tuple[np.ndarray, Optional[np.ndarray]]:
    """Returns coordinates (V, 2), and the scores (V,) within a pose if any.

    Args:
        table (np.ndarray): The pose, flat or (V, 2) or (V, 3).
        scores (np.ndarray, optional): The scores next to the pose.
        where (str): Its place, for messages.
    """
    if table.ndim == 1:
        width = count_of_numbers(table.size, scores, where)
        table = table.reshape(-1, width)
    if table.ndim != 2 or table.shape[1] not in (2, 3):
        raise InvalidRecording(
            f'has no list "pose" of x and y for every joint {where}')
    if scores is None:
        return table[:, :2], table[:, 2] if table.shape[1] == 3 else None
    if len(scores) != len(table):
        raise InvalidRecording(
            f'has {len(scores)} scores for {len(table)} joints {where}')
    if table.shape[1] == 3 and not np.array_equal(table[:, 2], scores):
        raise InvalidRecording(
            f'has a third number for every joint, and other scores, {where}: '
            'remove one of them')
    return table[:, :2], None


def count_of_numbers(size: int, scores: Optional[np.ndarray],
                     where: str) -> int:
    """Returns the numbers of each joint, 2 or 3, of a flat pose."""
    widths = [width for width in (2, 3) if size and not size % width]
    if not widths:
        raise InvalidRecording(
            f'has no list "pose" of x and y for every joint {where}')
    if scores is not None:
        return 3 if size == 3 * len(scores) else 2
    if len(widths) == 1:
        return widths[0]
    common = [width for width in widths if size // width in COMMON]
    if len(common) != 1:
        raise InvalidRecording(
            f'has {size} numbers and no "score" {where}, which are '
            f'{size // 2} joints of x and y or {size // 3} of x, y and score: '
            'nest them, [[x, y], ...], or add "score"')
    return common[0]


FORMATS = (
    Format('Kinetics-skeleton', ('.json', ), is_kinetics, read_kinetics), )
