"""Files of recordings, their contents and formats."""
import functools
import json
import os
import re
import zipfile
import zlib
from pathlib import Path
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    List,
    NamedTuple,
    Optional,
    Tuple,
)

import numpy as np
import scipy.io

from psp_plugin.annotations import PickleFileError, load_pickle

from .formats import (
    alphapose,
    annotation,
    arrays,
    bvh,
    coco_results,
    kinect,
    kinetics,
    mediapipe,
    mmpose,
    npz,
    ntu,
    openpose,
    pku_mmd,
    text,
    utd_mhad,
    yolo,
)
from .recording import Format, InvalidRecording, Recording
from .text_files import read_text

# In the order in which they are tried.
FORMATS: Tuple[Format, ...] = tuple(
    known for module in (
        annotation, ntu, pku_mmd, utd_mhad, kinetics, openpose, alphapose,
        mmpose, coco_results, yolo, mediapipe, kinect, bvh, npz, arrays, text)
    for known in module.FORMATS)
SUFFIXES = tuple(dict.fromkeys(
    suffix for known in FORMATS for suffix in known.suffixes))


class Source(NamedTuple):
    """The file of a recording, or the files of its frames.

    Args:
        path: The file, or that of the first frame.
        frames: The file of each frame number, for formats of one file per
            frame.
    """
    path: Path
    frames: Optional[Dict[int, Path]] = None


def read_source(source: Source, joints: Optional[int] = None
                ) -> Tuple[Format, List[Recording]]:
    """Reads the recordings of a file, or of the files of its frames.

    Args:
        source (Source): The file or files.
        joints (int, optional): The number of joints, for tables of numbers
            without names. Defaults to None.

    Raises:
        InvalidRecording: If it cannot be read, or is in no known format.
        OSError: If a file cannot be opened.
    """
    if source.frames is None:
        content = load_content(source.path)
        found = find_format(content, source)
        if found.takes_joints:
            return found, found.read(content, joints)
        return found, found.read(content)
    contents = {number: load_frame(path)
                for number, path in source.frames.items()}
    first = next(filter(None, contents.values()), None)
    found = find_format(first, source)
    for number, content in contents.items():
        if content and not found.matches(content):
            raise InvalidRecording(
                f'has {source.frames[number].name} among its frames, which is '
                f'not of {found.name}')
    return found, found.read(contents)


def load_frame(path: Path) -> Any:
    """Reads the file of a frame, which is empty in some without a person."""
    if path.suffix.lower() == '.txt' and not path.stat().st_size:
        return ''
    try:
        return load_content(path)
    except InvalidRecording as problem:
        raise InvalidRecording(f'has {path.name} among its frames, which '
                               f'{problem}') from problem


def find_format(content: Any, source: Source) -> Format:
    """Returns the first format that recognizes a content.

    Raises:
        InvalidRecording: If none does.
    """
    suffix = source.path.suffix.lower()
    for known in FORMATS:
        of_frames = known.frame_name is not None
        if suffix in known.suffixes and of_frames == (
                source.frames is not None) and known.matches(content):
            return known
    if source.frames is None:
        check_no_frame(content, suffix)
    names = ', '.join(known.name for known in FORMATS
                      if suffix in known.suffixes)
    raise InvalidRecording(f'holds {describe(content)}, which is in none of '
                           f'the formats of {suffix} files ({names})')


def check_no_frame(content: Any, suffix: str) -> None:
    """Raises InvalidRecording for the content of one frame.

    Its file is not among those of a clip, as its name has no number, or the
    number of another file.
    """
    for known in FORMATS:
        if suffix in known.suffixes and known.matches(content):
            raise InvalidRecording(
                f'holds one frame of {known.name}, but its name has no frame '
                'number, or that of another file of the clip')


def describe(content: Any) -> str:
    """Describes the content of a file in a few words."""
    if isinstance(content, dict):
        keys = ', '.join(map(repr, list(content)[:5]))
        more = ', ...' if len(content) > 5 else ''
        return f'an object with the keys {keys}{more}' if content else \
            'an empty object'
    if isinstance(content, (list, tuple)):
        first = f', the first {describe(content[0])}' if content else ''
        return f'a list of {len(content)} items{first}'[:200]
    if isinstance(content, np.ndarray):
        return f'an array of shape {content.shape}'
    if isinstance(content, str):
        line = content.split('\n', 1)[0][:60]
        return f'text that starts with {line!r}'
    return f'the value {content!r}'[:60]


def check_file(path: Path) -> None:
    """Raises InvalidRecording unless it is a file of a known suffix."""
    if not path.exists():
        raise InvalidRecording('does not exist')
    if path.is_dir():
        raise InvalidRecording(
            'is a folder, but not of one recording with a file for each '
            'frame: name a file in it')
    if path.suffix.lower() not in SUFFIXES:
        raise InvalidRecording(f'is not one of {", ".join(SUFFIXES)}')
    if not path.is_file():
        raise InvalidRecording('is not a file')
    if not path.stat().st_size:
        raise InvalidRecording('is empty')


def load_content(path: Path) -> Any:
    """Reads a file by its suffix, without running code from it.

    Raises:
        InvalidRecording: If the file is not what its suffix says.
        OSError: If it cannot be opened.
    """
    check_file(path)
    loader = LOADERS.get(path.suffix.lower(), load_text)
    return loader(path)


def load_text(path: Path) -> str:
    """Reads text in any Unicode encoding, with any line ends."""
    return read_text(str(path))


def load_json(path: Path) -> Any:
    """Reads JSON."""
    text = load_text(path)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRecording(f'is not JSON ({error})') from error


def load_npy(path: Path) -> np.ndarray:
    """Reads a ``.npy`` file of numbers, not of Python objects."""
    with open(path, 'rb') as stream:
        try:
            return np.lib.format.read_array(stream, allow_pickle=False)
        except (ValueError, EOFError, MemoryError) as error:
            detail = str(error).split('\n')[0] or 'too large'
            raise InvalidRecording(
                f'is not a .npy file of numbers ({detail})') from error


def load_annotations(path: Path) -> Any:
    """Reads a pickle, caching the last one for reading several clips."""
    stat = os.stat(path)
    try:
        return load_once(str(path), stat.st_mtime_ns, stat.st_size)
    except PickleFileError as error:
        raise InvalidRecording(error.reason) from error


@functools.lru_cache(maxsize=1)
def load_once(path: str, changed: int, size: int) -> Any:
    """Reads a pickle; the cache key changes with the file."""
    return load_pickle(path)


def load_mat(path: Path) -> Dict[str, Any]:
    """Reads a MATLAB file up to version 7."""
    try:
        content: Dict[str, Any] = scipy.io.loadmat(path)
        return content
    except NotImplementedError as error:
        raise InvalidRecording(
            'is a MATLAB file of version 7.3: save it with -v7') from error
    except Exception as error:  # damaged bytes can raise any exception
        raise InvalidRecording(
            f'is not a MATLAB file that can be read ({error})') from error


def load_npz(path: Path) -> Dict[str, np.ndarray]:
    """Reads a ``.npz`` file of numbers, not of Python objects."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return dict(archive)
    except (ValueError, EOFError, MemoryError, zipfile.BadZipFile,
            zlib.error, AttributeError, TypeError) as error:
        detail = str(error).split('\n')[0] or 'too large'
        raise InvalidRecording(
            f'is not a .npz file of numbers ({detail})') from error


LOADERS: Dict[str, Callable[[Path], Any]] = {
    '.json': load_json,
    '.mat': load_mat,
    '.npy': load_npy,
    '.npz': load_npz,
    '.pkl': load_annotations,
}


def frame_of(name: str) -> Optional[Tuple[str, int]]:
    """Splits the name of a frame's file into clip and number, if it is one.

    Whether it really is also depends on its content, see
    :func:`find_format`.
    """
    for known in FORMATS:
        match = known.frame_name and re.fullmatch(known.frame_name, name)
        if match:
            return match['clip'], int(match['frame'])
    return None


def frame_groups(paths: Iterable[Path]
                 ) -> Tuple[Dict[Tuple[str, str], Dict[int, Path]],
                            List[Path]]:
    """Groups the files of a folder that can be frames, by their names.

    Args:
        paths (Iterable[Path]): The files of one folder.

    Returns:
        tuple: The file of each frame number, by clip and suffix; and the
        other files, among them those whose number is there already.
    """
    groups: Dict[Tuple[str, str], Dict[int, Path]] = {}
    others = []
    for path in sorted(paths):
        frame = frame_of(path.name)
        if frame is None:
            others.append(path)
            continue
        group = groups.setdefault((frame[0], path.suffix.lower()), {})
        if group.setdefault(frame[1], path) != path:
            others.append(path)
    return {key: dict(sorted(group.items()))
            for key, group in groups.items()}, others


def is_other_text(path: Path) -> bool:
    """Whether a file of a common suffix for text is in no known format."""
    if path.suffix.lower() not in ('.txt', '.csv'):
        return False
    try:
        find_format(load_content(path), Source(path))
    except (InvalidRecording, OSError):
        return True
    return False


def are_frames(paths: List[Path]) -> bool:
    """Whether files have one frame each, by the first that has a person."""
    for path in paths:
        try:
            content = load_frame(path)
        except (InvalidRecording, OSError):
            continue  # damaged: the others show what it would have been
        if content:
            try:
                find_format(content, Source(path, {0: path}))
            except InvalidRecording:
                return False
            return True
    return False


def whole_source(path: Path) -> Source:
    """Returns the source of a file, or of a folder of one file per frame.

    The file of one frame stands for the frames of its clip in the folder. A
    folder of anything but the frames of one clip is its own source, which
    cannot be read.
    """
    folder = path if path.is_dir() else path.parent
    frame = frame_of(path.name)
    if not path.is_dir() and (frame is None or not path.is_file()):
        return Source(path)
    groups, others = frame_groups(folder.iterdir())
    if path.is_dir() and len(groups) != 1 or path in others:
        return Source(path)
    frames = next(iter(groups.values())) if frame is None else groups[
        frame[0], path.suffix.lower()]
    if not are_frames(list(frames.values())):
        return Source(path)
    return Source(next(iter(frames.values())), frames)
