"""Independent sampling and augmentation of the joint and motion streams.

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
    """Applies random transforms independently to joint and motion stream.

    The joint half of the channels comes from a first pass through the
    transforms, the motion half from a second one. Frames or augmentations are
    thus sampled independently, so that the positives of the contrast differ
    in them as well. Transforms before this one are shared.

    Source: the frames of PSP Learning's released implementation (arXiv
    2302.02327); the paper does not specify how they are sampled. Departure:
    any transforms, not only a sampler. In a config::

        dict(type='GenSkeFeat', feats=['j', 'jm']),
        dict(type='StreamsApart', transforms=[
            dict(type='UniformSamplePose', clip_len=50)]),
        dict(type='PoseDecode'),

    Args:
        transforms (list[dict | callable]): The transforms. They, or earlier
            ones, must include ``GenSkeFeat(feats=['j', 'jm'])``. The frames
            of a sampler among them are selected here; a later ``PoseDecode``
            keeps all of these.

    Raises:
        InputError: If ``transforms`` is not a list; in use, if the channels
            of a clip are not joint and motion, or if the transforms return
            different numbers of frames for the two streams.
    """

    def __init__(self, transforms: List[Any]) -> None:
        if not isinstance(transforms, (list, tuple)):
            raise InputError('StreamsApart needs a list of transforms, not '
                             f'{transforms!r}')
        self.transforms = Compose(transforms)

    def transform(self, results: Dict) -> Optional[Dict]:
        """Makes the two streams of a clip, which is not modified.

        Args:
            results (dict): The keys that the transforms need.

        Returns:
            dict: The output for the joint stream, with ``keypoint``
            (M, T, V, 2C) of both streams, and with ``frame_inds`` and
            ``total_frames`` that select all T frames; or None if the
            transforms return None.
        """
        joint, motion = (self._passed(results) for _ in range(2))
        if joint is None or motion is None:
            return None
        shapes = [stream['keypoint'].shape for stream in (joint, motion)]
        name = f'clip {results.get("frame_dir")!r}'
        if shapes[0][-1] % 2 or 'keypoint_score' in joint:
            raise InputError(
                f'StreamsApart needs joint and motion in the channels of '
                f'{name}, but got {shapes[0][-1]} channels: add GenSkeFeat('
                "feats=['j', 'jm']) before it or to its transforms")
        if shapes[0] != shapes[1]:
            raise InputError(
                f'the transforms of StreamsApart returned shapes {shapes[0]} '
                f'and {shapes[1]} for joint and motion of {name}: add a '
                'sampler to them, such as UniformSamplePose')
        half = shapes[0][-1] // 2
        joint['keypoint'] = np.concatenate(
            (joint['keypoint'][..., :half], motion['keypoint'][..., half:]),
            axis=-1)
        joint['total_frames'] = shapes[0][1]
        joint['frame_inds'] = np.arange(shapes[0][1], dtype=np.int32)
        joint.update(start_index=0, offset=0)
        return joint

    def _passed(self, results: Dict) -> Optional[Dict]:
        """Transforms a copy of the clip and selects its sampled frames."""
        stream = self.transforms(copy.deepcopy(results))
        if stream is not None and 'frame_inds' in stream:
            frames = np.ravel(stream['frame_inds']) + stream.get('offset', 0)
            stream['keypoint'] = stream['keypoint'][:, frames]
        return stream

    def __repr__(self) -> str:
        return (f'{type(self).__name__}('
                f'transforms={self.transforms.transforms})')
