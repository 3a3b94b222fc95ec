"""Masks joints, parts of the body or an axis with zeros.

A person whose joints would all be zero in a frame is not masked in this
frame, since a person of zeros counts as absent.

Shape legend: M person, T frame, V joint, C coordinate (2 or 3).
"""
from abc import abstractmethod
from typing import Sequence, Tuple, Union

import numpy as np
from mmaction.registry import TRANSFORMS

from psp_plugin.errors import InputError
from psp_plugin.skeletons import SkeletonPyramid, get_pyramid

from .augment import PoseAugmentation, Score, find_present


class JointMask(PoseAugmentation):
    """Sets joints and their scores to zero, the same for all persons."""

    @abstractmethod
    def draw_mask(self, num_frames: int, num_joints: int) -> np.ndarray:
        """Samples the masked joints, bool: (V,), or (T, V) per frame."""

    def augment(self, keypoint: np.ndarray,
                score: Score) -> Tuple[np.ndarray, Score]:
        mask = self.draw_mask(*keypoint.shape[1:3])
        remains = (find_present(keypoint) & ~mask).any(-1)  # M, T
        mask = mask & remains[..., None]
        keypoint = keypoint.copy()
        keypoint[mask] = 0
        if score is not None:
            score = score.copy()
            score[mask] = 0
        return keypoint, score


@TRANSFORMS.register_module()
class RandomMaskJoints(JointMask):
    """Sets a random share of the joints to zero, per clip or per frame.

    Source: HiCLR (0.1 of the joints); skeleton-contrast (15 of 25 joints,
    with probability 0.5). Departures: a person is never masked entirely; the
    share may be random.

    Args:
        share (float or Sequence[float]): Share of the joints of the layout,
            below 1, or the minimum and maximum to sample it from. Defaults
            to 0.1.
        per_frame (bool): Whether other joints are masked in each frame.
            Defaults to False, the same joints in all frames.
        prob (float): Probability that a clip is masked. Defaults to 0.5.

    Raises:
        InputError: If ``share`` is not in [0, 1), or not in order.
    """

    def __init__(self, share: Union[float, Sequence[float]] = 0.1,
                 per_frame: bool = False, prob: float = 0.5) -> None:
        super().__init__(prob)
        self._shares = self.checked_range('share', share, 0, 1)
        if self._shares[1] == 1:
            raise InputError('RandomMaskJoints needs a share below 1, not '
                             f'{share!r}: no joint would be left')
        self.share = share
        self.per_frame = per_frame

    def draw_mask(self, num_frames: int, num_joints: int) -> np.ndarray:
        share = np.random.uniform(*self._shares)
        count = min(round(share * num_joints), num_joints - 1)
        if self.per_frame:
            order = np.random.random((num_frames, num_joints)).argsort(-1)
        else:
            order = np.random.permutation(num_joints)
        return order < count


@TRANSFORMS.register_module()
class RandomMaskParts(JointMask):
    """Sets the joints of random parts of the layout's pyramid to zero.

    Source: none; :class:`RandomMaskJoints` applied to parts.

    Args:
        layout (str or dict or SkeletonPyramid): The joint layout, see
            :func:`psp_plugin.skeletons.get_pyramid`.
        num_parts (int): Number of masked parts, fewer than the layout has.
            Defaults to 1.
        prob (float): Probability that a clip is masked. Defaults to 0.5.

    Raises:
        InputError: If ``num_parts`` is negative or not less than the number
            of parts.
        ValueError: If the layout is unknown.
    """

    def __init__(self, layout: Union[str, dict, SkeletonPyramid],
                 num_parts: int = 1, prob: float = 0.5) -> None:
        super().__init__(prob)
        self.layout = layout
        self._pyramid = get_pyramid(layout)
        most = len(self._pyramid.parts) - 1
        self.num_parts = self.checked_integer('num_parts', num_parts, 0, most)
        self._parts = np.array(self._pyramid.joint_to_part)

    def check_clip(self, num_joints: int, num_axes: int) -> None:
        self.check_layout(self._pyramid, num_joints)

    def draw_mask(self, num_frames: int, num_joints: int) -> np.ndarray:
        order = np.random.permutation(len(self._pyramid.parts))
        return (order < self.num_parts)[self._parts]


@TRANSFORMS.register_module()
class RandomMaskAxis(PoseAugmentation):
    """Sets one random coordinate of all joints to zero, but not the scores.

    The motion of this coordinate is masked, too.

    Source: AS-CAL and AimCLR. Departures: 2D clips are supported; a person is
    never masked entirely.

    Args:
        prob (float): Probability that a clip is masked. Defaults to 0.5.
    """

    def __init__(self, prob: float = 0.5) -> None:
        super().__init__(prob)

    def augment(self, keypoint: np.ndarray,
                score: Score) -> Tuple[np.ndarray, Score]:
        masked = keypoint.copy()
        masked[..., np.random.randint(keypoint.shape[-1])] = 0
        emptied = ~find_present(masked).any(-1)  # M, T
        masked[emptied] = keypoint[emptied]
        return masked, score
