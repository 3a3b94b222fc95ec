"""Rotations, shears and scales: one random matrix per clip.

A matrix commutes with the difference of frames and keeps zeros. Its fixed
point is the origin set by the normalisation.

Shape legend: M person, T frame, V joint, C coordinate (2 or 3).
"""
from abc import abstractmethod
from math import cos, sin
from numbers import Real
from typing import Sequence, Tuple, Union

import numpy as np
from mmaction.registry import TRANSFORMS

from psp_plugin.errors import InputError

from .augment import PoseAugmentation, Score, at_least_single


class MatrixAugmentation(PoseAugmentation):
    """Multiplies all joints of a clip by one random matrix."""

    @abstractmethod
    def draw_matrix(self, num_axes: int) -> np.ndarray:
        """Samples a matrix (C, C) for column vectors."""

    def augment(self, keypoint: np.ndarray,
                score: Score) -> Tuple[np.ndarray, Score]:
        num_axes = keypoint.shape[-1]
        dtype = at_least_single(keypoint.dtype)
        matrix = self.draw_matrix(num_axes).astype(dtype)
        flat = keypoint.reshape(-1, num_axes).astype(dtype, copy=False)
        product = np.dot(flat, matrix.T).astype(keypoint.dtype, copy=False)
        return product.reshape(keypoint.shape), score


@TRANSFORMS.register_module()
class RandomRotatePose(MatrixAugmentation):
    """Rotates a clip by angles sampled from U(-angle, angle).

    Source: CTR-GCN, 0.3 rad about each axis on NTU, 60 degrees on NW-UCLA.
    Departures: a separate limit for each axis; 2D clips are supported.

    Args:
        angles (Sequence[float] or float): Maximum angles in radians. Three
            for 3D clips: about x, then y, then z, the axes of the clip; after
            ``NormalizeSkeleton3D`` z is vertical. One number for 2D clips.
            Defaults to ``(0.3, 0.3, 0.3)``.
        prob (float): Probability that a clip is rotated. Defaults to 1.

    Raises:
        InputError: If an angle is negative, or their number is not 1 or 3.
    """

    def __init__(self, angles: Union[Sequence[float], float] = (0.3, 0.3, 0.3),
                 prob: float = 1.) -> None:
        super().__init__(prob)
        self._angles = (angles, ) if isinstance(angles, Real) else angles
        if (not isinstance(self._angles, (tuple, list))
                or len(self._angles) not in (1, 3)):
            raise InputError(
                'RandomRotatePose needs three angles (3D clips) or one number '
                f'(2D clips) for angles, not {angles!r}')
        for angle in self._angles:
            self.checked_number('angles', angle, 0)
        self.angles = angles

    def check_clip(self, num_joints: int, num_axes: int) -> None:
        expected = 1 if num_axes == 2 else 3
        if len(self._angles) != expected:
            raise InputError(
                f'RandomRotatePose needs {expected} angle(s) for a clip with '
                f'{num_axes} coordinates, not angles={self.angles!r}')

    def draw_matrix(self, num_axes: int) -> np.ndarray:
        angles = [np.random.uniform(-angle, angle) for angle in self._angles]
        if num_axes == 2:
            return plane_rotation(angles[0])
        return axis_rotations(*angles)


def plane_rotation(angle: float) -> np.ndarray:
    """Returns the rotation (2, 2) by an angle in radians, from x to y."""
    return np.array([[cos(angle), -sin(angle)], [sin(angle), cos(angle)]])


def axis_rotations(x: float, y: float, z: float) -> np.ndarray:
    """Returns the rotation (3, 3) about x, then y, then z, in radians."""
    about_x = np.array(
        [[1, 0, 0], [0, cos(x), -sin(x)], [0, sin(x), cos(x)]])
    about_y = np.array(
        [[cos(y), 0, sin(y)], [0, 1, 0], [-sin(y), 0, cos(y)]])
    about_z = np.array(
        [[cos(z), -sin(z), 0], [sin(z), cos(z), 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


@TRANSFORMS.register_module()
class RandomShearPose(MatrixAugmentation):
    """Adds to each coordinate multiples of the others.

    The factors, six in 3D and two in 2D, are sampled from
    U(-factor, factor).

    Source: AS-CAL (factor 1), SkeletonCLR and CrosSCLR (factor 0.5).
    Departures: 2D clips are supported.

    Args:
        factor (float): Maximum factor. Defaults to 0.5.
        prob (float): Probability that a clip is sheared. Defaults to 1.

    Raises:
        InputError: If ``factor`` is negative.
    """

    def __init__(self, factor: float = 0.5, prob: float = 1.) -> None:
        super().__init__(prob)
        self.factor = self.checked_number('factor', factor, 0)

    def draw_matrix(self, num_axes: int) -> np.ndarray:
        matrix = np.random.uniform(-self.factor, self.factor,
                                   (num_axes, num_axes))
        np.fill_diagonal(matrix, 1)
        return matrix


@TRANSFORMS.register_module()
class RandomScalePose(MatrixAugmentation):
    """Multiplies the coordinates by factors from U(1 - scale, 1 + scale).

    Source: PYSKL's ``RandomScale``. Departures: ``per_axis=False``.

    Args:
        scale (float): Maximum relative change, below 1. Defaults to 0.1.
        per_axis (bool): Whether each axis has its own factor, which changes
            the proportions, instead of one for all axes. Defaults to True.
        prob (float): Probability that a clip is scaled. Defaults to 1.

    Raises:
        InputError: If ``scale`` is negative, or at least 1.
    """

    def __init__(self, scale: float = 0.1, per_axis: bool = True,
                 prob: float = 1.) -> None:
        super().__init__(prob)
        self.scale = self.checked_number('scale', scale, 0, 1)
        if scale == 1:
            raise InputError('RandomScalePose needs a scale below 1, not '
                             f'{scale!r}: a factor of 0 would erase a clip')
        self.per_axis = per_axis

    def draw_matrix(self, num_axes: int) -> np.ndarray:
        count = num_axes if self.per_axis else 1
        factors = np.random.uniform(1 - self.scale, 1 + self.scale, count)
        return factors * np.eye(num_axes)
