"""Temporal crop and reversal of a clip.

Shape legend: M person, T frame, V joint, C coordinate (2 or 3).
"""
from typing import Dict, Optional, Tuple

import numpy as np
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
class RandomCropPose(PoseAugmentation):
    """Crops contiguous frames, a share sampled from U(min_share, 1).

    Source: CTR-GCN (0.5 to 1 of the frames, resized to 64). Departures: the
    minimum number of frames is 1; between a frame in which a joint is present
    and one in which it is absent, the nearer frame is used.

    Args:
        min_share (float): Minimum share of the frames. Defaults to 0.5.
        num_frames (int, optional): Number of frames to which the crop is
            resized by linear interpolation. Defaults to None, not resized; a
            sampler of frames must follow.

    Raises:
        InputError: If ``min_share`` is not in (0, 1] or ``num_frames`` is not
            a positive integer.
    """

    def __init__(self, min_share: float = 0.5,
                 num_frames: Optional[int] = None) -> None:
        super().__init__(prob=1)
        self.min_share = self.checked_number('min_share', min_share, 0, 1)
        if min_share == 0:
            raise InputError('RandomCropPose needs a min_share above 0, not '
                             f'{min_share!r}')
        if num_frames is not None:
            self.checked_integer('num_frames', num_frames, 1)
        self.num_frames = num_frames

    def transform(self, results: Dict) -> Dict:
        """Crops the clip and sets ``total_frames``.

        Raises:
            InputError: As in other augmentations, or if frames have already
                been sampled.
        """
        if 'frame_inds' in results:
            raise InputError('RandomCropPose must come before the sampler of '
                             'frames, whose frame_inds it would invalidate')
        results = super().transform(results)
        results['total_frames'] = results['keypoint'].shape[1]
        return results

    def augment(self, keypoint: np.ndarray,
                score: Score) -> Tuple[np.ndarray, Score]:
        length = keypoint.shape[1]
        share = np.random.uniform(self.min_share, 1)
        kept = max(round(share * length), 1)
        start = np.random.randint(length - kept + 1)
        keypoint = keypoint[:, start:start + kept].copy()
        if score is not None:
            score = score[:, start:start + kept].copy()
        if self.num_frames is None:
            return keypoint, score
        return resize_frames(keypoint, score, self.num_frames)


def resize_frames(keypoint: np.ndarray, score: Score,
                  num_frames: int) -> Tuple[np.ndarray, Score]:
    """Interpolates linearly between frames, keeping the first and last.

    Args:
        keypoint (np.ndarray): (M, T, V, C).
        score (np.ndarray, optional): (M, T, V).
        num_frames (int): Number of frames T'.

    Returns:
        tuple[np.ndarray, np.ndarray | None]: (M, T', V, C) and (M, T', V).
    """
    last = keypoint.shape[1] - 1
    places = np.linspace(0, last, num_frames)
    left = places.astype(int)
    right = np.minimum(left + 1, last)
    share = (places - left)[:, None]
    present = find_present(keypoint)
    both = present[:, left] & present[:, right]
    share = np.where(both, share, share >= 0.5)  # M, T', V

    def between(values: np.ndarray, share: np.ndarray) -> np.ndarray:
        wide = values.astype(at_least_single(values.dtype), copy=False)
        first, second = wide[:, left], wide[:, right]
        share = share.astype(wide.dtype)
        return (first + share * (second - first)).astype(values.dtype)

    if score is not None:
        score = between(score, share)
    return between(keypoint, over_axes(share, keypoint.shape[-1])), score


@TRANSFORMS.register_module()
class ReversePose(PoseAugmentation):
    """Reverses the frames of a clip.

    Warning: This changes the action of some clips: sit down and stand up, put
    on and take off, donning and doffing are swapped. Do not use it in a view
    that keeps its label or pseudo-label.

    Source: AS-CAL. No departures.

    Args:
        prob (float): Probability that a clip is reversed. Defaults to 0.5.
    """

    def __init__(self, prob: float = 0.5) -> None:
        super().__init__(prob)

    def augment(self, keypoint: np.ndarray,
                score: Score) -> Tuple[np.ndarray, Score]:
        if score is not None:
            score = score[:, ::-1].copy()
        return keypoint[:, ::-1].copy(), score
