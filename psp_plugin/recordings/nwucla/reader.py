"""Reads NW-UCLA skeleton sequences from a zip or a folder.

Wang et al., "Cross-view Action Modeling, Learning and Recognition", CVPR 2014
(reference [72] of the PSP paper), in the commonly circulated format: one
``aAA_sSS_eEE_vVV.json`` (action, subject, episode, view) per sequence.
"""
import hashlib
import json
import os
import re
import zipfile
import zlib
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Tuple

import numpy as np

CLASSES = ('pick up with one hand', 'pick up with two hands', 'drop trash',
           'walk around', 'sit down', 'stand up', 'donning', 'doffing',
           'throw', 'carry')
# The action numbers of the file names, in the order of CLASSES.
ACTIONS = (1, 2, 3, 4, 5, 6, 8, 9, 11, 12)
TRAIN_VIEWS = (1, 2)
VAL_VIEW = 3
NUM_JOINTS = 20

NAME = re.compile(r'a(\d\d)_s(\d\d)_e(\d\d)_v(\d\d)')
UNREADABLE = (OSError, EOFError, zipfile.BadZipFile, zlib.error,
              RuntimeError)  # zipfile raises the last for encrypted members


class NWUCLAError(ValueError):
    """Raised for a source that cannot be converted, with a user message."""


@dataclass(frozen=True)
class Sequence:
    """One skeleton sequence and the fields of its file name.

    Args:
        name: The file name without its suffix.
        action: The action number AA, one of ``ACTIONS``.
        subject: The subject number SS.
        view: The view number VV, 1 to 3.
        points: Joint positions in metres, (T, V, 3), float32.
    """
    name: str
    action: int
    subject: int
    view: int
    points: np.ndarray

    @property
    def label(self) -> int:
        """The class, 0 to 9, unlike ``label`` of the JSON file."""
        return ACTIONS.index(self.action)

    @cached_property
    def digest(self) -> bytes:
        """Equal for two sequences if and only if their points are."""
        return hashlib.sha256(self.points.tobytes()).digest()


@dataclass(frozen=True)
class Note:
    """A remark about a file for the user.

    Args:
        name: The file, relative to the source.
        reason: Predicate of a sentence about the file.
        kept: Whether the dataset contains it. Defaults to False.
    """
    name: str
    reason: str
    kept: bool = False

    def __str__(self) -> str:
        return f'{"kept" if self.kept else "left out"}: {self.name}: ' \
               f'{self.reason}'


def read_sequences(source: str) -> Tuple[List[Sequence], List[Note]]:
    """Reads all valid sequences of a zip or a folder, recursively.

    Nothing is extracted to disk. A ``.json`` file that is not a valid
    sequence is left out, with a note; one of a single frame is kept, with a
    note.

    Args:
        source (str): The zip or folder.

    Returns:
        tuple: The sequences, sorted by name, and the notes, sorted by file.

    Raises:
        NWUCLAError: If ``source`` is missing, neither a zip nor a folder, or
            has no valid sequence.
    """
    found: Dict[str, Sequence] = {}
    notes: List[Note] = []
    for path, read in _json_files(source, notes):
        try:
            sequence = parse_sequence(path, read())
        except UNREADABLE as error:
            notes.append(Note(path, f'cannot be read ({error})'))
            continue
        except ValueError as error:
            notes.append(Note(path, str(error)))
            continue
        if sequence.name in found:
            notes.append(Note(path, 'has the name of another file'))
            continue
        if len(sequence.points) == 1:
            notes.append(Note(path, 'has a single frame', kept=True))
        found[sequence.name] = sequence
    notes.sort(key=lambda note: note.name)
    if not found:
        first = f'; {len(notes)} left out, first {notes[0].name}: ' \
                f'{notes[0].reason}' if notes else ''
        raise NWUCLAError(f'{source} contains no valid sequence named '
                          f'aAA_sSS_eEE_vVV.json{first}')
    return [found[name] for name in sorted(found)], notes


def _json_files(source: str,
                notes: List[Note]) -> Iterator[Tuple[str, Callable[..., Any]]]:
    """Yields relative path and reader of every JSON file, sorted.

    A reader is valid until the next one is requested.
    """
    if os.path.isdir(source):
        yield from _folder_files(source, notes)
    elif not os.path.exists(source):
        raise NWUCLAError(f'{source} does not exist')
    elif not zipfile.is_zipfile(source):
        raise NWUCLAError(f'{source} is neither a zip nor a folder')
    else:
        yield from _zip_files(source)


def _folder_files(
        root: str,
        notes: List[Note]) -> Iterator[Tuple[str, Callable[..., Any]]]:

    def note_folder(error: OSError) -> None:
        notes.append(Note(os.path.relpath(error.filename, root),
                          f'cannot be listed ({error.strerror})'))

    paths = [
        os.path.join(folder, file)
        for folder, _, files in os.walk(root, onerror=note_folder)
        for file in files if _is_json(file)
    ]
    for path in sorted(paths):
        yield os.path.relpath(path, root), Path(path).read_bytes


def _zip_files(source: str) -> Iterator[Tuple[str, Callable[..., Any]]]:
    try:
        archive = zipfile.ZipFile(source)
    except UNREADABLE as error:
        raise NWUCLAError(f'{source} cannot be read as a zip '
                          f'({error})') from error
    with archive:
        for info in sorted(archive.infolist(), key=lambda i: i.filename):
            if _is_json(info.filename):
                yield info.filename, partial(archive.read, info)


def _is_json(path: str) -> bool:
    return path.lower().endswith('.json')


def parse_sequence(path: str, content: bytes) -> Sequence:
    """Parses the name and content of a file.

    Args:
        path (str): The file's path, of which only the name is used.
        content (bytes): JSON with the key ``skeletons``, T x 20 x 3 numbers.

    Returns:
        Sequence: The sequence.

    Raises:
        ValueError: If the name or the content is not that of a sequence; the
            message is the predicate of a sentence about the file.
    """
    name = os.path.splitext(os.path.basename(path))[0]
    match = NAME.fullmatch(name)
    if match is None:
        raise ValueError('is not named aAA_sSS_eEE_vVV.json')
    action, subject, _, view = map(int, match.groups())
    if action not in ACTIONS:
        raise ValueError(f'has action {action}, not one of {ACTIONS}')
    if view not in (*TRAIN_VIEWS, VAL_VIEW):
        raise ValueError(f'has view {view}, not one of '
                         f'{(*TRAIN_VIEWS, VAL_VIEW)}')
    return Sequence(name, action, subject, view, _parse_points(content))


def _parse_points(content: bytes) -> np.ndarray:
    """Parses the points (T, V, 3) of a JSON file."""
    try:
        record = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f'is not JSON ({error})') from error
    if not isinstance(record, dict) or 'skeletons' not in record:
        raise ValueError('has no key "skeletons"')
    try:
        points = np.array(record['skeletons'])
    except ValueError as error:
        raise ValueError('has frames or joints of unequal length') from error
    if points.ndim and not len(points):
        raise ValueError('has no frames')
    if points.dtype.kind not in 'iuf':
        raise ValueError('has values that are not numbers')
    if points.shape[1:] != (NUM_JOINTS, 3):
        raise ValueError(f'has skeletons of shape {points.shape}, not '
                         f'(frames, {NUM_JOINTS}, 3)')
    with np.errstate(over='ignore'):  # too large becomes infinite, see below
        points = points.astype(np.float32)
    bad = (~np.isfinite(points)).any((1, 2)).sum()
    if bad:
        raise ValueError(f'has NaN or infinite coordinates in {bad} of '
                         f'{len(points)} frames')
    if not points.any():
        raise ValueError('has only zeros')
    return points
