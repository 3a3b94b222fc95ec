"""Which action when: segments of long recordings.

Shape legend: T frame, W window, K class.
"""
from typing import (
    Any,
    Dict,
    Iterable,
    List,
    NamedTuple,
    Optional,
    Tuple,
    Union,
)

import numpy as np

from psp_plugin.commands.batches import in_batches
from psp_plugin.commands.clips import Clip, ClipError, clip_name

from .inferencer import SkeletonInferencer, as_list, check_on_error
from .persons import PersonClip, cut, split_persons
from .windows import spans_of, window_sizes


class Sizes(NamedTuple):
    """Frames of a window and to the next one, and windows in a batch."""
    window: int
    every: int
    batch_size: int


def find_segments(inferencer: SkeletonInferencer,
                  clips: Union[Clip, Iterable[Clip]],
                  window: Optional[int] = None,
                  every: Optional[int] = None,
                  min_frames: Optional[int] = None,
                  batch_size: int = 16,
                  per_person: bool = False,
                  on_error: str = 'raise') -> List[Dict[str, Any]]:
    """Finds the segments of one class in long recordings.

    Windows of the recording are classified. The scores of a frame are the
    mean of those of all windows that contain it, and its class is the best of
    them; frames of the same class that follow on each other are a segment.
    Segments shorter than ``min_frames`` are given to a neighbour, the
    shortest first, and to the one whose class has the higher mean score in
    them. Windows without a person are left out, so that frames only in such
    windows have no segment.

    Args:
        inferencer (SkeletonInferencer): The model.
        clips (str or Path or dict, or many of them): See
            :meth:`SkeletonInferencer.__call__`.
        window (int, optional): Frames of a window. Defaults to None, see
            :func:`psp_plugin.apis.windows.window_sizes`.
        every (int, optional): Frames from one window to the next. Defaults
            to None: a quarter of the window.
        min_frames (int, optional): Least frames of a segment that has a
            neighbour. Defaults to None: half of the window.
        batch_size (int): Windows in a batch. Defaults to 16.
        per_person (bool): Whether each person has segments of their own.
            Defaults to False.
        on_error (str): See :meth:`SkeletonInferencer.__call__`. Defaults to
            ``'raise'``.

    Returns:
        list[dict]: For every clip ``name``, ``fps`` (frames per second, None
        if unknown) and ``segments``, a list of dicts with ``person`` (None
        without ``per_person``), ``start`` and ``end``, the first and last
        frame from 0, ``label``, ``class`` and ``score``, the mean over its
        frames; or ``error``.

    Raises:
        ClipError: If a clip is invalid, given ``on_error='raise'``.
        ValueError: If another argument is out of range.
    """
    sizes = Sizes(*window_sizes(inferencer, window, every), batch_size)
    if min_frames is None:
        min_frames = max(1, sizes.window // 2)
    if batch_size < 1 or min_frames < 1:
        raise ValueError('batch_size and min_frames must be at least 1, not '
                         f'{batch_size} and {min_frames}')
    check_on_error(on_error)
    results = []
    for clip in as_list(clips):
        result: Dict[str, Any] = dict(name=clip_name(clip))
        try:
            data = (inferencer.read_persons(clip) if per_person else
                    inferencer.read(clip))
            inferencer.prepare.check(data, result['name'])
            parts = (split_persons(data) if per_person else
                     [PersonClip(None, 0, data['keypoint'].shape[1], data)])
            result.update(fps=data.get('fps'), segments=[
                segment for part in parts
                for segment in segments_of(inferencer, part, sizes,
                                           min_frames)])
        except ClipError as error:
            if on_error == 'raise':
                raise
            result['error'] = str(error)
        results.append(result)
    return results


def segments_of(inferencer: SkeletonInferencer, part: PersonClip,
                sizes: Sizes, min_frames: int) -> List[Dict[str, Any]]:
    """Returns the segments of a clip or of one of its persons."""
    scores = mean_scores(inferencer, part.clip, sizes)
    return [
        dict(person=part.person, start=part.start + start,
             end=part.start + stop - 1, label=label,
             score=float(scores[start:stop, label].mean()),
             **{'class': inferencer.classes[label]})
        for start, stop, label in merge(scores, min_frames)]


def mean_scores(inferencer: SkeletonInferencer, data: Dict[str, Any],
                sizes: Sizes) -> np.ndarray:
    """Computes the scores (T, K) of each frame, NaN where there are none.

    Args:
        inferencer (SkeletonInferencer): The model.
        data (dict): A valid annotation.
        sizes (Sizes): The windows.
    """
    points = data['keypoint']
    total = np.zeros((points.shape[1], len(inferencer.classes)))
    count = np.zeros((points.shape[1], 1))
    spans = [span for span in spans_of(points.shape[1], *sizes[:2])
             if points[:, slice(*span)].any()]
    for batch in in_batches(spans, sizes.batch_size, 'classifying windows'):
        inputs = [inferencer.prepare(cut(data, *span)) for span in batch]
        for span, scores in zip(batch, inferencer.predict(inputs)):
            total[slice(*span)] += scores
            count[slice(*span)] += 1
    with np.errstate(invalid='ignore'):
        return total / count


def merge(scores: np.ndarray,
          min_frames: int) -> List[Tuple[int, int, int]]:
    """Merges frames of the same best class, see :func:`find_segments`.

    Args:
        scores (np.ndarray): (T, K), NaN in frames without scores.
        min_frames (int): Least frames of a segment that has a neighbour.

    Returns:
        list[tuple[int, int, int]]: First frame, frame after the last, and
        label.
    """
    known = ~np.isnan(scores).any(1)
    labels = np.where(known, np.nan_to_num(scores).argmax(1), -1)
    while True:
        segments = runs_of(labels)
        short = [
            (stop - start, i) for i, (start, stop, label) in enumerate(
                segments) if label >= 0 and stop - start < min_frames]
        for _, i in sorted(short):
            start, stop, _ = segments[i]
            others = [segments[j][2] for j in (i - 1, i + 1)
                      if 0 <= j < len(segments) and segments[j][2] >= 0]
            if others:
                labels[start:stop] = max(
                    others, key=scores[start:stop].mean(0).__getitem__)
                break
        else:
            return [each for each in segments if each[2] >= 0]


def runs_of(labels: np.ndarray) -> List[Tuple[int, int, int]]:
    """Returns start, stop and value of the runs of equal values."""
    edges = np.flatnonzero(np.diff(labels)) + 1
    bounds = [0, *edges.tolist(), len(labels)]
    return [(start, stop, int(labels[start]))
            for start, stop in zip(bounds, bounds[1:])]
