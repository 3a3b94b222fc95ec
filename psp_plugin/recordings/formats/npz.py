"""Readers of ``.npz`` files: many clips of NTU RGB+D, or one clip.

Shape legend: N clip, M person, T frame, V joint, C coordinate, K class.
"""
from typing import Any, Dict, List, Optional, Sequence, Union

import numpy as np

from ..recording import Format, InvalidRecording, Recording

_JOINTS = 25
_POINTS = ('keypoint', 'keypoints')
_SCORES = ('keypoint_score', 'keypoint_scores', 'scores')
_LABELS = ('label', 'labels')
_EXTRAS = (*_SCORES, *_LABELS, 'img_shape', 'fps', 'frame_dir',
           'total_frames')


def is_ntu(content: Any) -> bool:
    """Whether arrays have the names of CTR-GCN's files of NTU RGB+D."""
    return isinstance(content, dict) and any(
        np.ndim(content[f'x_{split}']) == 3
        and np.shape(content[f'x_{split}'])[2] % (_JOINTS * 3) == 0
        for split in splits(content))


def splits(content: Dict[str, Any]) -> List[str]:
    """Returns S of all arrays that are named ``x_S``."""
    return [key[2:] for key in content if str(key).startswith('x_')]


def read_ntu(content: Dict[str, Any]) -> List[Recording]:
    """Reads the clips of a file such as CTR-GCN's ``NTU60_CS.npz``.

    A clip's name is its split and its number, such as ``train_000000``. The
    frames of zeros that fill each clip at its end are cut off.

    Source: the data preparation of CTR-GCN: a line of ``x_train`` is M, V, C
    of one frame.

    Args:
        content (dict): For a split such as train: ``x_train``
            (N, T, M * 25 * 3) and optionally ``y_train``, classes (N,) or
            one-hot (N, K).

    Returns:
        list[Recording]: Views of the arrays, of layout ``'nturgb+d'``.

    Raises:
        InvalidRecording: If shapes or labels do not fit.
    """
    return [recording for split in splits(content)
            for recording in read_split(content, split)]


def read_split(content: Dict[str, Any], split: str) -> List[Recording]:
    """Reads the clips of one split."""
    clips = real(content, f'x_{split}')
    width = _JOINTS * 3
    if clips.ndim != 3 or clips.shape[2] % width or not clips.size:
        raise InvalidRecording(
            f'has "x_{split}" of shape {clips.shape}, not clips, frames and '
            f'a multiple of {width} numbers')
    labels = read_classes(content, split, len(clips))
    recordings = []
    for number, (clip, label) in enumerate(zip(clips, labels)):
        used = np.flatnonzero(clip.any(1))
        points = clip[:used[-1] + 1 if len(used) else None].reshape(
            -1, clips.shape[2] // width, _JOINTS, 3)
        recordings.append(Recording(
            points=points.transpose(1, 0, 2, 3), label=label,
            name=f'{split}_{number:06d}', layout='nturgb+d'))
    return recordings


def read_classes(content: Dict[str, Any], split: str,
                 count: int) -> Sequence[Optional[int]]:
    """Reads the classes of a split, None for clips without one."""
    key = f'y_{split}'
    if key not in content:
        return [None] * count
    labels = real(content, key)
    if labels.ndim not in (1, 2) or len(labels) != count:
        raise InvalidRecording(
            f'has "{key}" of shape {labels.shape}, not the classes of '
            f'{count} clips')
    if labels.ndim == 2:
        if not np.isin(labels, (0, 1)).all() or (labels.sum(1) > 1).any():
            raise InvalidRecording(
                f'has "{key}" that is neither classes nor one-hot')
        labels = np.where(labels.any(1), labels.argmax(1), -1)
    if not (labels == np.floor(labels)).all():
        raise InvalidRecording(f'has "{key}" that is not made of integers')
    return [None if label < 0 else int(label) for label in labels]


def is_archive(content: Any) -> bool:
    """Whether a content is a dict of arrays, of whatever names."""
    return isinstance(content, dict)


def points_key(content: Dict[str, Any]) -> Optional[str]:
    """Returns the name of the array of key points.

    It is certain if an array has the name of key points, or if only one has
    no other known name; else None is returned.
    """
    others = [key for key in content if key not in _EXTRAS]
    named = [key for key in _POINTS if key in content]
    if len(named) == 1:
        return named[0]
    if not named and len(others) == 1 and np.ndim(content[others[0]]) > 2:
        return str(others[0])
    return None


def read_clip(content: Dict[str, Any]) -> List[Recording]:
    """Reads one clip: key points and optionally scores, class and others.

    Args:
        content (dict): ``keypoint`` or ``keypoints``, or an array of any
            name that is alone, (T, V, C) or (M, T, V, C); optionally
            ``keypoint_score``, ``keypoint_scores`` or ``scores``, like the
            key points without C; ``label`` or ``labels``, an integer or
            name; ``img_shape`` (h, w); ``fps``.

    Returns:
        list[Recording]: One.

    Raises:
        InvalidRecording: If it is not certain which array has the key points,
            if there are two arrays for the same, or if one is not as
            described.
    """
    key = points_key(content)
    if key is None:
        raise refusal(content)
    used = {key, *_EXTRAS}
    ignored = sorted(str(name) for name in content if name not in used)
    scores, fps = only(content, _SCORES), only(content, ('fps', ))
    img_shape = only(content, ('img_shape', ))
    return [Recording(
        points=real(content, key),
        scores=None if scores is None else real(content, scores),
        order_known=key in _POINTS,
        label=read_label(content), fps=read_fps(content, fps),
        img_shape=None if img_shape is None else real(
            content, img_shape).tolist(),
        notes=[f'has arrays that are not used: {", ".join(ignored)}']
        if ignored else [])]


def only(content: Dict[str, Any], names: Sequence[str]) -> Optional[str]:
    """Returns the only one of some names that is there, if one is."""
    found = [name for name in names if name in content]
    if len(found) > 1:
        raise InvalidRecording(
            f'has {" and ".join(map(repr, found))}: keep one of them')
    return found[0] if found else None


def real(content: Dict[str, Any], key: str) -> np.ndarray:
    """Returns an array, which must be of integers or floats."""
    array = np.asarray(content[key])
    if array.dtype.kind not in 'iuf':
        raise InvalidRecording(
            f'has "{key}" of {array.dtype}, which are not numbers')
    return array


def read_label(content: Dict[str, Any]) -> Union[int, str, None]:
    """Reads the class of a clip."""
    key = only(content, _LABELS)
    if key is None:
        return None
    array = np.asarray(content[key])
    if array.size != 1 or array.dtype.kind not in 'iuU':
        raise InvalidRecording(
            f'has "{key}" of {array.dtype} of shape {array.shape}, which is '
            'not one integer or name')
    label: Union[int, str] = array.item()
    return label


def read_fps(content: Dict[str, Any], key: Optional[str]) -> Optional[float]:
    """Reads the frames per second of a clip."""
    if key is None:
        return None
    array = real(content, key)
    if array.size != 1 or not 0 < array.item() < np.inf:
        raise InvalidRecording('has "fps" that is not a positive number')
    return float(array.item())


def refusal(content: Dict[str, Any]) -> InvalidRecording:
    """Returns the error for arrays of which none is certain."""
    shapes = ', '.join(f'{key} {np.shape(array)}'
                       for key, array in list(content.items())[:8])
    return InvalidRecording(
        f'has the arrays {shapes or "of none"}: name the key points '
        '"keypoint" and leave out what is not of the clip, or save them '
        'alone')


FORMATS = (
    Format('NTU RGB+D of CTR-GCN', ('.npz', ), is_ntu, read_ntu),
    Format('NumPy archive', ('.npz', ), is_archive, read_clip),
)
