"""Checks of one annotated clip: pure functions.

Shape legend: M person, T frame, V joint, C coordinate, K pose.
"""
import reprlib
from collections import Counter
from typing import (
    Any,
    Dict,
    Iterable,
    Iterator,
    NamedTuple,
    Optional,
    Protocol,
    Tuple,
    runtime_checkable,
)

import numpy as np

AXES = dict(M='persons', T='frames', V='joints', C='coordinates', K='poses')


class Problem(NamedTuple):
    """One reason why a clip is invalid.

    Args:
        kind: Short name of the problem, the same for every clip.
        text: Predicate of a sentence whose subject is the clip.
    """
    kind: str
    text: str


_REPR = reprlib.Repr()
_REPR.maxstring = 80  # names of clips and splits are not cut


def shown(value: Any) -> str:
    """Formats a value for a message: short, and on one line."""
    return ' '.join(_REPR.repr(value).split())


def is_integer(value: Any) -> bool:
    """Whether a value is a Python or NumPy integer, but not a bool."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def is_unlabeled(label: Any) -> bool:
    """Whether a label is that of an unlabelled clip: None or -1."""
    return label is None or (is_integer(label) and label == -1)


class Layout(NamedTuple):
    """Joints and coordinates, which all clips of a dataset must share."""
    joints: int
    coordinates: int
    scores: bool

    @classmethod
    def of(cls, annotation: Dict[str, Any]) -> 'Layout':
        """The layout of an annotation."""
        joints, coordinates = annotation['keypoint'].shape[2:]
        return cls(joints, coordinates, 'keypoint_score' in annotation)

    def __str__(self) -> str:
        return (f'{self.joints} joints of {self.coordinates} coordinates '
                f'{"with scores" if self.scores else "without scores"}')


def layout_of(clip: Dict[str, Any]) -> Optional[Layout]:
    """The layout of a clip; None if its ``keypoint`` is not (M, T, V, C)."""
    points = clip.get('keypoint')
    if not isinstance(points, np.ndarray) or points.ndim != 4:
        return None
    return Layout.of(clip)


@runtime_checkable
class HasLayout(Protocol):
    """Clips that know their most frequent layout."""

    def common_layout(self) -> Optional[Layout]:
        """The most frequent layout, the first in a tie; None without any."""


def common_layout(clips: Iterable[Dict[str, Any]]) -> Optional[Layout]:
    """The most frequent layout, the first in a tie; None without any."""
    if isinstance(clips, HasLayout):  # without reading them
        return clips.common_layout()
    counts = Counter(filter(None, map(layout_of, clips)))
    return max(counts, key=counts.__getitem__, default=None)


def find_problems(clip: Dict[str, Any],
                  layout: Optional[Layout] = None,
                  num_classes: Optional[int] = None,
                  multi_class: bool = False,
                  need_label: bool = False,
                  need_points: bool = True) -> Iterator[Problem]:
    """Finds the problems of a clip that has a name.

    Args:
        clip (dict): The annotation, as :class:`mmaction.datasets.PoseDataset`
            reads it. One with ``frame_inds`` is in the compressed form that
            ``DecompressPose`` reads.
        layout (Layout, optional): The joints and coordinates that the clip
            must have. Defaults to None, any.
        num_classes (int, optional): The number of classes. Defaults to None,
            any.
        multi_class (bool): Whether a clip has a list of labels. Defaults to
            False.
        need_label (bool): Whether a clip must have a label, other than None
            or -1. Defaults to False.
        need_points (bool): Whether a clip must have key points; some datasets
            store them in one file per clip. Defaults to True.

    Yields:
        Problem: Each problem found.
    """
    yield from label_problems(clip, num_classes, multi_class, need_label)
    if 'keypoint' not in clip:
        if need_points:
            yield Problem('no keypoint', 'has no keypoint')
        return
    problem = shape_problem(clip['keypoint'], 'frame_inds' in clip)
    if problem is not None:
        yield problem  # the remaining checks need a valid shape
        return
    yield from layout_problems(layout_of(clip), layout)
    yield from length_problems(clip)
    yield from value_problems(clip['keypoint'])
    yield from score_problems(clip)
    # The toolbox has a default for a missing img_shape of 2-D clips.
    if 'img_shape' in clip and (clip['img_shape'] is not None
                                or clip['keypoint'].shape[-1] == 2):
        try:
            checked_img_shape(clip['img_shape'])
        except ValueError as error:
            yield Problem('wrong img_shape', str(error))


def label_problems(clip: Dict[str, Any], num_classes: Optional[int],
                   multi_class: bool, need_label: bool) -> Iterator[Problem]:
    """Yields the problems of the label or labels."""
    label = clip.get('label')
    if label is None or is_unlabeled(label):
        if need_label:
            found = '' if label is None else f' (label {label})'
            yield Problem(
                'no label', f'has no label{found}, which need_label=True '
                'refuses; with need_label=False SemiSupervisedDataset takes '
                'it as unlabelled')
        return
    several = multi_class and (isinstance(label, (list, tuple)) or isinstance(
        label, np.ndarray) and label.ndim > 0)
    for one in label if several else [label]:
        if not is_integer(one):
            yield Problem('label not an integer',
                          f'has label {shown(label)}, which is not an integer')
            return
        if one < 0:
            yield Problem('negative label', f'has label {one}, but labels '
                          'start at 0; -1 alone, or no label, is for '
                          'unlabelled clips')
        elif num_classes is not None and one >= num_classes:
            yield Problem('label beyond num_classes',
                          f'has label {one}, but there are {num_classes} '
                          f'classes, 0 to {num_classes - 1}')


def shape_problem(points: Any, compressed: bool) -> Optional[Problem]:
    """The problem with type, dtype or shape of key points, if any."""
    if not isinstance(points, np.ndarray):
        return Problem('keypoint not an array', 'has a keypoint of type '
                       f'{type(points).__name__}, not a NumPy array')
    if points.dtype.kind not in 'fiu':
        return Problem('keypoint of wrong dtype', 'has a keypoint of dtype '
                       f'{points.dtype}, not of numbers')
    axes = 'KVC' if compressed else 'MTVC'
    if points.ndim != len(axes):
        return Problem('keypoint of wrong rank', 'has a keypoint of shape '
                       f'{points.shape}, not ({", ".join(axes)})')
    if 0 in points.shape:
        name = AXES[axes[points.shape.index(0)]]
        return Problem(f'no {name}', f'has no {name}: its keypoint is of '
                                   f'shape {points.shape}')
    if points.shape[-1] not in (2, 3):
        return Problem('wrong coordinates', f'has {points.shape[-1]} '
                       'coordinates per joint, not 2 or 3')
    if points.shape[-1] == 2 and points.dtype.kind != 'f':
        # The toolbox's PreNormalize2D scales them to [-1, 1] in place.
        return Problem('2-D key points of integers', 'has 2-D key points of '
                     f'dtype {points.dtype}, which the toolbox would round to '
                       '-1, 0 and 1: store them as floats')
    return None


def layout_problems(own: Optional[Layout],
                    layout: Optional[Layout]) -> Iterator[Problem]:
    """Yields the difference of a layout from the expected one."""
    if own is None or layout is None or own == layout:
        return
    if own.joints != layout.joints:
        yield Problem('other joints', f'has {own.joints} joints, not '
                                    f'{layout.joints}')
    else:
        yield Problem('other coordinates', f'has {own}, not {layout}')


def length_problems(clip: Dict[str, Any]) -> Iterator[Problem]:
    """Yields frame counts that differ from that of the key points."""
    points, frames = clip['keypoint'], clip.get('total_frames')
    if frames is not None and not is_integer(frames):
        yield Problem('wrong total_frames',
                      f'has total_frames {shown(frames)}, not an integer')
    elif 'frame_inds' not in clip:
        if frames is not None and frames != points.shape[1]:
            yield Problem('wrong total_frames', f'has total_frames {frames}, '
                          f'but {points.shape[1]} frames of key points')
    elif getattr(clip['frame_inds'], 'shape', None) != points.shape[:1]:
        yield Problem('wrong frame_inds', 'has frame_inds that are not an '
                      f'array of {len(points)}, one per pose')


def value_problems(points: np.ndarray) -> Iterator[Problem]:
    """Yields whether key points are NaN, infinite or all zero."""
    if not np.isfinite(points).all():
        # By frame (T), or by pose in the compressed form (K).
        unit, axes = (('frame', (0, 2, 3)) if points.ndim == 4 else
                      ('pose', (1, 2)))
        for kind, test in (('NaN', np.isnan), ('infinite', np.isinf)):
            bad = test(points).any(axes)
            if bad.any():
                yield Problem(f'{kind} key points', f'has {kind} key points '
                            f'in {bad.sum()} of {len(bad)} {unit}s, the first '
                              f'being {unit} {bad.argmax()}')
    # The first pose of most clips is enough to rule out zeros.
    elif not points[0, 0].any() and not points.any():
        yield Problem('all-zero key points',
                      'has key points that are all zero')


def score_problems(clip: Dict[str, Any]) -> Iterator[Problem]:
    """Yields the problems of the scores of key points, if present."""
    if 'keypoint_score' not in clip:
        return
    score, shape = clip['keypoint_score'], clip['keypoint'].shape
    if not isinstance(score, np.ndarray) or score.dtype.kind not in 'fiu':
        yield Problem('wrong keypoint_score', 'has a keypoint_score that is '
                                            'not a NumPy array of numbers')
    elif score.shape != shape[:-1]:
        yield Problem('wrong keypoint_score', 'has a keypoint_score of shape '
                    f'{score.shape}, which does not fit the keypoint of shape '
                      f'{shape}')
    elif not np.isfinite(score).all():
        yield Problem('keypoint_score not finite',
                      'has NaN or infinite values in its keypoint_score')


def checked_img_shape(value: Any) -> Tuple[int, int]:
    """Returns height and width as a pair of integers.

    Raises:
        ValueError: If they are not; the message is the predicate of a
            sentence about the clip.
    """
    try:
        height, width = (int(side) for side in value)
    except (TypeError, ValueError, OverflowError):
        height = width = 0
    if min(height, width) < 1:
        raise ValueError(f'has img_shape {shown(value)}, which is not a '
                         'height and a width in pixels')
    return height, width
