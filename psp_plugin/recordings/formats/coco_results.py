"""Reader of COCO key points: results of a detector, and annotations.

Source: COCO's documentation, "Results format" and "Data format".
"""
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from ..recording import Detection, Format, InvalidRecording, Recording
from .poses import (
    collect,
    keypoints_of,
    make_recording,
    named_layout,
    number_images,
    track_number,
)

LAYOUTS = {17: 'coco'}


def is_list(content: Any, image: type) -> bool:
    """Whether the content lists persons with an image_id of this type."""
    first = content[0] if isinstance(content, list) and content else None
    return isinstance(first, dict) and 'keypoints' in first and type(
        first.get('image_id')) is image


def is_results(content: Any) -> bool:
    """Whether the content lists persons with the number of their image."""
    return is_list(content, int)


def read_results(content: List[Any]) -> List[Recording]:
    """Reads the results of one video; ``image_id`` is the frame number."""
    return [make_recording(collect(
        (image_of(entry, place), read_result(entry, place))
        for place, entry in enumerate(content)), LAYOUTS)]


def image_of(entry: Any, place: int) -> Any:
    """Returns the image of an entry."""
    if not isinstance(entry, dict) or 'image_id' not in entry:
        raise InvalidRecording(f'has no "image_id" in entry {place}')
    return entry['image_id']


def read_result(entry: Dict[str, Any], place: int) -> Detection:
    """Reads a person, with its number if the results were tracked."""
    points, scores = keypoints_of(entry, f'entry {place}')
    return Detection(points, scores, track_number(entry.get('track_id')))


def is_annotations(content: Any) -> bool:
    """Whether the content is a set of annotated images."""
    return isinstance(content, dict) and all(
        isinstance(content.get(key), list)
        for key in ('images', 'annotations'))


def read_annotations(content: Dict[str, Any]) -> List[Recording]:
    """Reads annotated images, one recording per ``video_id``.

    The frame number is ``frame_id`` where all images have it, or else follows
    from ``file_name``. A joint's score is 0 if it is not labelled, and else 1,
    visible or not.
    """
    images = indexed(content['images'])
    persons: Dict[Any, List[Detection]] = {key: [] for key in images}
    for place, entry in enumerate(content['annotations']):
        image = image_of(entry, place)
        if type(image) not in (int, str) or image not in images:
            raise InvalidRecording(
                f'has annotation {place} of image {str(image)[:40]!r}, which '
                'is not among its images')
        if not entry.get('iscrowd') and 'keypoints' in entry:
            persons[image].append(annotated(entry, place))
    videos: Dict[Any, List[Any]] = {}
    for key, image in images.items():
        video = image.get('video_id', image.get('vid_id'))
        videos.setdefault(str(video), []).append(key)
    return [
        make_recording(
            dict(zip(frame_numbers([images[key] for key in keys]),
                     (persons[key] for key in keys))),
            LAYOUTS, name=video if len(videos) > 1 else '',
            img_shape=image_shape([images[key] for key in keys]),
            **layout_of(content))
        for video, keys in videos.items()]


def indexed(images: List[Any]) -> Dict[Any, Dict[str, Any]]:
    """Returns the images by their id."""
    found: Dict[Any, Dict[str, Any]] = {}
    for place, image in enumerate(images):
        key = image.get('id') if isinstance(image, dict) else None
        if type(key) not in (int, str):
            raise InvalidRecording(f'has no "id" in image {place}')
        if key in found:
            raise InvalidRecording(f'has two images of the id {key!r}')
        found[key] = image
    return found


def frame_numbers(images: List[Dict[str, Any]]) -> List[int]:
    """Returns the frame number of each image of a video."""
    numbers = [image.get('frame_id') for image in images]
    if not all(type(number) is int for number in numbers):
        numbers = [image.get('file_name', image['id']) for image in images]
        numbers = list(number_images(numbers))
    if len(set(numbers)) < len(numbers):
        raise InvalidRecording('has two images of the same frame of a video')
    return numbers  # type: ignore[return-value]


def annotated(entry: Dict[str, Any], place: int) -> Detection:
    """Reads an annotated person."""
    points, flags = keypoints_of(entry, f'annotation {place}')
    return Detection(points, np.minimum(flags, 1),
                     track_number(entry.get('track_id')))


def image_shape(images: List[Dict[str, Any]]) -> Optional[Tuple[int, int]]:
    """Returns height and width of the images, if all have the same."""
    first = images[0].get('height'), images[0].get('width')
    same = all((image.get('height'), image.get('width')) == first
               for image in images)
    if not same or not all(type(size) is int and size > 0 for size in first):
        return None
    return first  # type: ignore[return-value]


def layout_of(content: Dict[str, Any]) -> Dict[str, Any]:
    """Returns the layout that the category's names of joints make up.

    Without names it follows from the number of joints.
    """
    categories = content.get('categories')
    names = [category['keypoints'] for category in categories
             if isinstance(category, dict) and category.get('keypoints')
             ] if isinstance(categories, list) else []
    return dict(layout=named_layout(names[0])) if len(names) == 1 else {}


FORMATS = (
    Format('COCO results', ('.json', ), is_results, read_results),
    Format('COCO annotations', ('.json', ), is_annotations,
           read_annotations),
)
