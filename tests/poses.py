"""Clips for the tests of augmentations."""
import numpy as np


def clip(persons=2, frames=12, joints=7, axes=3, seed=0, dtype=np.float32):
    """Random joints (M, T, V, C)."""
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(persons, frames, joints, axes)) +
            0.1).astype(dtype)


def holed(keypoint, seed=0):
    """Removes a quarter of the joints, a frame, and half of the last person.
    """
    rng = np.random.default_rng(seed)
    keypoint = keypoint.copy()
    keypoint[rng.random(keypoint.shape[:3]) < 0.25] = 0
    keypoint[:, 1] = 0
    keypoint[-1, keypoint.shape[1] // 2:] = 0
    return keypoint


def scores_of(keypoint, seed=0):
    """Scores (M, T, V), zero where a joint is absent."""
    rng = np.random.default_rng(seed)
    scores = rng.uniform(0.1, 1, keypoint.shape[:3])
    return (scores * (keypoint != 0).any(-1)).astype(keypoint.dtype)


def results_of(keypoint, scored=False):
    """The dict that transforms accept, with copied arrays."""
    results = dict(keypoint=keypoint.copy(), total_frames=keypoint.shape[1],
                   start_index=0, frame_dir='clip_a', label=3)
    if scored:
        results['keypoint_score'] = scores_of(keypoint)
    return results


def compressed_clips():
    """Annotations of all persons in one array, as the toolbox's Kinetics."""
    rng, clips = np.random.default_rng(0), []
    for i in range(6):
        inds = np.sort(rng.integers(0, 9, size=12)).astype(np.int16)
        clips.append(dict(
            frame_dir=f'k{i}', label=i, total_frames=9, frame_inds=inds,
            keypoint=rng.uniform(1, 99, (12, 17, 3)).astype(np.float16),
            box_score=rng.uniform(0.4, 1, 12).astype(np.float16),
            valid={0.5: i + 3, 0.6: 1}, img_shape=(99, 99)))
    return clips
