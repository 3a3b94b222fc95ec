"""The JSON forms of a recording."""
import json
from typing import Dict, List, Optional

import numpy as np

from .arrays import numbers
from .checks import AXES, Flaw

# Frames between the first and the last of a clip: a wrong frame number must
# not fill the memory. At 30 frames a second this is almost an hour.
LONGEST = 100_000


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
            raise Flaw(f'is not JSON ({error})') from error
    if isinstance(record, list):
        return dict(points=numbers(record))
    if not isinstance(record, dict):
        raise Flaw('is neither a JSON object nor a list')
    if 'keypoint' in record:
        return keypoint_form(record)
    if 'skeletons' in record:
        return dict(points=numbers(record['skeletons']))
    if 'data' in record:
        return kinetics_form(record['data'])
    raise Flaw('has none of the keys "keypoint", "skeletons" and "data", but '
               f'{", ".join(map(repr, list(record)[:5])) or "no key"}')


def keypoint_form(record: Dict) -> dict:
    """The toolbox's own keys."""
    points, scores = numbers(record['keypoint']), record.get('keypoint_score')
    if scores is not None:
        try:
            scores = numbers(scores, AXES[:-1])
        except Flaw as flaw:
            raise Flaw(f'{flaw}, in "keypoint_score"') from flaw
    return dict(points=points, scores=scores,
                img_shape=record.get('img_shape'))


def kinetics_form(frames: List) -> dict:
    """2-D poses by frame number; persons in the order of each frame.

    Frames without a person, and those that are not listed, stay zero.
    """
    if not isinstance(frames, list) or not frames:
        raise Flaw('has no frames')
    persons = [frame_persons(place, frame)
               for place, frame in enumerate(frames)]
    places = frame_places(frames)
    found = [person for listed in persons for person in listed]
    if not found:
        raise Flaw('has no person in any frame')
    joints = len(found[0][0])
    points = np.zeros(
        (max(map(len, persons)), max(places) + 1, joints, 2))  # M, T, V, C
    scores = np.zeros(points.shape[:-1])
    with_score = sum(score is not None for _, score in found)
    if 0 < with_score < len(found):
        raise Flaw(f'has scores for {with_score} of {len(found)} poses')
    for place, listed in zip(places, persons):
        for person, (pose, score) in enumerate(listed):
            if len(pose) != joints:
                raise Flaw(f'has poses of {joints} and of {len(pose)} joints')
            points[person, place] = pose
            if score is not None:
                scores[person, place] = score
    return dict(points=points, scores=scores if with_score else None)


def frame_persons(place: int, frame: Dict) -> List:
    """Pose (V, 2) and score (V,) or None of everyone in one frame."""
    skeletons = frame.get('skeleton') if isinstance(frame, dict) else None
    if not isinstance(skeletons, list):
        raise Flaw(f'has no list "skeleton" in entry {place} of "data"')
    return [one_person(place, skeleton) for skeleton in skeletons]


def one_person(place: int, skeleton: Dict) -> tuple:
    """Pose (V, 2) and score (V,) or None of one person."""
    pose = skeleton.get('pose') if isinstance(skeleton, dict) else None
    if not isinstance(pose, list) or not pose or len(pose) % 2:
        raise Flaw('has no list "pose" of x and y for every joint in entry '
                   f'{place} of "data"')
    score: Optional[np.ndarray] = None
    if 'score' in skeleton:
        score = numbers(skeleton['score'])
        if score.shape != (len(pose) // 2, ):
            raise Flaw(f'has {score.size} scores for {len(pose) // 2} joints '
                       f'in entry {place} of "data"')
    return numbers(pose).reshape(-1, 2), score


def frame_places(frames: List) -> List[int]:
    """Where each entry's frame is in the clip, from 0."""
    indices = [frame.get('frame_index', place)
               for place, frame in enumerate(frames)]
    wrong = [index for index in indices if type(index) is not int]
    if wrong:
        raise Flaw(f'has frame_index {wrong[0]!r}, which is not an integer')
    if len(set(indices)) < len(indices):
        raise Flaw('has a frame_index twice')
    first, last = min(indices), max(indices)
    if last - first >= LONGEST:
        raise Flaw(f'has frames {first} to {last}, more than {LONGEST}')
    return [index - first for index in indices]
