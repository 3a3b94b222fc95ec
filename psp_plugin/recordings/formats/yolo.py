"""Reader of Ultralytics' YOLO-pose: JSON of results, and label files.

Source: Ultralytics, ``Results.to_json`` and ``Results.save_txt``.
"""
import json
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from ..recording import Detection, Format, InvalidRecording, Recording
from .poses import (
    frame_name,
    make_recording,
    number_images,
    numbers,
    track_number,
)

LAYOUTS = {17: 'coco'}
JOINTS = 17  # of label files, whose numbers are not named
BOX = 5  # class, x, y, width and height
SHORTEST = BOX + 3 * JOINTS  # then follow a confidence and a track, or none
FRAME_NAME = frame_name(r'\.(?:json|txt)')
RELATIVE = ('has coordinates relative to the width and the height of the '
            'image, which the file does not contain')


def parsed(frame: Any) -> Any:
    """Parses a frame that was stored as the text that ``to_json`` returns."""
    if not isinstance(frame, str):
        return frame
    try:
        return json.loads(frame)
    except (ValueError, RecursionError):
        return None


def is_image(content: Any) -> bool:
    """Whether the content lists the results of one image."""
    return isinstance(content, list) and any(
        isinstance(result, dict) and isinstance(result.get('keypoints'), dict)
        and {'x', 'y'} <= set(result['keypoints']) for result in content)


def is_video(content: Any) -> bool:
    """Whether the content has the results of several images."""
    if isinstance(content, dict):
        content = list(content.values())
    return isinstance(content, list) and any(
        is_image(parsed(frame)) for frame in content)


def read_video(content: Any) -> List[Recording]:
    """Reads a list of images, or images by their name or number."""
    if isinstance(content, list):
        content = {str(place): image for place, image in enumerate(content)}
    return [make_recording(
        {frame: persons(image, f'image {name[:60]!r}')
         for frame, (name, image) in zip(number_images(list(content)),
                                         content.items())}, LAYOUTS)]


def read_images(contents: Dict[int, Any]) -> List[Recording]:
    """Reads the JSON files of a clip, one per image.

    Args:
        contents (dict): Frame number -> the content of its file.
    """
    return [make_recording(
        {frame: persons(content, f'frame {frame}')
         for frame, content in contents.items()}, LAYOUTS)]


def persons(results: Any, what: str) -> List[Detection]:
    """Reads the results of an image that have key points."""
    results = parsed(results)
    if not isinstance(results, list) or not all(
            isinstance(result, dict) for result in results):
        raise InvalidRecording(f'has no list of results for {what}')
    return [person(result['keypoints'], result.get('track_id'), what)
            for result in results if 'keypoints' in result]


def person(keypoints: Any, track: Any, what: str) -> Detection:
    """Reads x, y and, if visibility was predicted, scores of each joint."""
    if not isinstance(keypoints, dict):
        raise InvalidRecording(f'has "keypoints" without x and y for {what}')
    columns = [numbers(keypoints.get(key), f'"{key}" of "keypoints" of {what}')
               for key in ('x', 'y', 'visible') if key in keypoints]
    shapes = {column.shape for column in columns}
    if not {'x', 'y'} <= set(keypoints) or len(shapes) > 1 or (
            columns[0].ndim != 1 or not columns[0].size):
        raise InvalidRecording(
            f'has "keypoints" of {what} that are not lists of x, y and '
            'visible, a number for every joint')
    scores = columns[2] if len(columns) > 2 else None
    return Detection(np.stack(columns[:2], 1), scores, track_number(track))


def label_rows(content: Any) -> Optional[List[List[float]]]:
    """Returns the numbers of each line; None if it is not a label file.

    Class, x, y, width and height of the box and x, y and score of 17 joints,
    relative to the image; then optionally a confidence and a track.
    """
    if not isinstance(content, str) or not content.strip():
        return None
    rows = []
    for line in content.strip().split('\n'):
        words = line.split()
        if not SHORTEST <= len(words) <= SHORTEST + 2:
            return None
        try:
            rows.append([float(word) for word in words])
        except ValueError:
            return None
    places = np.array([row[1:SHORTEST] for row in rows])
    if not all(row[0].is_integer() and row[0] >= 0 for row in rows) or not (
            (places >= 0) & (places <= 2)).all():
        return None
    return rows


def is_labels(content: Any) -> bool:
    """Whether the content is the label file of one image."""
    return label_rows(content) is not None


def read_labels(contents: Dict[int, str]) -> List[Recording]:
    """Reads the label files of a clip, one per image with a person.

    Args:
        contents (dict): Frame number -> the text of its file.
    """
    frames: Dict[int, List[List[float]]] = {}
    for frame, content in contents.items():
        rows = label_rows(content) if content.strip() else []
        if rows is None:
            raise InvalidRecording(
                f'has lines in frame {frame} that are not a box and 17 joints '
                'of YOLO-pose')
        frames[frame] = rows
    tracked = ends_in_tracks([row for rows in frames.values()
                              for row in rows])
    return [make_recording(
        {frame: [labelled(row, tracked) for row in rows]
         for frame, rows in frames.items()}, LAYOUTS, notes=[RELATIVE])]


def ends_in_tracks(rows: Sequence[Sequence[float]]) -> bool:
    """Whether a single number after the joints is the track.

    Tracks are integers from 1 on, and confidences are rarely 1.
    """
    single = [row[-1] for row in rows if len(row) == SHORTEST + 1]
    return all(value.is_integer() and value >= 1 for value in single)


def labelled(row: Sequence[float], tracked: bool) -> Detection:
    """Reads one line of a label file."""
    points, scores = split(np.array(row[BOX:SHORTEST]).reshape(JOINTS, 3))
    last = len(row) - SHORTEST
    number = row[-1] if last == 2 or last == 1 and tracked else None
    return Detection(points, scores, track_number(number))


def split(table: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Splits x, y and score; a label's flag 2, visible, is a score of 1."""
    return table[:, :2], np.minimum(table[:, 2], 1)


FORMATS = (
    Format('YOLO-pose', ('.json', ), is_video, read_video),
    Format('YOLO-pose by image', ('.json', ), is_image, read_images,
           FRAME_NAME),
    Format('YOLO-pose labels', ('.txt', ), is_labels, read_labels,
           FRAME_NAME),
)
