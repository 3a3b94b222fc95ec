"""Classifies the newest frames of a live stream."""
import time
from collections import deque
from typing import Any, Deque, Dict, List, NamedTuple, Optional

from psp_plugin.commands.clips import ClipError
from psp_plugin.recordings import (
    Detection,
    InvalidRecording,
    Recording,
    make_clips,
)

from .frames import Frame, FrameReader
from .inferencer import SkeletonInferencer
from .persons import split_persons
from .windows import window_sizes


class Window(NamedTuple):
    """Frames to be classified together.

    Args:
        first: Number of the first frame in the stream, from 0.
        frames: The frames.
        skipped: Number of windows before it that were not taken in time.
    """
    first: int
    frames: List[Frame]
    skipped: int


class SkeletonStream:
    """Classifies a sliding window of a live stream of skeletons.

    Windows end at frame ``window``, ``window + every``, ``window + 2 every``
    and so on. At most ``window + every - 1`` frames are kept. Each window is
    prepared as a recording of these frames would be: persons are followed by
    their track numbers if all have one, else by their position, and ranked
    by presence, motion and score; then the test pipeline of the config is
    applied. So the scores are those of :class:`SkeletonInferencer` on the
    same frames.

    Calling it with a frame classifies at once, without skipping::

        stream = SkeletonStream(inferencer, window=50, every=10)
        for keypoint in camera:  # (V, C) or (M, V, C)
            result = stream(dict(keypoint=keypoint))

    A program that reads frames in another thread than it classifies uses
    :meth:`push`, :meth:`take` and :meth:`classify`, with a lock around the
    first two, see :func:`psp_plugin.apis.live.classify_lines`.

    Args:
        inferencer (SkeletonInferencer): The model.
        window (int, optional): Frames of a window. Defaults to None, see
            :func:`psp_plugin.apis.windows.window_sizes`.
        every (int, optional): Frames from one window to the next. Defaults
            to None: a quarter of the window.
        top_k (int): Number of best classes in ``top``. Defaults to 5.
        per_person (bool): Whether each person is classified on their own, by
            their track number, which every frame must then have. Defaults to
            False.

    Raises:
        ValueError: If a number is less than 1, or if recordings are to be
            resampled.
    """

    def __init__(self, inferencer: SkeletonInferencer,
                 window: Optional[int] = None, every: Optional[int] = None,
                 top_k: int = 5, per_person: bool = False) -> None:
        prepare = inferencer.prepare
        if prepare.options.fps is not None:
            raise ValueError('a stream cannot be resampled: send the frames '
                             'at the frame rate of the training clips, '
                             'without --fps')
        if top_k < 1:
            raise ValueError(f'top_k must be at least 1, not {top_k}')
        prepare.compare('the stream', dict(fps=prepare.options.recorded_fps))
        self.window, self.every = window_sizes(inferencer, window, every)
        self.inferencer = inferencer
        self.top_k = top_k
        self.per_person = per_person
        self.reader = FrameReader(prepare.num_joints, prepare.options.scored,
                                  per_person)
        self.frames: Deque[Frame] = deque(maxlen=self.window + self.every - 1)
        self.seen = 0  # frames so far
        self.taken = 0  # frames up to the end of the last window taken

    def __call__(self, content: Dict[str, Any]) -> Optional[Dict[str, Any]]:
        """Adds a frame and classifies the window that it completes, if any.

        Args:
            content (dict): See :meth:`FrameReader.read`.

        Returns:
            dict, optional: See :meth:`classify`.

        Raises:
            InputError: If the frame is invalid; it is then left out.
        """
        self.push(self.reader.read(content))
        window = self.take()
        return None if window is None else self.classify(window)

    def finish(self) -> Optional[Dict[str, Any]]:
        """Classifies the last frames of a stream that has ended.

        Returns:
            dict, optional: Result of the last ``window`` frames, or of all if
            there are fewer; None if they have been classified.
        """
        window = self.take(rest=True)
        return None if window is None else self.classify(window)

    def push(self, frame: Frame) -> None:
        """Adds a frame that has been checked."""
        self.frames.append(frame)
        self.seen += 1

    @property
    def due(self) -> bool:
        """Whether a window is complete that has not been taken."""
        return self._newest_end > self.taken

    @property
    def _newest_end(self) -> int:
        """Frames up to the end of the newest complete window."""
        if self.seen < self.window:
            return 0
        return self.seen - (self.seen - self.window) % self.every

    def take(self, rest: bool = False) -> Optional[Window]:
        """Returns the newest window that is due; older ones are skipped.

        Args:
            rest (bool): Whether the window ends with the last frame, as the
                stream has ended. Defaults to False.
        """
        end = self.seen if rest else self._newest_end
        if end <= self.taken:
            return None
        following = self.taken + self.every if self.taken else self.window
        skipped = max(0, -((following - end) // self.every))
        first = max(0, end - self.window)
        offset = self.seen - len(self.frames)
        self.taken = end
        return Window(first, list(self.frames)[first - offset:end - offset],
                      skipped)

    def classify(self, window: Window) -> Dict[str, Any]:
        """Classifies a window.

        Args:
            window (Window): What :meth:`take` returns.

        Returns:
            dict: ``first_frame`` and ``last_frame``, the numbers of the
            frames, or their ``frame`` if given; ``first_time`` and
            ``last_time`` if given; ``scores`` (num_classes,) and ``top``,
            (label, class name, score) of the best classes, empty without a
            person; or ``persons``, a dict with ``person``, ``scores`` and
            ``top`` for each; or ``error``; ``skipped``, the number of windows
            that were skipped before this one; ``latency_ms``, milliseconds
            since the last frame arrived.
        """
        first, last = window.frames[0], window.frames[-1]
        numbers = [window.first, window.first + len(window.frames) - 1]
        row: Dict[str, Any] = {
            f'{name}_frame': number if frame.frame is None else frame.frame
            for name, frame, number in zip(
                ('first', 'last'), (first, last), numbers)}
        if first.time is not None and last.time is not None:
            row.update(first_time=first.time, last_time=last.time)
        try:
            row.update(self._scores(window.frames))
        except ClipError as error:
            row['error'] = f'{error}.'
        except InvalidRecording as problem:
            row['error'] = f'the window {problem}.'
        latency = time.perf_counter() - last.arrived
        return dict(row, skipped=window.skipped,
                    latency_ms=round(1e3 * latency, 3))

    def _scores(self, frames: List[Frame]) -> Dict[str, Any]:
        """Returns ``scores`` and ``top`` of frames, or ``persons``."""
        everyone = [frame.persons for frame in frames]
        numbers = list(dict.fromkeys(
            person.number for persons in everyone for person in persons
            if person.points.any()))
        if self.per_person:
            clips = [next(split_persons(self._clip(
                [[person for person in persons if person.number == number]
                 for persons in everyone], frames))).clip
                     for number in numbers]
            return dict(persons=[
                dict(person=number, **result) for number, result in zip(
                    numbers, self._results(clips))])
        if not numbers:
            return dict(top=[])
        result, = self._results([self._clip(everyone, frames)])
        return result

    def _clip(self, persons: List[List[Detection]],
              frames: List[Frame]) -> Dict[str, Any]:
        """Returns the annotation that a recording of these persons has."""
        recording = Recording(frames=persons, img_shape=next(
            (frame.img_shape for frame in frames if frame.img_shape), None))
        clip, = make_clips(recording, 'the window',
                           self.inferencer.prepare.options)
        return clip.annotation

    def _results(self, clips: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
        inputs = [self.inferencer.prepare(clip) for clip in clips]
        return [dict(scores=scores,
                     top=self.inferencer.best(scores, self.top_k))
                for scores in self.inferencer.predict(inputs)]
