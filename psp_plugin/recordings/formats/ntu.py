"""Reader of NTU RGB+D's text format, ``.skeleton``."""
import math
from typing import Dict, List, Optional

import numpy as np

from ..recording import Detection, Format, InvalidRecording, Recording


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


def read_skeleton(content: str) -> List[Recording]:
    """Reads the text of an NTU RGB+D ``.skeleton`` file, in metres.

    Source: the format of NTU RGB+D. Departs from the toolbox's converter,
    which identifies bodies by their place in each frame: here the body's
    number does.
    """
    return [Recording(frames=read_frames(Lines(content)), layout='nturgb+d')]


def read_frames(lines: Lines) -> List[List[Detection]]:
    """Reads the bodies of every frame."""
    frames: List[List[Detection]] = []
    for frame in range(lines.count('the number of frames')):
        bodies: Dict[str, Detection] = {}
        for _ in range(lines.count(f'the number of bodies of frame {frame}')):
            number = lines.words(f'a body of frame {frame}')[0]
            if number in bodies:
                raise InvalidRecording(
                    f'has body {number} twice in frame {frame}, again '
                    f'in line {lines.number}')
            bodies[number] = Detection(read_joints(lines), number=number)
        frames.append(list(bodies.values()))
    if lines.number < len(lines.lines):
        raise InvalidRecording(
            f'continues after the last of {len(frames)} frames, in line '
            f'{lines.number + 1}')
    return frames


def read_joints(lines: Lines) -> np.ndarray:
    """Reads the joints (V, 3) of one body in one frame."""
    count = lines.count('the number of joints')
    if not count:
        raise InvalidRecording(
            f'has a body without joints in line {lines.number}')
    at_once = quickly(lines, count)
    if at_once is not None:
        return at_once
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


def quickly(lines: Lines, count: int) -> Optional[np.ndarray]:
    """Reads joints (V, 3) at once, or returns None if a line is invalid."""
    rows = [line.split()
            for line in lines.lines[lines.number:lines.number + count]]
    width = lines.width or len(rows[0]) if rows else 0
    if len(rows) < count or width < 3 or any(
            len(row) != width for row in rows):
        return None
    try:
        joints = np.array([row[:3] for row in rows]).astype(float)
    except ValueError:
        return None
    if not np.isfinite(joints).all():
        return None
    lines.number += count
    lines.width = width
    return joints


FORMATS = (Format('NTU RGB+D', ('.skeleton', ),
                  lambda content: isinstance(content, str), read_skeleton), )
