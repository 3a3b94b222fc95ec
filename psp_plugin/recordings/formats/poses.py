"""What the readers of the output of pose estimators share.

Shape legend: V joint, C coordinate.
"""
import re
from contextlib import suppress
from typing import (
    Any,
    Dict,
    Hashable,
    Iterable,
    List,
    Mapping,
    Optional,
    Pattern,
    Sequence,
    Tuple,
)

import numpy as np

from psp_plugin.skeletons import LAYOUTS

from ..recording import Detection, InvalidRecording, Recording
from .values import Poses, plain_array, spread_frames

# Joints of skeletons with face and hands (COCO-WholeBody, Halpe) -> the first
# of them, which are those of the body that make up a layout.
BODY_JOINTS = {133: 17, 136: 26}


def numbers(values: Any, what: str) -> np.ndarray:
    """Converts lists of numbers to an array; null becomes NaN.

    Args:
        values (list): Numbers, or lists of numbers of the same length.
        what (str): What they are, for messages.

    Raises:
        InvalidRecording: If it is not a list of these.
    """
    if not isinstance(values, list):
        raise InvalidRecording(f'has no list of numbers as {what}')
    array = plain_array(values)
    if array.dtype.kind == 'O' and array.size and all(
            value is None or type(value) in (int, float)
            for value in array.flat):
        with suppress(OverflowError):  # 10**400 stays an object
            array = array.astype(np.float64)  # None to NaN
    if array.dtype.kind not in 'iuf':
        raise InvalidRecording(
            f'has values that are not numbers, or lists of unequal length, '
            f'in {what}')
    return array.astype(np.float64)


def frame_name(end: str) -> Pattern[str]:
    """Returns the pattern of the names of numbered files, one per frame.

    Args:
        end (str): Pattern of what follows the number.
    """
    return re.compile(
        rf'(?P<clip>.*?)[_-]?(?P<frame>\d{{1,18}}){end}', re.I)


def scored_points(values: Any, what: str,
                  axes: int = 2) -> Tuple[np.ndarray, np.ndarray]:
    """Splits x, y[, z], score, x, ... into coordinates and scores.

    Args:
        values (list): The numbers, flat or a list for each joint.
        what (str): What they are, for messages.
        axes (int): Coordinates of a joint, C. Defaults to 2.

    Returns:
        tuple: Coordinates (V, C) and scores (V,).
    """
    array = numbers(values, what)
    flat = array.ndim == 1 and array.size and not array.size % (axes + 1)
    if not flat and (array.ndim != 2 or array.shape[1] != axes + 1):
        raise InvalidRecording(
            f'has {" x ".join(map(str, array.shape))} numbers as {what}, not '
            f'{", ".join("xyz"[:axes])} and score of every joint')
    table = array.reshape(-1, axes + 1)
    return table[:, :axes], table[:, axes]


def keypoints_of(entry: Any, what: str) -> Tuple[np.ndarray, np.ndarray]:
    """Returns the ``keypoints`` of an entry, x, y and score of each joint."""
    if not isinstance(entry, dict) or 'keypoints' not in entry:
        raise InvalidRecording(f'has no "keypoints" in {what}')
    return scored_points(entry['keypoints'], f'"keypoints" of {what}')


def track_number(value: Any) -> Optional[Hashable]:
    """Returns the number of a tracked person; None if there is none.

    A negative number means "not tracked". A list has the numbers of merged
    boxes, and different ones are ambiguous.
    """
    if isinstance(value, list):
        merged = {track_number(number) for number in value}
        return merged.pop() if len(merged) == 1 else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is int:
        return value if value >= 0 else None
    return value if isinstance(value, str) and value else None


def number_images(names: Sequence[Any]) -> List[int]:
    """Returns the frame numbers of images, from their names or numbers.

    The frame number is the first number in the names that differs, such as 12
    in ``walk_2/frame_12.jpg``. Names without numbers are put into order.

    Args:
        names (Sequence[int or str]): Different names, or integers.

    Raises:
        InvalidRecording: If the names seem to be those of several videos.
    """
    if all(type(name) is int for name in names):
        return list(names)
    wrong = [name for name in names if not isinstance(name, str)]
    if wrong:
        raise InvalidRecording(
            f'has {str(wrong[0])[:40]!r} among names of images')
    stems = [re.sub(r'\.[A-Za-z]\w*$', '', name) for name in names]
    pieces = [re.split(r'(\d+)', stem, flags=re.A) for stem in stems]
    if len(stems) == 1:
        return [0]
    if all(len(piece) == 1 for piece in pieces):
        order = {name: place for place, name in enumerate(sorted(names))}
        return [order[name] for name in names]
    return differing_numbers(names, pieces)


def differing_numbers(names: Sequence[str],
                      pieces: Sequence[List[str]]) -> List[int]:
    """Returns the first number that differs in names.

    Args:
        names (Sequence[str]): The names, for messages.
        pieces (Sequence[list[str]]): Each name split into text, digits, text
            and so on.
    """
    texts = {tuple(piece[::2]) for piece in pieces}
    columns = zip(*(piece[1::2] for piece in pieces))
    column = next((column for column in columns if len(set(column)) > 1), ())
    if (len(texts) > 1 or max(map(len, column), default=99) > 18
            or len(set(map(int, column))) < len(names)):
        raise InvalidRecording(
            f'has images such as {names[0][:60]!r} and {names[-1][:60]!r}, '
            'whose names are not those of one numbered video: save one file '
            'per video')
    return list(map(int, column))


def collect(images: Iterable[Tuple[Any, Detection]]) -> Poses:
    """Groups persons by their image, in the order of the frames."""
    found: Dict[Any, List[Detection]] = {}
    for image, person in images:
        if type(image) not in (int, str):
            raise InvalidRecording(
                f'has image_id {str(image)[:40]!r}, neither an integer nor a '
                'name')
        found.setdefault(image, []).append(person)
    return dict(zip(number_images(list(found)), found.values()))


def make_recording(poses: Poses, layouts: Mapping[int, str],
                   **fields: Any) -> Recording:
    """Makes a recording of the persons of numbered frames.

    Frames are counted from the first that is listed; a frame that is not
    listed has no person. Of skeletons with face and hands, the body is kept.

    Args:
        poses (dict): Frame number -> the persons of that frame. Persons whose
            joints are all zero were not found, and are left out.
        layouts (Mapping[int, str]): Number of joints -> joint layout.
        **fields: Other fields of the recording.

    Raises:
        InvalidRecording: If no frame has a person, if persons differ in joints
            or coordinates, if only some have scores, or if the clip is too
            long.
    """
    poses = {frame: [person for person in persons if person.points.any()]
             for frame, persons in poses.items()}
    found = [person for persons in poses.values() for person in persons]
    check_persons(found)
    notes = list(fields.pop('notes', ()))
    joints = found[0].points.shape[0]
    if joints in BODY_JOINTS:
        notes.append(f'has {joints} joints, of which the first '
                     f'{BODY_JOINTS[joints]}, those of the body, are used')
        joints = BODY_JOINTS[joints]
        poses = {frame: [first_joints(person, joints) for person in persons]
                 for frame, persons in poses.items()}
    frames, step = spread_frames(poses)
    if step > 1:
        notes.append(f'has only frames whose numbers are {step} apart, which '
                     'become successive frames')
        if fields.get('fps'):
            fields['fps'] /= step
    shared = shared_number(frames)
    if shared is not None:
        notes.append(f'has two persons of the number {shared} in one frame, '
                     'so these numbers are not used')
        frames = [[person._replace(number=None) for person in persons]
                  for persons in frames]
    fields.setdefault('layout', layouts.get(joints))
    return Recording(frames=frames, notes=notes, **fields)


def check_persons(found: Sequence[Detection]) -> None:
    """Raises InvalidRecording unless all persons have the same fields."""
    if not found:
        raise InvalidRecording('has no person in any frame')
    for axis, name in enumerate(('joints', 'coordinates')):
        counts = list(dict.fromkeys(
            person.points.shape[axis] for person in found))
        if len(counts) > 1:
            raise InvalidRecording(
                f'has poses of {counts[0]} and of {counts[1]} {name}')
    scored = sum(person.scores is not None for person in found)
    if 0 < scored < len(found):
        raise InvalidRecording(
            f'has scores for {scored} of {len(found)} poses')


def first_joints(person: Detection, count: int) -> Detection:
    """Returns the person with its first joints only."""
    scores = person.scores
    return person._replace(points=person.points[:count],
                           scores=None if scores is None else scores[:count])


def shared_number(frames: Sequence[List[Detection]]) -> Optional[Hashable]:
    """Returns a number that two persons of one frame have; None if none."""
    for persons in frames:
        seen = set()
        for person in persons:
            if person.number is not None and person.number in seen:
                return person.number
            seen.add(person.number)
    return None


def named_layout(names: Any) -> Optional[str]:
    """Returns the joint layout that has these names of joints, in order."""
    if not isinstance(names, list) or not all(
            isinstance(name, str) for name in names):
        return None
    plain = tuple(name.lower().replace('_', ' ') for name in names)
    return next((layout.name for layout in LAYOUTS.values()
                 if layout.joint_names == plain), None)
