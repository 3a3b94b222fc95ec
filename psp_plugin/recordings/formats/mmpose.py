"""Reader of MMPose's predictions, of its inferencer and its demo scripts.

Source: MMPose 1.x, ``pred_out_dir`` of ``MMPoseInferencer`` and
``--save-predictions`` of ``demo``.
"""
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from ..recording import Detection, Format, InvalidRecording, Recording
from .poses import (
    frame_name,
    make_recording,
    named_layout,
    numbers,
    track_number,
)

LAYOUTS_2D = {17: 'coco', 26: 'halpe26'}
# 17 joints in 3D are often those of Human3.6M: only names identify them.
LAYOUTS_3D: Dict[int, str] = {}
FRAME_NAME = frame_name(r'\.json')


def is_instances(content: Any) -> bool:
    """Whether the content lists the persons of one image."""
    return (isinstance(content, list) and bool(content)
            and isinstance(content[0], dict)
            and {'keypoints', 'keypoint_scores'} <= set(content[0]))


def is_frames(content: Any) -> bool:
    """Whether the content lists the frames of a video."""
    return (isinstance(content, list) and bool(content)
            and isinstance(content[0], dict)
            and {'frame_id', 'instances'} <= set(content[0]))


def is_video(content: Any) -> bool:
    """Whether the content is that of a video, or the image of a demo."""
    return is_frames(content) or isinstance(content, dict) and (
        isinstance(content.get('instance_info'), list))


def read_video(content: Any) -> List[Recording]:
    """Reads the frames of a video.

    A list of persons instead of frames is one image, a clip of one frame.
    """
    frames, meta = content, None
    if isinstance(content, dict):
        frames, meta = content['instance_info'], content.get('meta_info')
    if is_instances(frames):
        return [finish({0: persons(frames, 'the image')}, meta)]
    poses: Dict[int, List[Detection]] = {}
    for place, frame in enumerate(frames):
        number = frame.get('frame_id') if isinstance(frame, dict) else None
        if type(number) is not int:
            raise InvalidRecording(f'has no integer "frame_id" in entry '
                                   f'{place} of its frames')
        if number in poses:
            raise InvalidRecording(f'has the frame_id {number} twice')
        poses[number] = persons(frame.get('instances'), f'frame {number}')
    return [finish(poses, meta)]


def read_images(contents: Dict[int, Any]) -> List[Recording]:
    """Reads the files of a clip, one per image.

    Args:
        contents (dict): Frame number -> the content of its file.
    """
    return [finish({frame: persons(content, f'frame {frame}')
                    for frame, content in contents.items()}, None)]


def persons(instances: Any, what: str) -> List[Detection]:
    """Reads the persons of a frame."""
    if not isinstance(instances, list) or not all(
            isinstance(instance, dict) for instance in instances):
        raise InvalidRecording(f'has no list of instances in {what}')
    return [Detection(
                *pose(instance, what),
                track_number(instance.get('track_id',
                                          instance.get('instance_id'))))
            for instance in instances]


def pose(instance: Dict[str, Any],
         what: str) -> Tuple[np.ndarray, Optional[np.ndarray]]:
    """Returns coordinates (V, C), 2 or 3, and scores (V,) of a person."""
    points = numbers(instance.get('keypoints'), f'"keypoints" of {what}')
    if points.ndim == 3 and len(points) == 1:  # some 3D demos
        points = points[0]
    if points.ndim != 2 or points.shape[1] not in (2, 3):
        raise InvalidRecording(
            f'has {" x ".join(map(str, points.shape))} numbers as "keypoints" '
            f'of {what}, not 2 or 3 for every joint')
    if instance.get('keypoint_scores') is None:
        return points, None
    scores = numbers(instance['keypoint_scores'],
                     f'"keypoint_scores" of {what}').ravel()
    if len(scores) != len(points):
        raise InvalidRecording(f'has {len(scores)} scores for {len(points)} '
                               f'joints in {what}')
    return points, scores


def finish(poses: Dict[int, List[Detection]], meta: Any) -> Recording:
    """Makes the recording, with the layout of the dataset's joint names."""
    flat = not any(person.points.shape[1] == 3
                   for found in poses.values() for person in found)
    names = joint_names(meta)
    layout = {} if names is None else dict(layout=named_layout(names))
    return make_recording(poses, LAYOUTS_2D if flat else LAYOUTS_3D, **layout)


def joint_names(meta: Any) -> Optional[List[Any]]:
    """Returns the names of joints, in order, of ``meta_info``."""
    table = meta.get('keypoint_id2name') if isinstance(meta, dict) else None
    if not isinstance(table, dict):
        return None
    return [table.get(str(joint)) for joint in range(len(table))]


FORMATS = (
    Format('MMPose', ('.json', ), is_video, read_video),
    Format('MMPose by image', ('.json', ), is_instances, read_images,
           FRAME_NAME),
)
