"""Checks of recordings of any format.

Shape legend: M person, T frame, V joint, C coordinate.
"""
from typing import Any, Dict, Optional, Tuple

import numpy as np

from psp_plugin.annotations import checked_img_shape

from .recording import InvalidRecording

AXES = ('person', 'frame', 'joint', 'coordinate')


def make_annotation(name: str,
                    points: np.ndarray,
                    scores: Optional[np.ndarray] = None,
                    img_shape: Any = None,
                    scored: bool = False) -> Dict[str, Any]:
    """Makes a toolbox annotation without a label from valid arrays.

    Persons who are zero in all frames are padding and are dropped.

    Args:
        name (str): Becomes ``frame_dir``.
        points (np.ndarray): (T, V, C) or (M, T, V, C), C being 2 or 3.
        scores (np.ndarray, optional): (T, V) or (M, T, V), like ``points``.
        img_shape (optional): Height and width of the image in pixels.
        scored (bool): Whether the third channel of ``points`` is a score.
            Defaults to False.

    Returns:
        dict: ``frame_dir``, ``keypoint`` (M, T, V, C) float32,
        ``total_frames`` and, where given, ``keypoint_score`` (M, T, V)
        float32 and ``img_shape``.

    Raises:
        InvalidRecording: If shapes or values are invalid.
    """
    check_shape(points)
    if scored:
        points, scores = split_scores(points, scores)
    if scores is not None and scores.shape != points.shape[:-1]:
        raise InvalidRecording(
            f'has scores of shape {scores.shape}, which do not fit '
            f'key points of shape {points.shape}')
    points = finite('coordinates', points)
    seen = points.any((1, 2, 3))
    if not seen.any():
        raise InvalidRecording('has only zeros')
    annotation = dict(frame_dir=name, keypoint=points[seen],
                      total_frames=points.shape[1])
    if scores is not None:
        scores = finite('scores', scores[..., None])[..., 0]
        annotation['keypoint_score'] = scores[seen]
    if img_shape is not None:
        try:
            annotation['img_shape'] = checked_img_shape(img_shape)
        except ValueError as error:
            raise InvalidRecording(str(error)) from error
    return annotation


def check_shape(points: np.ndarray) -> None:
    """Raises InvalidRecording unless the shape is that of key points."""
    shape = points.shape
    axes = AXES if len(shape) == 4 else AXES[1:]
    if 0 in shape[:4]:
        raise InvalidRecording(
            f'has no {axes[min(shape.index(0), len(axes) - 1)]}s')
    if len(shape) not in (3, 4):
        raise InvalidRecording(
            f'has key points of shape {shape}, not (T, V, C) or '
            '(M, T, V, C)')
    if shape[-1] not in (2, 3):
        hint = ' (an array laid out C, T, V, M must be transposed)' \
            if shape[0] in (2, 3) else ''
        raise InvalidRecording(
            f'has {shape[-1]} coordinates per joint, not 2 or 3'
            f'{hint}')


def split_scores(
        points: np.ndarray,
        scores: Optional[np.ndarray]) -> Tuple[np.ndarray, np.ndarray]:
    """Splits the third channel off as the score of 2-D key points."""
    if points.shape[-1] == 2 and scores is not None:
        return points, scores
    if scores is not None:
        raise InvalidRecording(
            'has scores in addition to key points of 3 channels, whose '
            'third should be the score (--scored)')
    if points.shape[-1] == 2:
        raise InvalidRecording(
            'has 2 channels, neither of which can be the score '
            '(--scored)')
    return points[..., :2], points[..., 2]


def finite(what: str, values: np.ndarray) -> np.ndarray:
    """Returns the values as (M, T, V, C) float32, if all are finite."""
    with np.errstate(over='ignore'):  # too large becomes infinite
        values = values.astype(np.float32)
    values = values if values.ndim == 4 else values[None]
    bad = ~np.isfinite(values).all((0, 2, 3))
    if bad.any():
        raise InvalidRecording(f'has NaN or infinite {what} in {bad.sum()} of '
                               f'{len(bad)} frames, the first being frame '
                               f'{bad.argmax()}')
    return values
