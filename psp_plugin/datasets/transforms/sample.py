"""Samples frames over the whole length of a clip."""
import math

import numpy as np
from mmaction.datasets.transforms import UniformSample
from mmaction.registry import TRANSFORMS


@TRANSFORMS.register_module()
class UniformSamplePose(UniformSample):
    """The toolbox's ``UniformSample``, its test clips apart on short clips.

    Both divide a clip into equal segments and take a frame of each, so that
    a short clip's frames are repeated in their order (the toolbox's
    ``UniformSampleFrames`` plays it in a loop). Departs from
    ``UniformSample`` in testing: it rounds the place in the segment down to
    whole frames before it adds the segment's start, which makes all test
    clips of a clip of few frames the same. In training it draws the same
    frames, all at once, which is quicker.

    Args:
        clip_len (int): Frames of every sampled clip.
        num_clips (int): Number of sampled clips. Defaults to 1.
        test_mode (bool): Whether the frames lie at fixed places in their
            segments, evenly apart over the clips, instead of at random ones.
            Defaults to False.
    """

    def _get_sample_clips(self, num_frames: int) -> np.ndarray:
        if not self.test_mode:
            edges = np.round(
                float(num_frames - 1) / self.clip_len *
                np.arange(self.clip_len + 1)).astype(int)
            return np.random.randint(edges[:-1], edges[1:] + 1)
        places = np.arange(1, self.num_clips + 1) / (self.num_clips + 1)
        segment = np.arange(self.clip_len) + places[:, None]
        return np.round(segment * (num_frames - 1) / self.clip_len).ravel()


@TRANSFORMS.register_module()
class RandomSamplePose(UniformSample):
    """Draws frames anywhere in a clip, without replacement, in their order.

    A frame can be drawn as often as ``clip_len`` frames need, once in long
    clips. So a clip of ``clip_len`` frames is taken as it is, and places vary
    far more than those of :class:`UniformSamplePose`: in 300 frames the
    middle one of 50 has a standard deviation of 19 frames against 1.7. In
    testing, place i takes frame floor(i T / clip_len).

    Source: the released implementation of PSP Learning (arXiv 2302.02327).
    Departs from it in nothing: its rounding errors are repeated, which take
    the frame before in 11 lengths T up to 300, such as 58, at one or two
    places.

    Args:
        clip_len (int): Frames of every sampled clip.
        num_clips (int): Number of sampled clips, each of a draw of its own;
            one in testing. Defaults to 1.
        test_mode (bool): Whether the frames lie at fixed places. Defaults to
            False.

    Raises:
        ValueError: If several test clips are asked for, which would all be
            the same; in use, if a clip has no frames.
    """

    def __init__(self, clip_len: int, num_clips: int = 1,
                 test_mode: bool = False) -> None:
        super().__init__(clip_len, num_clips, test_mode)
        if test_mode and num_clips > 1:
            raise ValueError(
                f'RandomSamplePose has one test clip, not {num_clips}: set '
                'num_clips=1, or take UniformSamplePose')

    def _get_sample_clips(self, num_frames: int) -> np.ndarray:
        if num_frames < 1:
            raise ValueError('RandomSamplePose cannot sample a clip of '
                             f'total_frames={num_frames}: leave it out')
        if self.test_mode:
            # In this order, for the released implementation's rounding.
            step = num_frames / self.clip_len
            return (np.arange(self.clip_len) * step).astype(int)
        often = math.ceil(self.clip_len / num_frames)
        frames = np.tile(np.arange(num_frames), often)
        return np.concatenate([
            np.sort(np.random.choice(frames, self.clip_len, replace=False))
            for _ in range(self.num_clips)])
