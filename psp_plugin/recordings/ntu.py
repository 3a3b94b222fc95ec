"""The text form of NTU RGB+D, ``.skeleton``."""
import math
from typing import Dict, List, Tuple

import numpy as np

from .checks import Invalid

# Of one body: the frames in which it is seen, and its joints (V, 3) there.
Track = Tuple[List[int], List[np.ndarray]]


class Lines:
    """The lines of a text, one after the other."""

    def __init__(self, text: str) -> None:
        self.lines = text.rstrip().split('\n')
        self.number = 0  # of the line last read, from 1
        self.width = 0  # words of a joint's line

    def words(self, what: str) -> List[str]:
        """The words of the next line, which is to hold something."""
        if self.number == len(self.lines):
            raise Invalid(f'ends behind line {self.number}, where {what} '
                          'should be')
        self.number += 1
        words = self.lines[self.number - 1].split()
        if not words:
            raise self.problem('nothing', what)
        return words

    def count(self, what: str) -> int:
        """The next line, which is to be a count."""
        words = self.words(what)
        text = ' '.join(words)
        if not text.isdecimal() or len(text) > 9:
            raise self.problem(repr(text[:40]), what)
        return int(text)

    def problem(self, found: str, what: str) -> Invalid:
        return Invalid(f'has {found} in line {self.number}, where {what} '
                       'should be')


def read_skeleton(path: str) -> dict:
    """Reads an NTU RGB+D ``.skeleton`` file, positions in metres.

    Bodies come in the order of the frames in which they are seen, then of
    the summed variance of their joints; a frame without a body stays zero.

    Source: the format of NTU RGB+D. Departs from the toolbox's converter,
    which takes the place of a body in each frame for its identity, and orders
    by standard deviation only: here the body's number is its identity, and
    the length goes first, since Kinect's phantom bodies are short. Neither
    removes bodies that do not move like one.

    Returns:
        dict: ``points`` (M, T, V, 3), for all bodies.
    """
    with open(path, 'rb') as stream:
        try:
            text = stream.read().decode('ascii')
        except UnicodeDecodeError as error:
            raise Invalid('is not text in the format of NTU RGB+D') from error
    frames, tracks = read_tracks(Lines(text))
    if not frames:
        raise Invalid('has no frames')
    if not tracks:
        raise Invalid('has no body in any frame')
    joints = sorted({points.shape[0] for _, seen in tracks.values()
                     for points in seen})
    if len(joints) > 1:
        raise Invalid(f'has bodies of {joints[0]} and of {joints[1]} joints')
    # Python's sort keeps the order of appearance among equals.
    ordered = sorted(tracks.values(), key=presence, reverse=True)
    points = np.zeros((len(ordered), frames, joints[0], 3))
    for body, (places, seen) in enumerate(ordered):
        points[body, places] = seen
    return dict(points=points)


def presence(track: Track) -> Tuple[int, float]:
    """How long a body is seen, and how much its joints vary."""
    places, seen = track
    return len(places), float(np.var(seen, axis=0).sum())


def read_tracks(lines: Lines) -> Tuple[int, Dict[str, Track]]:
    """The number of frames, and every body by its number."""
    tracks: Dict[str, Track] = {}
    frames = lines.count('the number of frames')
    for frame in range(frames):
        for _ in range(lines.count(f'the number of bodies of frame {frame}')):
            body = lines.words(f'a body of frame {frame}')[0]
            places, seen = tracks.setdefault(body, ([], []))
            if places and places[-1] == frame:
                raise Invalid(f'has body {body} twice in frame {frame}, again '
                              f'in line {lines.number}')
            places.append(frame)
            seen.append(read_joints(lines))
    if lines.number < len(lines.lines):
        raise Invalid(f'goes on behind the last of {frames} frames, in line '
                      f'{lines.number + 1}')
    return frames, tracks


def read_joints(lines: Lines) -> np.ndarray:
    """The joints (V, 3) of one body in one frame."""
    count = lines.count('the number of joints')
    if not count:
        raise Invalid(f'has a body without joints in line {lines.number}')
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
        # A file that was cut within its last line is as long in lines.
        lines.width = lines.width or len(words)
        if len(words) != lines.width:
            raise lines.problem(f'{len(words)} numbers',
                             f'{lines.width} for joint {joint}')
        joints.append((x, y, z))
    return np.array(joints)
