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

    Every frame comes as often as makes ``clip_len`` frames possible, once in
    long clips. So a clip of ``clip_len`` frames is taken as it is, and places
    vary far more than those of :class:`UniformSamplePose`: in 300 frames the
    middle one of 50 has a standard deviation of 19 frames. In testing, frame
    i is floor(i T / clip_len).

    Source: the released implementation of PSP Learning (arXiv 2302.02327).
    Departure: floor is exact, where rounding errors take the released one a
    frame too early in 12 of the 15,000 places of clips of up to 300 frames.

    Args:
        clip_len (int): Frames of every sampled clip.
        num_clips (int): Number of sampled clips; one in testing. Defaults to
            1.
        test_mode (bool): Whether the frames lie at fixed places. Defaults to
            False.

    Raises:
        ValueError: If several test clips are asked for: all were the same.
    """

    def __init__(self, clip_len: int, num_clips: int = 1,
                 test_mode: bool = False) -> None:
        super().__init__(clip_len, num_clips, test_mode)
        if test_mode and num_clips > 1:
            raise ValueError(
                f'RandomSamplePose has one test clip, not {num_clips}: set '
                'num_clips=1, or take UniformSamplePose')

    def _get_sample_clips(self, num_frames: int) -> np.ndarray:
        if self.test_mode:
            return np.arange(self.clip_len) * num_frames // self.clip_len
        often = math.ceil(self.clip_len / num_frames)
        frames = np.tile(np.arange(num_frames), often)
        return np.concatenate([
            np.sort(np.random.choice(frames, self.clip_len, replace=False))
            for _ in range(self.num_clips)])
