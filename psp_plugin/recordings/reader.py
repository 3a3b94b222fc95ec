"""Reads one recording of skeletons, whatever its format."""
import re
from pathlib import Path
from typing import Callable, Dict, Optional, Tuple

from psp_plugin.errors import FileError

from .checks import Invalid, make_annotation
from .formats import read_entry, read_json, read_npy
from .ntu import read_skeleton

READERS: Dict[str, Callable[[str], dict]] = {
    '.npy': read_npy,
    '.json': read_json,
    '.skeleton': read_skeleton,
}
SUFFIXES = (*READERS, '.pkl')


class RecordingError(FileError):
    """Why a recording cannot be used."""


def read_recording(path: str,
                   scored: bool = False,
                   max_persons: Optional[int] = 2) -> dict:
    """Reads one recording as a toolbox annotation without a label.

    Nothing of the file is run, pickles included. Formats, by suffix (M
    person, T frame, V joint, C coordinate, 2 or 3):

    - ``.npy``: numbers (T, V, C) or (M, T, V, C).
    - ``.json``: a nested list alike; an object with ``keypoint`` and
      optionally ``keypoint_score`` (T, V) or (M, T, V) and ``img_shape``
      (h, w); NW-UCLA's ``skeletons``; the ``data`` of Kinetics-skeleton.
    - ``.skeleton``: the text of NTU RGB+D, see :func:`.ntu.read_skeleton`.
    - ``.pkl``: one toolbox annotation, or ``data.pkl#NAME`` for the clip of
      that name in a toolbox dataset.

    Args:
        path (str): The recording.
        scored (bool): Whether the third channel is the score of 2-D key
            points, which cannot be told from a third dimension. Defaults to
            False.
        max_persons (int, optional): How many persons are kept, the first
            ones; None for all. Defaults to 2, as in ``FormatGCNInput``.

    Returns:
        dict: ``frame_dir`` (str), the file's name without its suffix or the
        clip's; ``keypoint`` (M, T, V, C) float32, without persons who are
        zero throughout; ``total_frames`` (int), T; and where the file has
        them ``keypoint_score`` (M, T, V) float32 and ``img_shape`` (h, w).

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
    except Invalid as problem:
        raise RecordingError(path, str(problem)) from problem
    except OSError as error:
        raise RecordingError(
            path, f'cannot be read ({error.strerror})') from error
    return keep_persons(annotation, max_persons)


def split_clip(path: str) -> Tuple[str, Optional[str]]:
    """Divides ``data.pkl#NAME``; other paths may have a # of their own."""
    match = re.fullmatch(r'(.*?\.pkl)#(.+)', path, re.I | re.S)
    return (match[1], match[2]) if match else (path, None)


def check_file(file: Path, suffix: str) -> None:
    """Raises Invalid unless there is something that could be read."""
    if suffix not in SUFFIXES:
        raise Invalid(f'is none of {", ".join(SUFFIXES)}')
    if not file.exists():
        raise Invalid('does not exist')
    if not file.is_file():
        raise Invalid('is not a file')
    if not file.stat().st_size:
        raise Invalid('is empty')


def keep_persons(annotation: dict, count: Optional[int]) -> dict:
    """Leaves the first persons of an annotation."""
    for key in ('keypoint', 'keypoint_score'):
        if key in annotation:
            annotation[key] = annotation[key][:count]
    return annotation
