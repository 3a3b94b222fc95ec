"""Reader of OpenPose's output, a JSON file per frame (``--write_json``).

Source: OpenPose's documentation, "Output".
"""
from typing import Any, Dict, List

from ..recording import Detection, Format, InvalidRecording, Recording
from .poses import (
    frame_name,
    make_recording,
    scored_points,
    track_number,
)

# By the number of joints: MPI, COCO and BODY_25.
LAYOUTS = {15: 'openpose_mpi', 18: 'openpose', 25: 'openpose_body25'}
# Before version 1.1 there was no 3D, and the name did not end in _2d.
KEYS = {2: ('pose_keypoints_2d', 'pose_keypoints'),
        3: ('pose_keypoints_3d', )}
# Of a video: NAME_000000000012_keypoints.json; AlphaPose's output in the form
# of OpenPose has the names of images, 12.json.
FRAME_NAME = frame_name(r'(?:_keypoints)?\.json')


def is_frame(content: Any) -> bool:
    """Whether the content is that of one frame."""
    return isinstance(content, dict) and isinstance(
        content.get('people'), list)


def read_frames(contents: Dict[int, Any]) -> List[Recording]:
    """Reads the files of a clip.

    A joint that was not found is zero in the file. Face and hands are not
    read. Where persons were reconstructed in 3D, their 3D joints are read.

    Args:
        contents (dict): Frame number -> the content of its file.
    """
    people = {frame: people_of(content, f'frame {frame}')
              for frame, content in contents.items()}
    axes = 3 if any(keypoints(person, 3) for persons in people.values()
                    for person in persons) else 2
    poses = {
        frame: [read_person(person, axes, frame) for person in persons
                if keypoints(person, axes)]
        for frame, persons in people.items()}
    notes = ['has 3D joints, which are used'] if axes == 3 else []
    return [make_recording(poses, LAYOUTS, notes=notes)]


def people_of(content: Any, what: str) -> List[Dict[str, Any]]:
    """Returns the list of persons of a frame."""
    if not is_frame(content) or not all(
            isinstance(person, dict) for person in content['people']):
        raise InvalidRecording(f'has no list "people" of objects in {what}')
    people: List[Dict[str, Any]] = content['people']
    return people


def keypoints(person: Dict[str, Any], axes: int) -> Any:
    """Returns the joints of a person; false if the body was not found."""
    values = (person.get(key) for key in KEYS[axes])
    return next((value for value in values if value), None)


def read_person(person: Dict[str, Any], axes: int, frame: int) -> Detection:
    """Reads one person, with x, y[, z] and score of each joint."""
    points, scores = scored_points(
        keypoints(person, axes), f'"{KEYS[axes][0]}" of frame {frame}', axes)
    return Detection(points, scores, track_number(person.get('person_id')))


FORMATS = (
    Format('OpenPose', ('.json', ), is_frame, read_frames, FRAME_NAME), )
