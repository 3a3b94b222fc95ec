"""Noise on the joints, and blur over time.

Neither commutes with the difference of frames, so both must come before
``GenSkeFeat``.

Shape legend: M person, T frame, V joint, C coordinate (2 or 3).
"""
from typing import Sequence, Tuple, Union

import cv2
import numpy as np
import torch
from mmaction.registry import TRANSFORMS

from psp_plugin.errors import InputError

from .augment import (
    PoseAugmentation,
    Score,
    at_least_single,
    find_present,
    over_axes,
)


@TRANSFORMS.register_module()
class GaussianNoisePose(PoseAugmentation):
    """Adds normal noise to every coordinate of every joint and frame.

    Its standard deviation is a share of the person's extent, so it does not
    depend on the unit of the data. The extent is the diagonal of the bounding
    box of the joints, in the first of the frames with the most present joints.

    Source: PYSKL's ``RandomGaussianNoise``. Departure: one extent per person
    instead of one per frame.

    Args:
        sigma (float): Standard deviation as a share of the extent. Defaults
            to 0.01, about 2 cm for a standing person.
        prob (float): Probability that noise is added. Defaults to 0.5.

    Raises:
        InputError: If ``sigma`` is negative.
    """

    def __init__(self, sigma: float = 0.01, prob: float = 0.5) -> None:
        super().__init__(prob)
        self.sigma = self.checked_number('sigma', sigma, 0)

    def augment(self, keypoint: np.ndarray,
                score: Score) -> Tuple[np.ndarray, Score]:
        dtype = at_least_single(keypoint.dtype)
        present = find_present(keypoint)
        deviation = self.sigma * find_extents(keypoint, present)  # M
        shares = present * deviation.astype(dtype)[:, None, None]  # M, T, V
        noise = draw_normal(keypoint.shape, dtype)
        noise *= over_axes(shares, keypoint.shape[-1])
        return (keypoint + noise).astype(keypoint.dtype, copy=False), score


def find_extents(keypoint: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Computes the extent of every person, zero if absent.

    Args:
        keypoint (np.ndarray): (M, T, V, C).
        present (np.ndarray): (M, T, V), bool, the joints that are present.

    Returns:
        np.ndarray: (M,), float64, in the unit of the coordinates.
    """
    frames = present.sum(-1).argmax(-1)
    extents = np.zeros(len(keypoint))
    for person, frame in enumerate(frames):
        joints = keypoint[person, frame, present[person, frame]]
        if len(joints):
            box = np.ptp(joints.astype(np.float64), axis=0)
            extents[person] = np.sqrt(box @ box)
    return extents


def draw_normal(shape: Sequence[int], dtype: np.dtype) -> np.ndarray:
    """Samples standard normal numbers, seeded from NumPy's global state.

    PyTorch takes half the time of ``np.random.standard_normal``.
    """
    seed = int(np.random.randint(2**31))
    kind = torch.float64 if dtype == np.float64 else torch.float32
    return torch.randn(tuple(shape), dtype=kind,
                       generator=torch.Generator().manual_seed(seed)).numpy()


@TRANSFORMS.register_module()
class GaussianBlurPose(PoseAugmentation):
    """Blurs every joint over time with a Gaussian kernel.

    The weighted average is over the frames of the clip in which the joint is
    present.

    Source: AS-CAL and AimCLR (15 frames, sigma from 0.1 to 2). Departures:
    no padding, where they pad by reflection; absent joints are left out,
    where they are averaged as zeros.

    Args:
        kernel (int): Size of the kernel in frames, odd. Defaults to 15.
        sigma (float or Sequence[float]): Standard deviation in frames, or
            the minimum and maximum to sample it from. Defaults to
            ``(0.1, 2.)``.
        prob (float): Probability that a clip is blurred. Defaults to 0.5.

    Raises:
        InputError: If ``kernel`` is not an odd positive integer, or ``sigma``
            is negative or not in order.
    """

    def __init__(self, kernel: int = 15,
                 sigma: Union[float, Sequence[float]] = (0.1, 2.),
                 prob: float = 0.5) -> None:
        super().__init__(prob)
        self.kernel = self.checked_integer('kernel', kernel, 1)
        if kernel % 2 == 0:
            raise InputError('GaussianBlurPose needs an odd kernel, not '
                             f'{kernel}')
        self._sigmas = self.checked_range('sigma', sigma, 0)
        self.sigma = sigma

    def augment(self, keypoint: np.ndarray,
                score: Score) -> Tuple[np.ndarray, Score]:
        sigma = np.random.uniform(*self._sigmas)
        if sigma == 0:
            return keypoint, score
        reach = self.kernel // 2
        weights = np.exp(-(np.arange(-reach, reach + 1) / sigma)**2 / 2)
        dtype = at_least_single(keypoint.dtype)
        present = find_present(keypoint).astype(dtype)
        # Absent joints are zero and add nothing to the sum; for present ones
        # the total weight is at least that of the frame itself, 1.
        total = blur_frames(present, weights)
        share = present / np.maximum(total, 1)
        blurred = blur_frames(keypoint.astype(dtype, copy=False), weights)
        blurred *= over_axes(share, keypoint.shape[-1])
        return blurred.astype(keypoint.dtype, copy=False), score


def blur_frames(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Computes weighted sums over neighbouring frames of (M, T, ...)."""
    frames = values.swapaxes(0, 1)  # T is the vertical axis of the image
    sums = cv2.sepFilter2D(
        frames.reshape(len(frames), -1), -1, np.ones(1), weights,
        borderType=cv2.BORDER_CONSTANT)
    return np.ascontiguousarray(sums.reshape(frames.shape).swapaxes(0, 1))
