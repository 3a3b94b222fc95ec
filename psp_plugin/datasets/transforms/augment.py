"""Base class of the augmentations of skeleton clips.

They belong between the normalisation, whose origin and axes they use, and
``GenSkeFeat``, so that motion stays the difference of the joints. Random
numbers come from NumPy's global state, which MMEngine seeds in every worker.

Shape legend: M person, T frame, V joint, C coordinate (2 or 3).
"""
import inspect
from abc import abstractmethod
from numbers import Integral, Real
from typing import Dict, Optional, Sequence, Tuple, Union

import numpy as np
from mmcv.transforms import BaseTransform

from psp_plugin.errors import InputError
from psp_plugin.skeletons import SkeletonPyramid

Score = Optional[np.ndarray]


class PoseAugmentation(BaseTransform):
    """Augments a clip with a probability; subclasses define how.

    A joint whose coordinates are all zero is absent and stays zero. The input
    arrays are not modified.

    Args:
        prob (float): Probability that a clip is changed.

    Raises:
        InputError: If ``prob`` is not a number from 0 to 1.
    """

    def __init__(self, prob: float) -> None:
        self.prob = self.checked_number('prob', prob, 0, 1)

    @abstractmethod
    def augment(self, keypoint: np.ndarray,
                score: Score) -> Tuple[np.ndarray, Score]:
        """Returns a changed keypoint (M, T, V, C) and score (M, T, V)."""

    def check_clip(self, num_joints: int, num_axes: int) -> None:
        """Raises InputError if a clip of V joints and C axes does not fit."""

    def transform(self, results: Dict) -> Dict:
        """Augments the clip with probability ``prob``.

        Args:
            results (dict): ``keypoint`` (M, T, V, C), of a floating dtype,
                and ``keypoint_score`` (M, T, V), optional.

        Returns:
            dict: The same dict with arrays of the same dtypes.

        Raises:
            InputError: If the arrays have other shapes or dtypes, or the clip
                does not fit the arguments.
        """
        keypoint, score = self._checked_arrays(results)
        self.check_clip(*keypoint.shape[2:])
        if np.random.random() < self.prob:
            keypoint, score = self.augment(keypoint, score)
            results['keypoint'] = keypoint
            if score is not None:
                results['keypoint_score'] = score
        return results

    def _checked_arrays(self, results: Dict) -> Tuple[np.ndarray, Score]:
        keypoint = results['keypoint']
        score = results.get('keypoint_score')
        name = type(self).__name__
        if keypoint.ndim != 4 or keypoint.shape[3] not in (2, 3):
            raise InputError(
                f'{name} needs a keypoint of shape (M, T, V, 2) or '
                f'(M, T, V, 3), not {keypoint.shape}: it must come before '
                'GenSkeFeat')
        if not keypoint.size or keypoint.dtype.kind != 'f':
            raise InputError(
                f'{name} needs a keypoint of floating-point numbers, not '
                f'{keypoint.dtype} of shape {keypoint.shape}')
        if score is not None and score.shape != keypoint.shape[:3]:
            raise InputError(
                f'{name} needs a keypoint_score of shape '
                f'{keypoint.shape[:3]}, like keypoint, not {score.shape}')
        return keypoint, score

    def checked_number(self, name: str, value: float, low: float,
                       high: float = np.inf) -> float:
        """Returns the argument, if it is a number from ``low`` to ``high``.

        Raises:
            InputError: If it is not.
        """
        if (isinstance(value, bool) or not isinstance(value, Real)
                or not low <= value <= high or value == np.inf):
            limits = (f'from {low} to {high}' if high < np.inf
                      else f'of at least {low}')
            raise InputError(f'{type(self).__name__} needs a number {limits} '
                             f'for {name}, not {value!r}')
        return value

    def checked_integer(self, name: str, value: int, low: int,
                        high: float = np.inf) -> int:
        """Returns the argument, if it is an integer within the limits.

        Raises:
            InputError: If it is not.
        """
        if not isinstance(value, Integral):
            raise InputError(f'{type(self).__name__} needs an integer for '
                             f'{name}, not {value!r}')
        return self.checked_number(name, value, low, high)

    def checked_range(self, name: str, value: Union[float, Sequence[float]],
                      low: float, high: float = np.inf) -> Tuple[float, float]:
        """Returns the argument, a number or a (low, high) pair, as a pair.

        Raises:
            InputError: If it is neither, or outside the limits.
        """
        ends = (value, value) if isinstance(value, Real) else value
        if (not isinstance(ends, (tuple, list)) or len(ends) != 2
                or not all(isinstance(end, Real) for end in ends)
                or ends[0] > ends[1]):
            raise InputError(f'{type(self).__name__} needs a number, or a '
                             f'minimum and a maximum, for {name}, not '
                             f'{value!r}')
        return tuple(self.checked_number(name, end, low, high)
                     for end in ends)

    def check_layout(self, pyramid: SkeletonPyramid, num_joints: int) -> None:
        """Raises InputError unless the clip has the joints of the layout."""
        if pyramid.num_joints != num_joints:
            raise InputError(
                f'{type(self).__name__} has layout {pyramid.name!r} of '
                f'{pyramid.num_joints} joints, but the clip has {num_joints}: '
                "set the clip's layout")

    def __repr__(self) -> str:
        names = inspect.signature(type(self)).parameters
        arguments = ', '.join(f'{n}={getattr(self, n)!r}' for n in names)
        return f'{type(self).__name__}({arguments})'


def find_present(keypoint: np.ndarray) -> np.ndarray:
    """Finds the joints that are present: those with a nonzero coordinate.

    Args:
        keypoint (np.ndarray): (M, T, V, C).

    Returns:
        np.ndarray: (M, T, V), bool.
    """
    nonzero = keypoint != 0
    present = nonzero[..., 0]
    for axis in range(1, keypoint.shape[-1]):  # faster than any(-1)
        present = present | nonzero[..., axis]
    return present


def over_axes(values: np.ndarray, num_axes: int) -> np.ndarray:
    """Repeats (M, T, V) over the coordinates to (M, T, V, C).

    A product with the result takes half the time of broadcasting a last axis
    of length one.
    """
    return values.repeat(num_axes).reshape(*values.shape, num_axes)


def at_least_single(dtype: np.dtype) -> np.dtype:
    """Returns the dtype for computation: float64 for float64, else float32."""
    return np.promote_types(dtype, np.float32)
