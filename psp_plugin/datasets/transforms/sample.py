"""Samples frames over the whole length of a clip."""
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
