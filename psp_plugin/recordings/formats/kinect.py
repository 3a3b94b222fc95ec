"""Readers of JSON files of Azure Kinect, Kinect v2 and Kinect v1.

Confidence levels and tracking states are not read: clips of 3D joints have no
scores. Coordinates keep the axes of the sensor.
"""
import itertools
from typing import Any, Dict, Iterator, List, Optional, Tuple

import numpy as np

from ..recording import Detection, Format, InvalidRecording, Recording
from .values import (
    field,
    fields,
    frame_rate,
    number_array,
    place_frames,
    same_name,
    time_unit,
)

_LIMBS = ('Shoulder', 'Elbow', 'Wrist', 'Hand'), ('Hip', 'Knee', 'Ankle',
                                                  'Foot')
_SIDES = ('Left', 'Right')
_ARMS_AND_LEGS = tuple(f'{joint}{side}' for limb in _LIMBS for side in _SIDES
                       for joint in limb)
# Joints in the order of K4ABT_JOINT_* of the Azure Kinect Body Tracking SDK.
AZURE_JOINTS = (
    'PELVIS', 'SPINE_NAVEL', 'SPINE_CHEST', 'NECK',
    *(f'{joint}_{side}' for side in ('LEFT', 'RIGHT') for joint in (
        'CLAVICLE', 'SHOULDER', 'ELBOW', 'WRIST', 'HAND', 'HANDTIP',
        'THUMB')),
    *(f'{joint}_{side}' for side in ('LEFT', 'RIGHT') for joint in (
        'HIP', 'KNEE', 'ANKLE', 'FOOT')),
    'HEAD', 'NOSE', 'EYE_LEFT', 'EAR_LEFT', 'EYE_RIGHT', 'EAR_RIGHT')
# Joints in the order of JointType of the Kinect SDKs 2.0 and 1.8, by the
# layout which has the same order.
JOINT_TYPES = {
    'nturgb+d': ('SpineBase', 'SpineMid', 'Neck', 'Head', *_ARMS_AND_LEGS,
                 'SpineShoulder', 'HandTipLeft', 'ThumbLeft', 'HandTipRight',
                 'ThumbRight'),
    'nwucla': ('HipCenter', 'Spine', 'ShoulderCenter', 'Head',
               *_ARMS_AND_LEGS),
}
# The sensors see up to some 5 m, so that the largest coordinate of a file in
# millimetres is above this value, and in metres below.
_METRES_BELOW = 50


def bodies_of(frame: Any) -> List[Any]:
    """Returns the bodies of a frame, none if it does not list them."""
    bodies = frame if isinstance(frame, list) else field(frame, 'bodies')
    if isinstance(bodies, dict):
        bodies = list(bodies.values())
    return [body for body in bodies if isinstance(body, dict)] \
        if isinstance(bodies, list) else []


def frames_of(content: Any) -> List[Any]:
    """Returns the list of frames of a file, empty if it has none."""
    frames = content if isinstance(content, list) else field(
        content, 'frames', 'bodyframes')
    return frames if isinstance(frames, list) else []


def all_bodies(content: Any) -> Iterator[Any]:
    """Iterates over the bodies of all frames."""
    return itertools.chain.from_iterable(
        map(bodies_of, frames_of(content)))


def is_azure(content: Any) -> bool:
    """Whether a JSON content is that of Azure Kinect's sample tools."""
    if not isinstance(content, dict) or not frames_of(content):
        return False
    if 'k4abt_sdk_version' in content:
        return True
    body = next(all_bodies(content), None)
    return field(body, 'jointpositions') is not None


def read_azure(content: Any) -> List[Recording]:
    """Reads the JSON of Azure Kinect's body tracking, in metres.

    Source: the sample tool ``offline_processor`` of the Azure Kinect Body
    Tracking SDK, which writes millimetres. Frames missing in the order of
    ``frame_id`` are frames without a person.

    Args:
        content (dict): ``frames``, each with ``bodies`` (``body_id`` and
            ``joint_positions`` (32, 3) in millimetres), ``frame_id`` and
            ``timestamp_usec``, and ``joint_names``.

    Returns:
        list[Recording]: One, of layout ``'azure_kinect'``.

    Raises:
        InvalidRecording: If a part is missing or not as described.
    """
    frames = frames_of(content)
    order = azure_order(content.get('joint_names'))
    persons = [[azure_body(place, body, order) for body in bodies_of(frame)]
               for place, frame in enumerate(frames)]
    largest = max((float(np.abs(person.points).max())
                   for found in persons for person in found), default=0.)
    notes = []
    if largest < _METRES_BELOW:
        notes = ['has coordinates in metres, not in millimetres as the SDK '
                 'writes them'] if largest else []
    else:
        persons = [[person._replace(points=person.points / 1000)
                    for person in found] for found in persons]
    return [Recording(frames=placed(frames, persons), fps=rate(frames),
                      layout='azure_kinect', notes=notes)]


def azure_order(names: Any) -> List[int]:
    """Returns the place in the file of every joint of the layout."""
    if names is None:
        return list(range(len(AZURE_JOINTS)))
    if not isinstance(names, list) or not all(
            isinstance(name, str) for name in names):
        raise InvalidRecording('has "joint_names" that are not a list of '
                               'names')
    # The SDK has both spellings of the navel.
    found = {name.upper().replace('NAVAL', 'NAVEL'): place
             for place, name in enumerate(names)}
    if len(names) != len(AZURE_JOINTS) or set(found) != set(AZURE_JOINTS):
        raise InvalidRecording(
            f'has {len(names)} "joint_names", which are not the '
            f'{len(AZURE_JOINTS)} joints of Azure Kinect')
    return [found[name] for name in AZURE_JOINTS]


def azure_body(place: int, body: Dict[str, Any],
               order: List[int]) -> Detection:
    """Reads one body of Azure Kinect, in the unit of the file."""
    points = number_array(field(body, 'jointpositions'),
                          f'a body of frame {place} with "joint_positions"')
    if points.shape != (len(order), 3):
        raise InvalidRecording(
            f'has joint positions of shape {points.shape} in frame {place}, '
            f'not {(len(order), 3)}')
    return Detection(points[order], number=body_number(body))


def body_number(body: Dict[str, Any]) -> Any:
    """Returns the number of a body; None if it has none or an invalid one.

    Kinect v2 gives untracked bodies 0, Azure Kinect gives 0xFFFFFFFF.
    """
    number = field(body, 'trackingid', 'bodyid', 'id')
    if type(number) not in (int, str) or number in (-1, 0xFFFFFFFF):
        return None
    is_v2 = field(body, 'trackingid') is not None
    return None if is_v2 and str(number) == '0' else number


def placed(frames: List[Any],
           persons: List[List[Detection]]) -> List[List[Detection]]:
    """Puts frames in their places, if all have a number."""
    numbers = [field(frame, 'frameid', 'frameindex', 'framenumber')
               for frame in frames]
    if all(number is None for number in numbers):
        numbers = list(range(len(frames)))
    return place_frames(numbers, persons)


def rate(frames: List[Any]) -> Optional[float]:
    """Returns the frames per second by the times of the frames.

    Only times whose unit is in their name are read.
    """
    first = frames[0] if isinstance(frames[0], dict) else {}
    name = next((name for name in first
                 if 'time' in name.lower() and time_unit(name)), None)
    unit = time_unit(name) if name else None
    times: List[Any] = [
        frame.get(name) if isinstance(frame, dict) else None
        for frame in frames]
    if unit is None or not all(type(time) in (int, float) for time in times):
        return None
    return frame_rate([unit * time for time in times])


def is_kinect(content: Any) -> bool:
    """Whether a JSON content has frames with bodies with joints."""
    return any(isinstance(field(body, 'joints'), (list, dict))
               for body in all_bodies(content))


def read_kinect(content: Any) -> List[Recording]:
    """Reads bodies of Kinect v2 or v1 from JSON, in metres.

    There is no tool of the SDK that writes JSON. This reads what programs
    commonly write: a list of frames, or an object with ``frames``; frames are
    lists of bodies, or objects with ``bodies``; a body has ``joints``, by
    name, by ``JointType``, or in the SDK's order; a joint is x, y, z, or an
    object with x, y, z, with ``Position``, or with ``cameraX``. Keys in upper
    and lower case are equal. Bodies that are not tracked are left out.

    Source: ``JointType`` of Kinect for Windows SDK 2.0 and 1.8.

    Returns:
        list[Recording]: One, of layout ``'nturgb+d'`` (v2, 25 joints) or
        ``'nwucla'`` (v1, 20 joints).

    Raises:
        InvalidRecording: If joints are missing, unknown or without position.
    """
    frames = frames_of(content)
    layouts = set()
    persons: List[List[Detection]] = []
    for place, frame in enumerate(frames):
        persons.append([])
        for body in bodies_of(frame):
            if field(body, 'istracked', 'tracked') is False:
                continue
            layout, points = kinect_joints(place, field(body, 'joints'))
            if points.any():  # the SDK fills the places of absent bodies
                layouts.add(layout)
                persons[-1].append(Detection(points,
                                             number=body_number(body)))
    if len(layouts) > 1:
        raise InvalidRecording('has bodies of Kinect v2 and of Kinect v1')
    return [Recording(frames=placed(frames, persons), fps=rate(frames),
                      layout=layouts.pop() if layouts else None)]


def kinect_joints(place: int, joints: Any) -> Tuple[str, np.ndarray]:
    """Reads the layout and the joints (V, 3) of one body."""
    if not isinstance(joints, (list, dict)) or not joints:
        raise InvalidRecording(f'has a body without "joints" in frame {place}')
    entries = list(joints.items()) if isinstance(joints, dict) else [
        (joint_type(joint, index), joint)
        for index, joint in enumerate(joints)]
    layout = next((name for name, known in JOINT_TYPES.items()
                   if len(known) == len(entries)), None)
    if layout is None:
        raise InvalidRecording(
            f'has a body of {len(entries)} joints in frame {place}, but '
            'Kinect v2 has 25, and Kinect v1 has 20')
    known = JOINT_TYPES[layout]
    indices = {same_name(name): index for index, name in enumerate(known)}
    points: Dict[int, List[float]] = {}
    for key, joint in entries:
        name = str(key).replace('JointType_', '')
        index = int(name) if name.isdecimal() and len(name) < 3 else \
            indices.get(same_name(name), -1)
        if index in points or not 0 <= index < len(known):
            raise InvalidRecording(
                f'has the joint {name[:40]!r} in frame {place}, which is '
                'repeated or not one of the Kinect')
        points[index] = position(joint, known[index], place)
    return layout, number_array(
        [points[index] for index in range(len(known))],
        f'a body of frame {place}')


def joint_type(joint: Any, index: int) -> Any:
    """Returns the name or number of a joint in a list, by default its place.
    """
    name = field(joint, 'jointtype', 'type', 'name', 'joint')
    return name if type(name) in (int, str) else index


def position(joint: Any, name: str, place: int) -> List[float]:
    """Reads x, y and z of a joint."""
    inner = field(joint, 'position', 'pos')
    values = joint if inner is None else inner
    if isinstance(values, dict):
        found = fields(values)
        values = [found.get(axis, found.get(f'camera{axis}'))
                  for axis in 'xyz']
    if not isinstance(values, list) or len(values) != 3 or not all(
            type(value) in (int, float) for value in values):
        raise InvalidRecording(
            f'has a position of joint {name} in frame {place} that is not '
            f'the numbers x, y and z: {str(values)[:40]}')
    return values


FORMATS = (
    Format('Azure Kinect', ('.json', ), is_azure, read_azure),
    Format('Kinect v2 or v1', ('.json', ), is_kinect, read_kinect),
)
