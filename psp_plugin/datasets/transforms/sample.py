"""Samplers of frames over the entire length of a clip."""
import math

import numpy as np
from mmaction.datasets.transforms import UniformSample
from mmaction.registry import TRANSFORMS


@TRANSFORMS.register_module()
class UniformSamplePose(UniformSample):
    """``UniformSample`` with distinct test clips on short clips.

    Divides a clip into equal segments and samples a frame of each, so that
    the frames of a short clip are repeated in their order (the toolbox's
    ``UniformSampleFrames`` repeats the clip in a loop).

    Source: the toolbox's ``UniformSample``. Departs from it in testing: the
    toolbox rounds the position in the segment down to an integer before it
    adds the segment's start, so all test clips of a short clip are identical.
    In training the same frames are sampled, but vectorized.

    Args:
        clip_len (int): Number of frames of every sampled clip.
        num_clips (int): Number of sampled clips. Defaults to 1.
        test_mode (bool): Whether the frames are at fixed positions in their
            segments, evenly spaced over the clips, instead of random ones.
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
    """Samples random frames of a clip, without replacement, in their order.

    Every frame can be sampled ceil(clip_len / T) times, i.e. once in long
    clips. So a clip of ``clip_len`` frames is unchanged, and positions vary
    far more than those of :class:`UniformSamplePose`: in 300 frames the
    middle one of 50 has a standard deviation of 19 frames instead of 1.7. In
    testing, position i is frame floor(i T / clip_len).

    Source: the released implementation of PSP Learning (arXiv 2302.02327).
    No departures: its rounding errors are reproduced, which select the
    previous frame for 11 lengths T up to 300, such as 58, at one or two
    positions.

    Args:
        clip_len (int): Number of frames of every sampled clip.
        num_clips (int): Number of independently sampled clips; one in
            testing. Defaults to 1.
        test_mode (bool): Whether the frames are at fixed positions. Defaults
            to False.

    Raises:
        ValueError: If several test clips are requested, which would all be
            identical; in use, if a clip has no frames.
    """

    def __init__(self, clip_len: int, num_clips: int = 1,
                 test_mode: bool = False) -> None:
        super().__init__(clip_len, num_clips, test_mode)
        if test_mode and num_clips > 1:
            raise ValueError(
                f'RandomSamplePose has one test clip, not {num_clips}: set '
                'num_clips=1, or use UniformSamplePose')

    def _get_sample_clips(self, num_frames: int) -> np.ndarray:
        if num_frames < 1:
            raise ValueError('RandomSamplePose cannot sample a clip of '
                             f'total_frames={num_frames}: remove the clip')
        if self.test_mode:
            # This order reproduces the released implementation's rounding.
            step = num_frames / self.clip_len
            return (np.arange(self.clip_len) * step).astype(int)
        often = math.ceil(self.clip_len / num_frames)
        frames = np.tile(np.arange(num_frames), often)
        return np.concatenate([
            np.sort(np.random.choice(frames, self.clip_len, replace=False))
            for _ in range(self.num_clips)])
