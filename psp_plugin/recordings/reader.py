"""Reads one recording of skeletons, of any supported format."""
import re
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Tuple

from psp_plugin.errors import FileError

from .checks import make_annotation
from .formats.ntu import read_skeleton
from .formats.plain import read_entry, read_json, read_npy
from .recording import InvalidRecording

READERS: Dict[str, Callable[[str], Dict[str, Any]]] = {
    '.npy': read_npy,
    '.json': read_json,
    '.skeleton': read_skeleton,
}
SUFFIXES = (*READERS, '.pkl')


class RecordingError(FileError):
    """Raised for a recording that cannot be used."""


def read_recording(path: str,
                   scored: bool = False,
                   max_persons: Optional[int] = 2) -> Dict[str, Any]:
    """Reads one recording as a toolbox annotation without a label.

    No code of the file is run, not even of pickles. Formats by suffix (M
    person, T frame, V joint, C coordinate, 2 or 3):

    - ``.npy``: numbers (T, V, C) or (M, T, V, C).
    - ``.json``: nested lists of the same shapes; an object with ``keypoint``
      and optionally ``keypoint_score`` (T, V) or (M, T, V) and ``img_shape``
      (h, w); NW-UCLA's ``skeletons``; the ``data`` of Kinetics-skeleton.
    - ``.skeleton``: the text of NTU RGB+D.
    - ``.pkl``: one toolbox annotation, or ``data.pkl#NAME`` for the clip of
      that name in a toolbox dataset.

    Args:
        path (str): The recording.
        scored (bool): Whether the third channel is the score of 2-D key
            points, which cannot be distinguished from a third coordinate.
            Defaults to False.
        max_persons (int, optional): Maximum number of persons, of which the
            first are kept; None for all. Defaults to 2, as in
            ``FormatGCNInput``.

    Returns:
        dict: ``frame_dir`` (str), the clip's name, or else the file's without
        its suffix; ``keypoint`` (M, T, V, C) float32, without persons who are
        zero in all frames; ``total_frames`` (int), T; and, if the file has
        them, ``keypoint_score`` (M, T, V) float32 and ``img_shape`` (h, w).

    Raises:
        RecordingError: If the recording is missing or cannot be used.
    """
    file, clip = split_clip(path)
    suffix = Path(file).suffix.lower()
    try:
        check_file(Path(file), suffix)
        if suffix == '.pkl':
            raw = read_entry(file, clip)
        else:
            raw = READERS[suffix](file)
        annotation = make_annotation(
            Path(file).stem if clip is None else clip, scored=scored, **raw)
    except InvalidRecording as problem:
        raise RecordingError(path, str(problem)) from problem
    except OSError as error:
        raise RecordingError(
            path, f'cannot be read ({error.strerror})') from error
    return keep_persons(annotation, max_persons)


def split_clip(path: str) -> Tuple[str, Optional[str]]:
    """Splits ``data.pkl#NAME``; other paths may contain a #."""
    match = re.fullmatch(r'(.*?\.pkl)#(.+)', path, re.I | re.S)
    return (match[1], match[2]) if match else (path, None)


def check_file(file: Path, suffix: str) -> None:
    """Raises InvalidRecording unless it is a file of a known format."""
    if suffix not in SUFFIXES:
        raise InvalidRecording(f'is not one of {", ".join(SUFFIXES)}')
    if not file.exists():
        raise InvalidRecording('does not exist')
    if not file.is_file():
        raise InvalidRecording('is not a file')
    if not file.stat().st_size:
        raise InvalidRecording('is empty')


def keep_persons(annotation: Dict[str, Any],
                 count: Optional[int]) -> Dict[str, Any]:
    """Keeps the first persons of an annotation, in place."""
    for key in ('keypoint', 'keypoint_score'):
        if key in annotation:
            annotation[key] = annotation[key][:count]
    return annotation
