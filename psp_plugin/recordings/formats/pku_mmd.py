"""Reader of PKU-MMD's skeleton files, ``.txt``."""
import re
from typing import Any, List

import numpy as np

from ..recording import Detection, Format, InvalidRecording, Recording

_PERSONS, _JOINTS = 2, 25
_COLUMNS = _PERSONS * _JOINTS * 3
# Action, first frame, last frame and, in most files, a confidence.
_LABEL = re.compile(r'\d+(,\s*\d+){2,3}\s*')


def first_line(text: Any) -> str:
    """Returns the first line of a text that is not blank."""
    if not isinstance(text, str):
        return ''
    start = re.search(r'\S.*', text)
    return start[0] if start else ''


def is_pku_mmd(text: Any) -> bool:
    """Whether a text is a skeleton file or a label file of PKU-MMD."""
    line = first_line(text)
    if _LABEL.fullmatch(line):
        return all(_LABEL.fullmatch(other) for other in text.split('\n')
                   if other.strip())
    return len(line.split()) == _COLUMNS and bool(
        re.fullmatch(r'[\d\s.eE+-]+', line))


def read_pku_mmd(text: str) -> List[Recording]:
    """Reads a skeleton file of PKU-MMD, positions in metres.

    Source: the README of PKU-MMD. Each line is a frame at 30 frames per
    second: x, y and z of 25 joints of Kinect v2, of two persons; a person who
    is absent is zero. A file is an untrimmed video, which is read as one
    clip.

    Args:
        text (str): Lines of 150 numbers.

    Returns:
        list[Recording]: One, of layout ``'nturgb+d'``.

    Raises:
        InvalidRecording: If it is a label file, or if a line is not 150
            numbers.
    """
    if _LABEL.fullmatch(first_line(text)):
        raise InvalidRecording(
            'is a label file of PKU-MMD (action, first frame, last frame, '
            'confidence), not a recording: move it to a separate folder')
    rows = []
    for number, line in enumerate(text.split('\n'), 1):
        words = line.split()
        if not words:
            continue
        try:
            rows.append([float(word) for word in words])
        except ValueError:
            raise InvalidRecording(
                f'has a word in line {number} that is not a number') from None
        if len(words) != _COLUMNS:
            raise InvalidRecording(
                f'has {len(words)} numbers in line {number}, not {_COLUMNS} '
                f'({_PERSONS} persons, {_JOINTS} joints, x, y and z)')
    points = np.array(rows).reshape(-1, _PERSONS, _JOINTS, 3)
    frames = [[Detection(person) for person in frame if person.any()]
              for frame in points]
    return [Recording(
        frames=frames, fps=30., layout='nturgb+d',
        notes=[f'is an untrimmed video of PKU-MMD of {len(frames)} frames: '
               'cut it at the frames of its label file to get one clip per '
               'action'])]


FORMATS = (Format('PKU-MMD', ('.txt', ), is_pku_mmd, read_pku_mmd), )
