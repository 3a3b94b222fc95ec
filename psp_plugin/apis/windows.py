"""Sliding windows over a recording."""
from typing import List, Optional, Tuple

from .inferencer import SkeletonInferencer


def window_sizes(inferencer: SkeletonInferencer,
                 window: Optional[int] = None,
                 every: Optional[int] = None) -> Tuple[int, int]:
    """Returns the length of windows and the step between them, in frames.

    Args:
        inferencer (SkeletonInferencer): The model.
        window (int, optional): The length. Defaults to None: twice the
            frames that the test pipeline samples of a clip (``clip_len``).
            Best is the usual length of the training clips or somewhat more;
            in windows that are too short the model sees parts of actions.
        every (int, optional): The step. Defaults to None: a quarter of the
            window.

    Raises:
        ValueError: If a number is less than 1, or if the pipeline has no
            ``clip_len`` and no length is given.
    """
    if window is None:
        window = next((2 * transform.clip_len
                       for transform in inferencer.prepare.transforms
                       if hasattr(transform, 'clip_len')), None)
    if window is None:
        raise ValueError('no step of the test pipeline has clip_len: give the '
                         'length of a window in frames (--window)')
    if every is None:
        every = max(1, window // 4)
    for name, value in (('window', window), ('every', every)):
        if value < 1:
            raise ValueError(f'{name} must be at least 1 frame, not {value}')
    return window, every


def spans_of(num_frames: int, window: int,
             every: int) -> List[Tuple[int, int]]:
    """Returns the first frame and the frame after the last of each window.

    The last window ends with the recording; one shorter than a window is a
    window of its own.

    Args:
        num_frames (int): Frames of the recording.
        window (int): Frames of a window.
        every (int): Frames from one window to the next.
    """
    last = max(0, num_frames - window)
    starts = [*range(0, last, every), last]
    return [(start, min(start + window, num_frames)) for start in starts]
