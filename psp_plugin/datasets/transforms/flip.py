"""Horizontal flip of a clip.

Shape legend: M person, T frame, V joint, C coordinate (2 or 3).
"""
from typing import Tuple, Union

import numpy as np
from mmaction.registry import TRANSFORMS

from psp_plugin.skeletons import SkeletonPyramid, get_pyramid

from .augment import PoseAugmentation, Score


@TRANSFORMS.register_module()
class RandomFlipPose(PoseAugmentation):
    """Mirrors a clip at x = 0 and swaps the left and right joints.

    Source: AimCLR's flip. Departs from it in mirroring x too, as a flip of
    images does; AimCLR only permutes the joints, so that the sides of the
    body cross. After ``NormalizeSkeleton3D`` the x axis is that of the
    shoulders in the first frame; after ``PreNormalize2D`` x = 0 is the centre
    of the image.

    Args:
        layout (str or dict or SkeletonPyramid): The joint layout, see
            :func:`psp_plugin.skeletons.get_pyramid`; it needs ``mirror``.
        prob (float): Probability that a clip is mirrored. Defaults to 0.5.

    Raises:
        ValueError: If the layout is unknown or has no ``mirror``.
    """

    def __init__(self, layout: Union[str, dict, SkeletonPyramid],
                 prob: float = 0.5) -> None:
        super().__init__(prob)
        self.layout = layout
        self._pyramid = get_pyramid(layout)
        self._order = np.array(self._pyramid.mirrored_joints)

    def check_clip(self, num_joints: int, num_axes: int) -> None:
        self.check_layout(self._pyramid, num_joints)

    def augment(self, keypoint: np.ndarray,
                score: Score) -> Tuple[np.ndarray, Score]:
        flipped = keypoint.take(self._order, axis=2)
        np.negative(flipped[..., 0], out=flipped[..., 0])
        if score is not None:
            score = score.take(self._order, axis=2)
        return flipped, score
