"""Reads the recordings of skeletons in a file, of any supported format."""
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from psp_plugin.errors import FileError

from .checks import ReadClip, make_clips
from .options import ReadOptions
from .recording import InvalidRecording
from .sources import Source, frame_of, read_source, whole_source


class RecordingError(FileError):
    """Raised for a recording that cannot be used."""


class FileClips(List[ReadClip]):
    """The valid clips of a file.

    Args:
        name (str): Name of the file's format.

    Attributes:
        format: That name.
        invalid: Name and reason of each clip that cannot be used.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.format = name
        self.invalid: List[Tuple[str, str]] = []


def read_recording(path: str,
                   scored: bool = False,
                   max_persons: Optional[int] = 2,
                   options: Optional[ReadOptions] = None) -> Dict[str, Any]:
    """Reads one recording as a toolbox annotation without a label.

    No code of the file is run, not even of pickles. The format is recognized
    by suffix and content; docs/reference/formats.md lists all. Bodies that
    follow on each other in time and place are joined, and persons are sorted
    by presence, motion and score; those of a pickle stay as they are, because
    training has them so.

    Args:
        path (str): The recording: a file, or a folder of one file per frame;
            ``FILE#NAME`` for one clip of a file of several, such as
            ``data.pkl#NAME``.
        scored (bool): Whether the third channel is the score of 2-D key
            points, which cannot be distinguished from a third coordinate.
            Defaults to False.
        max_persons (int, optional): Maximum number of persons; None for all.
            Defaults to 2, as in ``FormatGCNInput``.
        options (ReadOptions, optional): All options; ``scored`` and
            ``max_persons`` are then taken from it. Defaults to None.

    Returns:
        dict: ``frame_dir`` (str), the clip's name, or else the file's without
        its suffix; ``keypoint`` (M, T, V, C) float32, without persons who are
        zero in all frames; ``total_frames`` (int), T; and, if the file has
        them, ``keypoint_score`` (M, T, V) float32 and ``img_shape`` (h, w).

    Raises:
        RecordingError: If the recording is missing or cannot be used.
    """
    if options is None:
        options = ReadOptions(scored=scored, max_persons=max_persons)
    return read_clip(path, options).annotation


def read_clip(path: str, options: ReadOptions) -> ReadClip:
    """Reads one recording with its label, layout and frame rate.

    Args:
        path (str): See :func:`read_recording`.
        options (ReadOptions): How to read.

    Raises:
        RecordingError: If the recording is missing or cannot be used.
    """
    file, clip = split_clip(path)
    if file.lower().endswith('.pkl'):
        options = replace(options, choose_persons=False)
    source = whole_source(Path(file))
    clips = read_clips(source, options, clip, shown=path)
    if len(clips) > 1 or (clips and clips.invalid):
        raise RecordingError(
            path, f'contains {len(clips) + len(clips.invalid)} clips: append '
            f'the name of one, such as #{clips[0].annotation["frame_dir"]}')
    if not clips:
        name, reason = clips.invalid[0]
        raise RecordingError(path, reason if len(clips.invalid) == 1 else (
            f'has no valid clip: {name!r}, the first of {len(clips.invalid)}, '
            f'{reason}'))
    return clips[0]


def read_clips(source: Source, options: ReadOptions,
               clip: Optional[str] = None,
               shown: Optional[str] = None,
               prefix: Optional[str] = None) -> FileClips:
    """Reads all clips of a file, or of the files of its frames.

    Args:
        source (Source): The file.
        options (ReadOptions): How to read.
        clip (str, optional): Name of the only clip to read. Defaults to None,
            all.
        shown (str, optional): Path for messages. Defaults to the file's.
        prefix (str, optional): Name of the file, which comes before the names
            of several clips. Defaults to None: the name of a clip in its
            file, or else the file's without suffix.

    Returns:
        FileClips: The clips, ``frame_dir`` being their names.

    Raises:
        RecordingError: If the file cannot be read, or has no clip of the
            name.
    """
    shown = str(source.path) if shown is None else shown
    try:
        known, recordings = read_source(source, options.joints)
    except InvalidRecording as problem:
        raise RecordingError(shown, str(problem)) from problem
    except OSError as error:
        raise RecordingError(
            shown, f'cannot be read ({error.strerror})') from error
    named = [each for each in recordings if each.name == clip]
    if clip is not None and len(named) == 1:
        recordings = named
    clips = FileClips(known.name)
    for recording in recordings:
        name = recording.name or prefix or name_of(source)
        if prefix and recording.name:
            name = f'{prefix}/{recording.name}'
        try:
            clips += make_clips(recording, name, options)
        except InvalidRecording as problem:
            clips.invalid.append((name, str(problem)))
    if clip is not None and len(named) != 1:
        # Clips of an axis N are named when they are made.
        made = [each for each in clips
                if each.annotation['frame_dir'] == clip and not named]
        if len(made) != 1:
            raise RecordingError(
                shown, f'contains {len(named)} clips of this name among '
                f'{len(clips) + len(clips.invalid)}')
        clips[:], clips.invalid = made, []
    return clips


def name_of(source: Source) -> str:
    """Returns the name of a file, or of the clip that its frames make up."""
    frame = frame_of(source.path.name) if source.frames else None
    if frame is None:
        return source.path.stem
    return frame[0] or source.path.parent.name


def split_clip(path: str) -> Tuple[str, Optional[str]]:
    """Splits ``FILE#NAME``; other paths may contain a #."""
    match = re.fullmatch(r'(.*?\.(?:pkl|npz|npy|json))#(.+)', path,
                         re.I | re.S)
    return (match[1], match[2]) if match else (path, None)
