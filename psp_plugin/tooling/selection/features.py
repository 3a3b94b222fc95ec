"""Features of clips without an encoder.

Shape legend: M person, T frame, V joint, C channel.
"""
import numpy as np

FRAMES = 16


def pose_features(keypoint: np.ndarray) -> np.ndarray:
    """Describes a clip by the poses of its main person and their path.

    The poses of 16 evenly spaced frames are centred on the mean of the
    joints and divided by the size of the body, the root mean square distance
    from it. The path of that mean from the first frame follows, weighted like
    all joints together. Missing joints, which are zero, take the mean of the
    others. No joint layout is needed, and nothing is rotated.

    Source: this project. On the training views of NW-UCLA, the difference to
    the features of an encoder is undecided for TypiClust, and greedy k-centre
    is worse with these: docs/results/suggestions.md.

    Args:
        keypoint (np.ndarray): (M, T, V, C); the first person who is not zero
            in all frames is the main one.

    Returns:
        np.ndarray: (16 * (V + 1) * C,), float64.

    Raises:
        ValueError: If no joint is seen.
    """
    points = np.asarray(keypoint, np.float64)
    present = points.any((1, 2, 3))
    if not present.any():
        raise ValueError('no joint is seen: all coordinates are zero')
    points = points[present.argmax()]  # T, V, C
    points = points[points.any((1, 2))]
    seen = points.any(-1, keepdims=True)
    center = points.sum(1, keepdims=True) / seen.sum(1, keepdims=True)
    points, center = (_resample(x, FRAMES) for x in (
        np.where(seen, points, center), center))
    body = points - center
    size = np.sqrt((body**2).sum(-1).mean()) or 1.
    path = (center - center[:1]) * np.sqrt(points.shape[1])
    return np.concatenate([body.ravel(), path.ravel()]) / size


def _resample(points: np.ndarray, num_frames: int) -> np.ndarray:
    """Interpolates (T, V, C) linearly at evenly spaced times."""
    times = np.linspace(0, len(points) - 1, num_frames)
    low = times.astype(int)
    high = np.minimum(low + 1, len(points) - 1)
    share = (times - low)[:, None, None]
    return np.asarray(points[low] * (1 - share) + points[high] * share)
