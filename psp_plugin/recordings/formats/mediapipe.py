"""Reader of MediaPipe's pose landmarks, as they are commonly stored.

MediaPipe defines no file format. Source of the landmarks: MediaPipe, "Pose
landmark detection guide". Coordinates stay as they are: of image landmarks, x
and y are relative to width and height, y points down, and z is the depth from
the hips in about the scale of x; world landmarks are in metres, with the
origin between the hips.
"""
import re
from typing import Any, Dict, List, Optional, Tuple, Union

import numpy as np

from ..recording import Detection, Format, InvalidRecording, Recording
from .poses import make_recording, number_images, numbers

JOINTS = 33
LAYOUTS = {JOINTS: 'mediapipe'}
WORLD = ('pose_world_landmarks', 'poseWorldLandmarks', 'world_landmarks',
         'worldLandmarks')
IMAGE = ('pose_landmarks', 'poseLandmarks', 'landmarks', 'landmark')
NUMBER = ('frame', 'frame_index', 'frame_idx', 'frame_number', 'frame_id')
TIME = {'timestamp_ms': 1e-3, 'timestampMs': 1e-3, 'timestamp_us': 1e-6}
SEVERAL = ('has several persons in world landmarks, each around the own hips '
           'instead of a place: they are told apart by their poses only, and '
           'one who follows on another can be taken for the same person')
RELATIVE = ('has landmarks relative to the width and the height of the image, '
            'which the file does not contain')


def is_landmarks(content: Any) -> bool:
    """Whether frames of 33 landmarks are in the content."""
    return any(is_pose(pose) for frame in frames_of(content)
               for pose in poses_of(frame, IMAGE) + poses_of(frame, WORLD))


def is_pose(pose: Any) -> bool:
    """Whether it lists 33 objects with x and y, or 33 times 4 numbers."""
    if not isinstance(pose, list) or len(pose) != JOINTS:
        return False
    return all(isinstance(joint, dict) and {'x', 'y'} <= set(joint)
               or isinstance(joint, list) and len(joint) == 4
               and not any(isinstance(value, (list, dict)) for value in joint)
               for joint in pose)


def frames_of(content: Any) -> List[Any]:
    """Returns the frames of a content, in its order."""
    frames = listed(content)
    return list(frames.values()) if isinstance(frames, dict) else frames


def listed(content: Any) -> Union[List[Any], Dict[str, Any]]:
    """Returns the list of frames, or a dict of them by number.

    An object without frames has lists of landmarks for all frames.
    """
    if isinstance(content, dict):
        key = next((key for key in ('frames', *WORLD, *IMAGE)
                    if content.get(key)), None)
        content = content if key is None else content[key]
        if key != 'frames' and is_pose(content):
            content = [content]
    if isinstance(content, dict):
        return content if all(map(re.compile(r'\d').search, content)) else []
    return content if isinstance(content, list) else []


def poses_of(frame: Any, keys: Tuple[str, ...]) -> List[Any]:
    """Returns the lists of landmarks in a frame, one per person.

    A frame that is no object has image landmarks.
    """
    if isinstance(frame, dict):
        found = next((frame[key] for key in keys if frame.get(key)), None)
    else:
        found = frame if keys is IMAGE else None
    if isinstance(found, dict):  # one person, as of protocol buffers
        found = found.get('landmark')
    if not isinstance(found, list) or not found:
        return []
    first = found[0]
    if isinstance(first, dict) and 'landmark' in first:
        return [pose.get('landmark') if isinstance(pose, dict) else pose
                for pose in found]
    single = isinstance(first, dict) or isinstance(first, list) and bool(
        first) and not isinstance(first[0], (list, dict))
    return [found] if single else found


def read_landmarks(content: Any) -> List[Recording]:
    """Reads frames of landmarks; of both kinds, the world landmarks.

    Visibility becomes the scores. Frame numbers, or else the places in the
    list, are the frames; milliseconds give the frames per second.
    """
    frames = frames_of(content)
    world = any(poses_of(frame, WORLD) for frame in frames)
    image = any(poses_of(frame, IMAGE) for frame in frames)
    poses = {
        number: [person(pose, f'frame {number}')
                 for pose in poses_of(frame, WORLD if world else IMAGE)]
        for number, frame in zip(frame_numbers(content, frames), frames)}
    notes = [] if world else [RELATIVE]
    if world and image:
        notes = ['has image and world landmarks, of which the world landmarks,'
                 ' in metres, are used']
    if world and any(len(persons) > 1 for persons in poses.values()):
        notes.append(SEVERAL)
    return [make_recording(poses, LAYOUTS, notes=notes,
                           fps=frame_rate(content, frames))]


def frame_numbers(content: Any, frames: List[Any]) -> List[int]:
    """Returns the number of each frame."""
    named = listed(content)
    if isinstance(named, dict):
        return number_images(list(named))
    for key in NUMBER:
        found = values_of(frames, key)
        if len(found) == len(frames) and all(
                type(number) is int for number in found):
            if len(set(found)) < len(found):
                raise InvalidRecording(f'has a "{key}" twice')
            return found
    return list(range(len(frames)))


def values_of(frames: List[Any], key: str) -> List[Any]:
    """Returns the value of a key of all frames that have it."""
    return [frame[key] for frame in frames
            if isinstance(frame, dict) and key in frame]


def frame_rate(content: Any, frames: List[Any]) -> Optional[float]:
    """Returns ``fps``, or else the mean rate by the frames' times, if any."""
    if isinstance(content, dict) and is_number(content.get('fps')) and (
            content['fps'] > 0):
        return float(content['fps'])
    for key, unit in TIME.items():
        times = values_of(frames, key)
        if len(times) == len(frames) > 1 and all(map(is_number, times)) and (
                times[-1] > times[0]):
            return float((len(times) - 1) / ((times[-1] - times[0]) * unit))
    return None


def is_number(value: Any) -> bool:
    """Whether it is a finite number that fits a float."""
    return type(value) in (int, float) and abs(value) < 1e18


def person(pose: Any, what: str) -> Detection:
    """Reads coordinates (V, C) and scores (V,) of one person."""
    if not isinstance(pose, list) or len(pose) != JOINTS:
        count = f'{len(pose)}' if isinstance(pose, list) else 'no list of'
        raise InvalidRecording(
            f'has {count} landmarks of a person in {what}, not {JOINTS}')
    if isinstance(pose[0], list):
        table = numbers(pose, f'landmarks of {what}')
        if table.shape != (JOINTS, 4):
            raise InvalidRecording(
                f'has {" x ".join(map(str, table.shape))} numbers as '
                f'landmarks of {what}, not x, y, z and visibility of 33')
        return Detection(table[:, :3], table[:, 3])
    if not all(isinstance(joint, dict) for joint in pose):
        raise InvalidRecording(
            f'has landmarks of {what} that are not objects with x and y')
    columns = {key: column(pose, key, what)
               for key in ('x', 'y', 'z', 'visibility')
               if key in 'xy' or any(key in joint for joint in pose)}
    scores = columns.pop('visibility', None)
    return Detection(np.stack(list(columns.values()), 1), scores)


def column(pose: List[Dict[str, Any]], key: str, what: str) -> np.ndarray:
    """Returns one value of each landmark, (V,)."""
    try:
        found = [joint[key] for joint in pose]
    except KeyError:
        raise InvalidRecording(
            f'has landmarks without "{key}" in {what}') from None
    values = numbers(found, f'"{key}" of {what}')
    if values.ndim != 1:
        raise InvalidRecording(
            f'has landmarks of {what} whose "{key}" is not a number')
    return values


FORMATS = (
    Format('MediaPipe', ('.json', ), is_landmarks, read_landmarks), )
