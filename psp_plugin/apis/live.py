"""Lines of JSON in, lines of JSON out, with bounded delay."""
import os
import select
import threading
from collections import deque
from typing import (
    Any,
    Deque,
    Dict,
    Generator,
    Iterable,
    Iterator,
    List,
    Optional,
    Tuple,
)

from psp_plugin.errors import InputError

from .frames import LONGEST_LINE
from .stream import SkeletonStream, Window

# Errors that wait to be written while a window is classified; then the reader
# waits too.
MOST_ERRORS = 100
# For users of the command.
LINES = """
--stream reads a JSON object per line, one for each frame:

  keypoint        [[x, y(, z)], ...], all joints of a person, or a list of
                  these for several; [] or null without a person
  keypoint_score  optional: the scores of the joints, as keypoint without x, y
  persons         optional: a track number for each person; without, persons
                  are followed by their position
  frame, time     optional: numbers of your own, repeated in the output
  img_shape       optional: height and width of the image, for 2D joints

and writes one per window: first_frame and last_frame (from 0, or yours),
first_time and last_time, top (label, class and score of the best classes;
empty without a person; with --per-person instead persons, a list of person
and top, for which each frame must have track numbers), skipped (windows left
out before it, as frames come faster than they are classified) and latency_ms
(since the last frame came).
The first comes after --window frames, the last at the end of the input. A
line that is not a frame gives one with line and error, and is left out.
"""


def classify_lines(stream: SkeletonStream,
                   lines: Iterable[bytes]
                   ) -> Generator[Dict[str, Any], None, None]:
    """Classifies the frames of lines of JSON as they arrive.

    A thread reads the lines. While a window is classified, the frames of at
    most one window and one step are kept; then the newest complete window is
    next, and those before it are skipped. So a result is never later than the
    time of two windows, however fast the frames come. At the end of the lines
    the last frames are classified.

    Args:
        stream (SkeletonStream): Classifies the windows.
        lines (Iterable[bytes]): A JSON object each, see
            :meth:`psp_plugin.apis.frames.FrameReader.read`; blank ones are
            left out. With :class:`LiveLines` the thread also ends if the
            caller does not take all results.

    Yields:
        dict: See :meth:`SkeletonStream.classify`; or ``line``, its number
        from 1, and ``error`` for a line that is not a frame, which is left
        out.
    """
    reader = LineReader(stream, lines)
    reader.start()
    try:
        while True:
            errors, window, ended = reader.next()
            yield from errors
            if window is not None:
                yield stream.classify(window)
            elif ended:
                break
    finally:
        reader.stop()
    if reader.failure is not None:
        raise reader.failure


class LiveLines:
    """Lines of a pipe or terminal, whose reader can be stopped.

    A thread that waits in Python's own reader cannot be, and may abort the
    process at its end.

    Args:
        descriptor (int): The file descriptor, which stays open.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.woken, self.waker = os.pipe()

    def __iter__(self) -> Iterator[bytes]:
        rest = b''
        while True:
            ready, _, _ = select.select([self.descriptor, self.woken], [], [])
            if self.woken in ready:
                return
            read = os.read(self.descriptor, 1 << 16)
            if not read:
                break
            *lines, rest = (rest + read).split(b'\n')
            yield from lines
            rest = rest[:LONGEST_LINE + 1]
        yield rest

    def stop(self) -> None:
        """Ends the lines, also while a thread waits for one."""
        os.write(self.waker, b'.')

    def close(self) -> None:
        """Closes what wakes the thread, which must have ended."""
        os.close(self.woken)
        os.close(self.waker)


class LineReader(threading.Thread):
    """Reads lines into a stream, and keeps the errors of invalid ones.

    Args:
        stream (SkeletonStream): Gets the frames.
        lines (Iterable[bytes]): The lines.
    """

    def __init__(self, stream: SkeletonStream,
                 lines: Iterable[bytes]) -> None:
        super().__init__(daemon=True)  # most lines cannot be stopped
        self.stream, self.lines = stream, lines
        self.errors: Deque[Dict[str, Any]] = deque()
        self.changed = threading.Condition()
        self.ended = self.stopped = False
        self.failure: Optional[Exception] = None

    def run(self) -> None:
        try:
            for number, line in enumerate(self.lines, 1):
                if line.strip():
                    self.add(number, line)
        except Exception as error:  # is raised in the other thread
            self.failure = error
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def add(self, number: int, line: bytes) -> None:
        """Adds a line to the stream, or its error to the errors."""
        try:
            frame = self.stream.reader.read_line(line)
        except InputError as problem:
            with self.changed:
                self.changed.wait_for(lambda: self.stopped or len(
                    self.errors) < MOST_ERRORS)
                self.errors.append(dict(
                    line=number, error=f'line {number} {problem}.'))
                self.changed.notify_all()
            return
        with self.changed:
            self.stream.push(frame)
            self.changed.notify_all()

    def stop(self) -> None:
        """Waits for the end of the thread, if its lines can be stopped."""
        if isinstance(self.lines, LiveLines):
            with self.changed:
                self.stopped = True
                self.changed.notify_all()
            self.lines.stop()
            self.join()
            self.lines.close()

    def next(self) -> Tuple[List[Dict[str, Any]], Optional[Window], bool]:
        """Waits for errors, a window or the end, and returns them."""
        with self.changed:
            self.changed.wait_for(
                lambda: self.errors or self.stream.due or self.ended)
            errors = list(self.errors)
            self.errors.clear()
            window = self.stream.take(
                rest=self.ended and not self.stream.due)
            self.changed.notify_all()
            return errors, window, self.ended
