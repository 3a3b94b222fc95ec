"""Random draws of their own for the joint and for the motion data."""
import copy
from typing import Dict, List, Union

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

    Source: the released implementation of PSP Learning (arXiv 2302.02327)
    samples the frames of each stream by a draw of its own; the paper is
    silent. In a config::

        dict(type='GenSkeFeat', feats=['j', 'jm']),
        dict(type='StreamsApart', transforms=[
            dict(type='UniformSamplePose', clip_len=50)]),
        dict(type='PoseDecode'),

    Args:
        transforms (list[dict]): The transforms. Either they, or those before,
            must have ``GenSkeFeat(feats=['j', 'jm'])``. A sampler among them
            is carried out here, ``PoseDecode`` then has nothing to choose.

    Raises:
        InputError: For a clip whose channels are not joint and motion, or of
            whose streams the transforms make different numbers of frames.
    """

    def __init__(self, transforms: List[Union[dict, BaseTransform]]) -> None:
        self.transforms = Compose(transforms)

    def transform(self, results: Dict) -> Dict:
        """Makes the two streams.

        Args:
            results (dict): What the transforms need.

        Returns:
            dict: What the pass of the joints gave, with ``keypoint``
            (M, T, V, 2C) of both and ``frame_inds`` that take all of it.
        """
        joint, motion = (self._passed(results) for _ in range(2))
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

    def _passed(self, results: Dict) -> Dict:
        """A copy of the clip that has passed, of the frames it is to have."""
        stream = self.transforms(copy.deepcopy(results))
        if 'frame_inds' in stream:
            frames = np.ravel(stream['frame_inds']) + stream.get('offset', 0)
            stream['keypoint'] = stream['keypoint'][:, frames]
        return stream

    def __repr__(self) -> str:
        return (f'{type(self).__name__}('
                f'transforms={self.transforms.transforms})')
