"""Reader of AlphaPose's output, in all its forms.

Source: AlphaPose's documentation, "Output format", and what its writer adds to
it: ``idx`` of a tracked person, and a form for each image.
"""
from typing import Any, Dict, List

from ..recording import Detection, Format, InvalidRecording, Recording
from . import coco_results
from .poses import (
    collect,
    frame_name,
    keypoints_of,
    make_recording,
    number_images,
    scored_points,
    track_number,
)

# COCO, Halpe (the body of its 136 joints) and, in the forms of other
# estimators, OpenPose's COCO.
LAYOUTS = {17: 'coco', 18: 'openpose', 26: 'halpe26'}
# The lists of persons in these forms ("open", "cmu"), and a person's joints.
FORMS = {'people': 'pose_keypoints_2d', 'bodies': 'joints'}
FRAME_NAME = frame_name(r'\.json')


def is_list(content: Any) -> bool:
    """Whether the content lists persons with the name of their image."""
    return coco_results.is_list(content, str)


def read_list(content: List[Any]) -> List[Recording]:
    """Reads the persons of all images of a video."""
    return [finish(collect(
        (coco_results.image_of(entry, place),
         read_person(entry, f'entry {place}'))
        for place, entry in enumerate(content)))]


def is_named(content: Any) -> bool:
    """Whether the content has the persons of each image by its name."""
    if not isinstance(content, dict):
        return False
    images = [image for image in content.values() if image != []]
    return bool(images) and all(
        is_form(image) or is_persons(image) for image in images)


def is_persons(image: Any) -> bool:
    """Whether it lists persons whose joints are x, y, score, x, ..."""
    person = image[0] if isinstance(image, list) else None
    return (isinstance(person, dict) and 'keypoint_scores' not in person
            and isinstance(person.get('keypoints'), list))


def read_named(content: Dict[str, Any]) -> List[Recording]:
    """Reads the persons of each image of a video."""
    return [finish({
        frame: read_image(image, f'image {name[:60]!r}')
        for frame, (name, image) in zip(number_images(list(content)),
                                        content.items())})]


def is_form(content: Any) -> bool:
    """Whether the content is an image in the form "open" or "cmu"."""
    return isinstance(content, dict) and (
        isinstance(content.get('people'), list) or is_bodies(content))


def is_bodies(content: Any) -> bool:
    """Whether the content is an image in the form "cmu".

    The form "open" is that of OpenPose. Files of a Kinect may have bodies
    too, whose joints are not a list of numbers.
    """
    bodies = content.get('bodies') if isinstance(content, dict) else None
    body = bodies[0] if isinstance(bodies, list) and bodies else None
    joints = body.get('joints') if isinstance(body, dict) else None
    return isinstance(joints, list) and bool(joints) and not isinstance(
        joints[0], (dict, list))


def read_frames(contents: Dict[int, Any]) -> List[Recording]:
    """Reads the files of a clip, one per image.

    Args:
        contents (dict): Frame number -> the content of its file.
    """
    return [finish({frame: read_image(content, f'frame {frame}')
                    for frame, content in contents.items()})]


def read_image(image: Any, what: str) -> List[Detection]:
    """Reads the persons of one image."""
    if isinstance(image, list):
        return [read_person(entry, what) for entry in image]
    for persons, joints in FORMS.items():
        if isinstance(image, dict) and isinstance(image.get(persons), list):
            return [Detection(*scored_points(
                        entry.get(joints) if isinstance(entry, dict) else None,
                        f'"{joints}" of {what}'))
                    for entry in image[persons]]
    raise InvalidRecording(f'has no list of persons for {what}')


def read_person(entry: Any, what: str) -> Detection:
    """Reads x, y and score of each joint, and the number of a person."""
    points, scores = keypoints_of(entry, what)
    return Detection(points, scores,
                     track_number(entry.get('idx', entry.get('track_id'))))


def finish(poses: Dict[int, List[Detection]]) -> Recording:
    """Makes the recording; without tracking, AlphaPose numbers all with 0."""
    if {person.number for persons in poses.values()
            for person in persons} == {0}:
        poses = {frame: [person._replace(number=None) for person in persons]
                 for frame, persons in poses.items()}
    return make_recording(poses, LAYOUTS)


FORMATS = (
    Format('AlphaPose', ('.json', ), is_list, read_list),
    Format('AlphaPose by image', ('.json', ), is_named, read_named),
    Format('AlphaPose per frame', ('.json', ), is_bodies, read_frames,
           FRAME_NAME),
)
