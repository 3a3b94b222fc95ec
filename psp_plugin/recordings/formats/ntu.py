"""Reader of NTU RGB+D's text format, ``.skeleton``."""
import math
from typing import Any, Dict, List, Tuple

import numpy as np

from ..recording import InvalidRecording

# One body: the frames in which it is tracked, and its joints (V, 3) in each.
Track = Tuple[List[int], List[np.ndarray]]


class Lines:
    """Iterates over the lines of a text."""

    def __init__(self, text: str) -> None:
        self.lines = text.rstrip().split('\n')
        self.number = 0  # number of the line last read, from 1
        self.width = 0  # words in a joint's line

    def words(self, what: str) -> List[str]:
        """Returns the words of the next line, which must not be empty."""
        if self.number == len(self.lines):
            raise InvalidRecording(
                f'ends after line {self.number}, where {what} is expected')
        self.number += 1
        words = self.lines[self.number - 1].split()
        if not words:
            raise self.problem('nothing', what)
        return words

    def count(self, what: str) -> int:
        """Returns the next line, which must be a count."""
        words = self.words(what)
        text = ' '.join(words)
        if not text.isdecimal() or len(text) > 9:
            raise self.problem(repr(text[:40]), what)
        return int(text)

    def problem(self, found: str, what: str) -> InvalidRecording:
        return InvalidRecording(
            f'has {found} in line {self.number} instead of {what}')


def read_skeleton(path: str) -> Dict[str, Any]:
    """Reads an NTU RGB+D ``.skeleton`` file, positions in metres.

    Bodies are sorted by the number of frames in which they are tracked, then
    by the summed variance of their joints, both descending; a body is zero in
    frames without it.

    Source: the format of NTU RGB+D. Departs from the toolbox's converter,
    which identifies bodies by their position in each frame and sorts by
    standard deviation only: here the body's number identifies it, and the
    number of frames has priority, since Kinect's phantom bodies are short.
    Neither removes bodies by their motion.

    Returns:
        dict: ``points`` (M, T, V, 3), for all bodies.
    """
    with open(path, 'rb') as stream:
        try:
            text = stream.read().decode('ascii')
        except UnicodeDecodeError as error:
            raise InvalidRecording(
                'is not text in the format of NTU RGB+D') from error
    frames, tracks = read_tracks(Lines(text))
    if not frames:
        raise InvalidRecording('has no frames')
    if not tracks:
        raise InvalidRecording('has no body in any frame')
    joints = sorted({points.shape[0] for _, seen in tracks.values()
                     for points in seen})
    if len(joints) > 1:
        raise InvalidRecording(
            f'has bodies of {joints[0]} and of {joints[1]} joints')
    # Python's sort keeps the order of appearance in ties.
    ordered = sorted(tracks.values(), key=presence, reverse=True)
    points = np.zeros((len(ordered), frames, joints[0], 3))
    for body, (places, seen) in enumerate(ordered):
        points[body, places] = seen
    return dict(points=points)


def presence(track: Track) -> Tuple[int, float]:
    """Returns the number of frames of a body and its joints' variance."""
    places, seen = track
    return len(places), float(np.var(seen, axis=0).sum())


def read_tracks(lines: Lines) -> Tuple[int, Dict[str, Track]]:
    """Reads the number of frames, and every body by its number."""
    tracks: Dict[str, Track] = {}
    frames = lines.count('the number of frames')
    for frame in range(frames):
        for _ in range(lines.count(f'the number of bodies of frame {frame}')):
            body = lines.words(f'a body of frame {frame}')[0]
            places, seen = tracks.setdefault(body, ([], []))
            if places and places[-1] == frame:
                raise InvalidRecording(
                    f'has body {body} twice in frame {frame}, again '
                    f'in line {lines.number}')
            places.append(frame)
            seen.append(read_joints(lines))
    if lines.number < len(lines.lines):
        raise InvalidRecording(
            f'continues after the last of {frames} frames, in line '
            f'{lines.number + 1}')
    return frames, tracks


def read_joints(lines: Lines) -> np.ndarray:
    """Reads the joints (V, 3) of one body in one frame."""
    count = lines.count('the number of joints')
    if not count:
        raise InvalidRecording(
            f'has a body without joints in line {lines.number}')
    joints = []
    for joint in range(count):
        words = lines.words(f'joint {joint}')
        try:
            x, y, z = map(float, words[:3])
        except ValueError:
            raise lines.problem(repr(' '.join(words[:3])[:40]),
                             f'x, y and z of joint {joint}') from None
        if not math.isfinite(x + y + z):
            raise lines.problem('NaN or infinity', f'joint {joint}')
        # A file truncated within its last line has all its lines.
        lines.width = lines.width or len(words)
        if len(words) != lines.width:
            raise lines.problem(f'{len(words)} numbers',
                             f'{lines.width} for joint {joint}')
        joints.append((x, y, z))
    return np.array(joints)
