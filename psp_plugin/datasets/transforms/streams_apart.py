"""Random draws of their own for the joint and for the motion stream.

Shape legend: M person, T frame, V joint, C channel of one stream.
"""
import copy
from typing import Any, Dict, List, Optional

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform
from mmengine.dataset import Compose

from psp_plugin.errors import InputError


@TRANSFORMS.register_module()
class StreamsApart(BaseTransform):
    """Passes a clip through transforms twice, once for each stream.

    The joint half of the channels is taken from the first pass and the motion
    half from the second. What the transforms draw, frames or augmentations,
    is then drawn for each stream on its own, so that the contrast's positives
    differ in it as well. Transforms before this one are shared.

    Source: the frames of PSP Learning's released implementation (arXiv
    2302.02327); the paper does not say how they are chosen. Departure: any
    transforms, not only a sampler. In a config::

        dict(type='GenSkeFeat', feats=['j', 'jm']),
        dict(type='StreamsApart', transforms=[
            dict(type='UniformSamplePose', clip_len=50)]),
        dict(type='PoseDecode'),

    Args:
        transforms (list[dict | callable]): The transforms. Either they, or
            those before, must have ``GenSkeFeat(feats=['j', 'jm'])``. The
            frames of a sampler among them are taken here; ``PoseDecode``
            then takes all that are left.

    Raises:
        InputError: If ``transforms`` is no list; in use, for a clip whose
            channels are not joint and motion, or of whose streams the
            transforms make different numbers of frames.
    """

    def __init__(self, transforms: List[Any]) -> None:
        if not isinstance(transforms, (list, tuple)):
            raise InputError('StreamsApart needs a list of transforms, not '
                             f'{transforms!r}')
        self.transforms = Compose(transforms)

    def transform(self, results: Dict) -> Optional[Dict]:
        """Makes the two streams of a clip, which is left as it was.

        Args:
            results (dict): What the transforms need.

        Returns:
            dict: What the pass of the joints gave, with ``keypoint``
            (M, T, V, 2C) of both, and ``frame_inds`` and ``total_frames``
            that take all of it; or None if the transforms give nothing.
        """
        joint, motion = (self._passed(results) for _ in range(2))
        if joint is None or motion is None:
            return None
        shapes = [stream['keypoint'].shape for stream in (joint, motion)]
        name = f'clip {results.get("frame_dir")!r}'
        if shapes[0][-1] % 2 or 'keypoint_score' in joint:
            raise InputError(
                f'StreamsApart needs joint and motion in the channels of '
                f'{name}, but has {shapes[0][-1]} channels: put GenSkeFeat('
                "feats=['j', 'jm']) before it or into its transforms")
        if shapes[0] != shapes[1]:
            raise InputError(
                f'the transforms of StreamsApart made joint and motion of '
                f'{name} of shapes {shapes[0]} and {shapes[1]}: add a sampler '
                'to them, such as UniformSamplePose')
        half = shapes[0][-1] // 2
        joint['keypoint'] = np.concatenate(
            (joint['keypoint'][..., :half], motion['keypoint'][..., half:]),
            axis=-1)
        joint['total_frames'] = shapes[0][1]
        joint['frame_inds'] = np.arange(shapes[0][1], dtype=np.int32)
        joint.update(start_index=0, offset=0)
        return joint

    def _passed(self, results: Dict) -> Optional[Dict]:
        """A copy of the clip that has passed, its sampled frames taken."""
        stream = self.transforms(copy.deepcopy(results))
        if stream is not None and 'frame_inds' in stream:
            frames = np.ravel(stream['frame_inds']) + stream.get('offset', 0)
            stream['keypoint'] = stream['keypoint'][:, frames]
        return stream

    def __repr__(self) -> str:
        return (f'{type(self).__name__}('
                f'transforms={self.transforms.transforms})')
