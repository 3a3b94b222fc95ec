"""What can be wrong with one annotated clip: pure functions.

Shape legend: M person, T frame, V joint, C coordinate, K pose.
"""
import reprlib
from collections import Counter
from typing import Any, Iterable, Iterator, NamedTuple, Optional

import numpy as np

from .recordings.checks import checked_img_shape
from .recordings.folder import Layout

AXES = dict(M='persons', T='frames', V='joints', C='coordinates', K='poses')


class Fault(NamedTuple):
    """One thing that is wrong with a clip.

    Args:
        kind: What it is, in words that are the same for every clip.
        text: The rest of a sentence that begins with the clip.
    """
    kind: str
    text: str


_REPR = reprlib.Repr()
_REPR.maxstring = 80  # names of clips and splits are not cut


def shown(value: Any) -> str:
    """A value as a sentence can show it: short, and on one line."""
    return ' '.join(_REPR.repr(value).split())


def is_integer(value: Any) -> bool:
    """Whether a value is an integer of Python or NumPy, and no truth value."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def layout_of(clip: dict) -> Optional[Layout]:
    """The joints and coordinates of a clip, None if it does not tell."""
    points = clip.get('keypoint')
    if not isinstance(points, np.ndarray) or points.ndim != 4:
        return None
    return Layout.of(clip)


def common_layout(clips: Iterable[dict]) -> Optional[Layout]:
    """The layout of most clips, the first of equals; None if none tells."""
    counts = Counter(map(layout_of, clips))
    counts.pop(None, None)
    return max(counts, key=counts.get, default=None)


def find_faults(clip: dict,
                layout: Optional[Layout] = None,
                num_classes: Optional[int] = None,
                multi_class: bool = False,
                need_label: bool = False,
                need_points: bool = True) -> Iterator[Fault]:
    """Finds what is wrong with a clip that has a name.

    Args:
        clip (dict): The annotation, as :class:`mmaction.datasets.PoseDataset`
            takes it. One with ``frame_inds`` is in the compressed form that
            ``DecompressPose`` takes.
        layout (Layout, optional): The joints and coordinates that the clip
            must have. Defaults to None, any.
        num_classes (int, optional): The number of classes. Defaults to None,
            any.
        multi_class (bool): Whether a clip has a list of labels. Defaults to
            False.
        need_label (bool): Whether a clip must have a label. Defaults to
            False.
        need_points (bool): Whether a clip must have key points; those of some
            data sets are in files of their own. Defaults to True.

    Yields:
        Fault: One fault after the other.
    """
    yield from label_faults(clip, num_classes, multi_class, need_label)
    if 'keypoint' not in clip:
        if need_points:
            yield Fault('no keypoint', 'has no keypoint')
        return
    fault = shape_fault(clip['keypoint'], 'frame_inds' in clip)
    if fault is not None:
        yield fault  # which makes no sense of the others
        return
    yield from layout_faults(layout_of(clip), layout)
    yield from length_faults(clip)
    yield from value_faults(clip['keypoint'])
    yield from score_faults(clip)
    # The toolbox takes its default for a size of 2-D clips that is not there.
    if 'img_shape' in clip and (clip['img_shape'] is not None
                                or clip['keypoint'].shape[-1] == 2):
        try:
            checked_img_shape(clip['img_shape'])
        except ValueError:
            yield Fault('wrong img_shape', 'has img_shape '
                        f'{shown(clip["img_shape"])}, which is not a height '
                        'and a width in pixels')


def label_faults(clip: dict, num_classes: Optional[int], multi_class: bool,
                 need_label: bool) -> Iterator[Fault]:
    """Yields what is wrong with the label or the labels."""
    label = clip.get('label')
    if label is None:
        if need_label:
            yield Fault('no label', 'has no label')
        return
    several = multi_class and isinstance(label, (list, tuple, np.ndarray))
    for one in label if several else [label]:
        if not is_integer(one):
            yield Fault('label is no integer',
                        f'has label {shown(label)}, which is not an integer')
            return
        if one < 0:
            yield Fault('negative label', f'has label {one}, but labels start '
                                          'at 0')
        elif num_classes is not None and one >= num_classes:
            yield Fault('label beyond num_classes',
                        f'has label {one}, but there are {num_classes} '
                        f'classes, 0 to {num_classes - 1}')


def shape_fault(points: Any, compressed: bool) -> Optional[Fault]:
    """What is wrong with type, dtype and shape of key points, if anything."""
    if not isinstance(points, np.ndarray):
        return Fault('keypoint is no array', 'has a keypoint of type '
                     f'{type(points).__name__}, not a NumPy array')
    if points.dtype.kind not in 'fiu':
        return Fault('keypoint of wrong dtype', 'has a keypoint of dtype '
                     f'{points.dtype}, not of numbers')
    axes = 'KVC' if compressed else 'MTVC'
    if points.ndim != len(axes):
        return Fault('keypoint of wrong rank', 'has a keypoint of shape '
                     f'{points.shape}, not ({", ".join(axes)})')
    if 0 in points.shape:
        name = AXES[axes[points.shape.index(0)]]
        return Fault(f'no {name}', f'has no {name}: its keypoint is of shape '
                                   f'{points.shape}')
    if points.shape[-1] not in (2, 3):
        return Fault('wrong coordinates', f'has {points.shape[-1]} '
                     'coordinates per joint, not 2 or 3')
    if points.shape[-1] == 2 and points.dtype.kind != 'f':
        # The toolbox's PreNormalize2D scales them to [-1, 1] in place.
        return Fault('2-D key points of integers', 'has 2-D key points of '
                     f'dtype {points.dtype}, which the toolbox would round to '
                     '-1, 0 and 1: store them as floats')
    return None


def layout_faults(own: Optional[Layout],
                  layout: Optional[Layout]) -> Iterator[Fault]:
    """Yields in what a layout differs from the one it should be."""
    if own is None or layout is None or own == layout:
        return
    if own.joints != layout.joints:
        yield Fault('other joints', f'has {own.joints} joints, not '
                                    f'{layout.joints}')
    else:
        yield Fault('other coordinates', f'has {own}, not {layout}')


def length_faults(clip: dict) -> Iterator[Fault]:
    """Yields which counts of frames are not those of the key points."""
    points, frames = clip['keypoint'], clip.get('total_frames')
    if frames is not None and not is_integer(frames):
        yield Fault('wrong total_frames',
                    f'has total_frames {shown(frames)}, not an integer')
    elif 'frame_inds' not in clip:
        if frames is not None and frames != points.shape[1]:
            yield Fault('wrong total_frames', f'has total_frames {frames}, '
                        f'but {points.shape[1]} frames of key points')
    elif getattr(clip['frame_inds'], 'shape', None) != points.shape[:1]:
        yield Fault('wrong frame_inds', 'has frame_inds that are not an array '
                                        f'of {len(points)}, one per pose')


def value_faults(points: np.ndarray) -> Iterator[Fault]:
    """Yields whether key points are NaN, infinite or all zero."""
    if not np.isfinite(points).all():
        # By frame (T), or by pose in the compressed form (K).
        unit, axes = (('frame', (0, 2, 3)) if points.ndim == 4 else
                      ('pose', (1, 2)))
        for kind, test in (('NaN', np.isnan), ('infinite', np.isinf)):
            bad = test(points).any(axes)
            if bad.any():
                yield Fault(f'{kind} key points', f'has {kind} key points in '
                            f'{bad.sum()} of {len(bad)} {unit}s, the first '
                            f'being {unit} {bad.argmax()}')
    # The first values tell most clips from an empty one.
    elif not points[0, 0].any() and not points.any():
        yield Fault('all-zero key points', 'has key points that are all zero')


def score_faults(clip: dict) -> Iterator[Fault]:
    """Yields what is wrong with the scores of key points, if there are any."""
    if 'keypoint_score' not in clip:
        return
    score, shape = clip['keypoint_score'], clip['keypoint'].shape
    if not isinstance(score, np.ndarray) or score.dtype.kind not in 'fiu':
        yield Fault('wrong keypoint_score', 'has a keypoint_score that is not '
                                            'a NumPy array of numbers')
    elif score.shape != shape[:-1]:
        yield Fault('wrong keypoint_score', 'has a keypoint_score of shape '
                    f'{score.shape}, which does not fit the keypoint of shape '
                    f'{shape}')
    elif not np.isfinite(score).all():
        yield Fault('keypoint_score not finite',
                    'has NaN or infinite values in its keypoint_score')
