"""Resamples a clip to another frame rate.

Shape legend: M person, T frame, V joint, C coordinate.
"""
from typing import Iterable, Optional, Tuple

import numpy as np

from .recording import LONGEST, InvalidRecording

# The largest relative difference of frame rates that are taken as equal, such
# as 29.97 and 30.
SAME_RATE = 0.01


def same_rate(rates: Iterable[float]) -> bool:
    """Whether frame rates, at least one, differ by at most ``SAME_RATE``."""
    known = list(rates)
    return max(known) <= min(known) * (1 + SAME_RATE)


def resample(points: np.ndarray, scores: Optional[np.ndarray], fps: float,
             target: float) -> Tuple[np.ndarray, Optional[np.ndarray]]:
    """Resamples key points linearly in time.

    The first frame stays, and the clip keeps its duration as closely as whole
    frames allow. A joint that is missing (zero) in one of the two frames
    around a new one is taken from the nearer frame, so that nothing is
    interpolated with zero.

    Args:
        points (np.ndarray): (M, T, V, C).
        scores (np.ndarray, optional): (M, T, V).
        fps (float): Frames per second of the clip.
        target (float): Frames per second of the result.

    Returns:
        tuple: Points (M, T', V, C), and scores (M, T', V) or None, where
        ``T' = floor((T - 1) * target / fps) + 1``.

    Raises:
        InvalidRecording: If the result has too many frames.
    """
    last = points.shape[1] - 1
    # A rounding error must not lose the last frame.
    count = int(np.floor(last * target / fps + 1e-6)) + 1
    if count > max(LONGEST, last + 1):
        raise InvalidRecording(
            f'would have {count} frames at {target:g} frames per second, as '
            f'it was recorded at {fps:g}: check both rates')
    times = np.minimum(np.arange(count) * (fps / target), last)
    before = np.floor(times).astype(int)
    after = np.minimum(before + 1, last)
    share = (times - before)[None, :, None, None]
    nearest = np.where(share[0, :, 0, 0] < 0.5, before, after)
    seen = (points != 0).any(-1, keepdims=True)  # M, T, V, 1
    both = seen[:, before] & seen[:, after]

    def between(values: np.ndarray) -> np.ndarray:
        mixed = (1 - share) * values[:, before] + share * values[:, after]
        return np.where(both, mixed, values[:, nearest])

    if scores is None:
        return between(points), None
    return between(points), between(scores[..., None])[..., 0]
