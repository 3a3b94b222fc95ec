"""Finds the clips that arguments of a command name, and their labels."""
import re
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

from psp_plugin.annotations import (
    AnnotationFile,
    find_problems,
    is_integer,
    is_prepared,
    is_unlabeled,
    parse_annotations,
    read_annotations,
    read_pickle,
    select_clips,
)
from psp_plugin.commands.clips import Clip, ClipError, ClipPreparer
from psp_plugin.errors import InputError
from psp_plugin.recordings import (
    SUFFIXES,
    ReadOptions,
    RecordingError,
    Source,
    find_recordings,
    is_other_text,
    read_clip,
    read_clips,
    split_clip,
)

# Files that can hold several clips with names of their own.
ARCHIVES = ('.npz', '.pkl')


class FoundClip(NamedTuple):
    """A clip that a command was given.

    Args:
        clip: A recording, or an annotation without its label, whose
            ``frame_dir`` is ``file.pkl#NAME``; see :data:`.clips.Clip`.
        name: Its name, without the path of its file.
        label: Its label in an annotation file; None if it has none.
        split: The splits of the file that contain it, separated by spaces.
        metainfo: That of the annotation file.
    """
    clip: Clip
    name: str
    label: Any = None
    split: str = ''
    metainfo: Dict[str, Any] = {}

    @property
    def has_class(self) -> bool:
        """Whether it has exactly one label."""
        return is_integer(self.label)


def find_clips(arguments: Sequence[str],
               split: Optional[str] = None,
               options: Optional[ReadOptions] = None) -> List[FoundClip]:
    """Finds the clips of recordings, folders and annotation files.

    Args:
        arguments (Sequence[str]): Recordings; ``file.pkl#NAME`` for one clip
            of an annotation file; annotation files, for all of their clips;
            and folders of recordings and annotation files, of any depth.
        split (str, optional): The only split of the annotation files to
            take. Defaults to None, all clips.
        options (ReadOptions, optional): How recordings are read. Defaults to
            None, the default options.

    Returns:
        list[FoundClip]: In the order of the arguments, of the paths in a
        folder, and of the clips in a file. A file that cannot be read is
        returned as a recording, so that reading it raises its error.

    Raises:
        InputError: If a folder contains no recording, if a file does not
            have the split, if a split is given but no annotation file, or if
            clips of an annotation file are to be resampled.
    """
    found: List[FoundClip] = []
    files = 0
    for path, shown in [pair for one in arguments
                        for pair in recordings_in(one)]:
        file = read_file(path)
        if file is None:
            found += clips_of_recording(path, shown, options or ReadOptions())
        elif options is not None and options.fps is not None:
            raise InputError(
                f'{path} is an annotation file, whose clips are taken as they '
                'are, without --fps: resample them with '
                'tools/data/convert_skeletons.py')
        else:
            files += 1
            found += clips_of_file(file, split)
    if split is not None and not files:
        raise InputError(f'split {split!r} is given, but no annotation file '
                         'of several clips that has splits: leave it out')
    return found


def find_pool(path: str, split: Optional[str] = None,
              options: Optional[ReadOptions] = None) -> Dict[str, FoundClip]:
    """Finds the clips of a pool by the names that label tables have for them.

    Args:
        path (str): An annotation file, a recording, or a folder.
        split, options: See :func:`find_clips`.

    Returns:
        dict[str, FoundClip]: Those of a folder have the names that
        :func:`psp_plugin.recordings.convert_folder` gives them.

    Raises:
        InputError: See :func:`find_clips`; or if there is no clip, or if two
            have one name.
    """
    pool: Dict[str, FoundClip] = {}
    for clip in find_clips([path], split, options):
        name = name_in(path, clip, options or ReadOptions())
        if name in pool:
            raise InputError(
                f'several clips of {path} have the name {name!r}, by which a '
                'label table cannot tell them apart: rename all but one')
        pool[name] = clip
    if not pool:
        raise InputError(f'{path} has no clip')
    return pool


def name_in(path: str, clip: FoundClip, options: ReadOptions) -> str:
    """Returns the name of a clip in a label table for a pool.

    It is the one that :func:`psp_plugin.recordings.convert_folder` gives it
    if the pool is a folder: the path of its file without suffix, followed by
    its own name in a file of several clips.
    """
    if not Path(path).is_dir():
        return clip.name
    file, own = split_clip(str(
        clip.clip['frame_dir'] if isinstance(clip.clip, dict) else clip.clip))
    stem, suffix = Path(file).stem, Path(file).suffix.lower()
    prefix = Path(file).relative_to(path).with_suffix('').as_posix()
    if own is None:
        if suffix not in ARCHIVES:
            return clip.name
        try:
            read = read_clips(Source(Path(file)), options, prefix=prefix)
        except RecordingError:
            return clip.name  # reading it again raises the error
        names = [each.annotation['frame_dir'] for each in read]
        names += [name for name, _ in read.invalid]
        return names[0] if len(names) == 1 else clip.name
    if suffix not in ('.pkl', '.json') and own == stem:
        return prefix
    if 'N' in (options.axes or '') and suffix not in ARCHIVES and (
            own.startswith(f'{stem}_')):
        return prefix + own[len(stem):]  # numbered along the axis N
    return f'{prefix}/{own}'


def recordings_in(argument: str) -> List[Tuple[str, str]]:
    """Returns path and name of a recording, or of all in a folder, by name.

    Raises:
        InputError: If a folder contains none.
    """
    path = Path(argument)
    if not path.is_dir():
        return [(argument, name_of(argument))]
    folder = find_recordings(argument)
    found = [(str(source.path), name)
             for name, source in folder.files.items()
             if source.frames or not is_other_text(source.path)]
    # Files of the same name are recordings of their own here.
    found += [(str(path / item.name), Path(item.name).stem)
              for item in folder.skipped if item.kind == 'name']
    if not found:
        raise InputError(
            f'folder {argument} contains no recording: there are '
            f'{folder.contents or "no files of other kinds"}, but recordings '
            f'are {", ".join(SUFFIXES)} files, text in a known format')
    return sorted(found)


def name_of(path: str) -> str:
    """The name of a recording: after a #, or its file's without suffix."""
    file, clip = split_clip(path)
    return clip or Path(file).stem


def clips_of_recording(path: str, name: str,
                       options: ReadOptions) -> List[FoundClip]:
    """Returns a recording, or the clips of a file of several.

    These are ``.npz`` files, datasets as ``.json``, and arrays whose axes
    include that of the clips.
    Invalid clips come last, as recordings, so that reading them raises their
    errors.
    """
    suffixes = ('.npz', '.npy', '.json') if 'N' in (options.axes or '') else (
        '.npz', )
    if Path(path).is_file() and (
            path.lower().endswith(suffixes) or may_be_dataset(path)):
        try:
            clips = read_clips(Source(Path(path)), options)
        except RecordingError:
            return [FoundClip(path, name)]  # reading it raises the error
        if len(clips) + len(clips.invalid) > 1:
            return [found_clip(
                dict(clip.annotation, label=clip.label),
                f'{path}#{clip.annotation["frame_dir"]}',
                clip.annotation['frame_dir'], '') for clip in clips] + [
                    FoundClip(f'{path}#{clip}', clip)
                    for clip, _ in clips.invalid]
    return [FoundClip(path, name)]


def may_be_dataset(path: str) -> bool:
    """Whether the first bytes of a JSON file look like those of a dataset."""
    if not path.lower().endswith('.json'):
        return False
    with open(path, 'rb') as stream:
        return re.search(
            b'"(annotations|split|metainfo|frame_dir|keypoint)"',
            stream.read(4096)) is not None


def read_file(path: str) -> Optional[AnnotationFile]:
    """Reads an annotation file; None for a recording or an invalid file.

    A pickle of one annotation is a recording.
    """
    if is_prepared(path):
        return read_annotations(path)
    whole, _, name = path.partition('#')
    if name and is_prepared(whole):
        return only_clip(read_annotations(whole), name)
    if Path(path).suffix.lower() != '.pkl' or not Path(path).is_file():
        return None
    try:
        content = read_pickle(path)
        if isinstance(content, dict) and 'keypoint' in content:
            return None
        return parse_annotations(content, path)
    except InputError:
        return None  # whose error the reader of recordings raises


def only_clip(file: AnnotationFile, name: str) -> AnnotationFile:
    """Returns a file with one of its clips, as a list without splits.

    Raises:
        InputError: If there is no clip of that name.
    """
    place = next((place for place, own in enumerate(file.names)
                  if own == name), None)
    if place is None:
        raise InputError(f'{file.path} has no clip {name!r}: name one of its '
                         f'{len(file.clips)} clips, such as '
                         f'{file.path}#{file.names[0]}')
    return file._replace(clips=file.clips[place:place + 1], splits=None)


def clips_of_file(file: AnnotationFile,
                  split: Optional[str] = None) -> List[FoundClip]:
    """Returns all clips of an annotation file, or those of a split.

    Args:
        file (AnnotationFile): The file.
        split (str, optional): The split. Defaults to None, all clips.

    Raises:
        InputError: If there is no such split, or if it has no clip.
    """
    clips = file.clips if split is None else select_clips(file, split)
    splits: Dict[str, List[str]] = {}
    for name, names in (file.splits or {}).items():
        for clip in names:
            splits.setdefault(clip, []).append(str(name))
    return [found_clip(clip, f'{file.path}#{clip[file.key]}', clip[file.key],
                       ' '.join(splits.get(clip[file.key], ())))._replace(
                           metainfo=file.metainfo)
            for clip in clips]


def read_annotation(clip: FoundClip, options: ReadOptions) -> Dict[str, Any]:
    """Reads a clip without preparing it for a model.

    Args:
        clip (FoundClip): The clip.
        options (ReadOptions): How recordings are read.

    Returns:
        dict: ``keypoint`` (M, T, V, C) and the clip's other keys.

    Raises:
        ClipError: If it cannot be read or is invalid.
    """
    data = clip.clip
    if not isinstance(data, dict):
        try:
            data = read_clip(str(data), options).annotation
        except RecordingError as error:
            raise ClipError(str(error)) from error
    problem = next(find_problems({**data, 'label': None}), None)
    if problem is not None:
        raise ClipError(f'{data.get("frame_dir", clip.name)} {problem.text}')
    return data


def compare_files(clips: Sequence[FoundClip], prepare: ClipPreparer) -> None:
    """Compares the metainfo of annotation files with the training clips.

    Args:
        clips (Sequence[FoundClip]): The clips.
        prepare (ClipPreparer): Knows the training clips.

    Raises:
        ClipError: If a file has other joints.
    """
    files = {str(clip.clip['frame_dir']).rpartition('#')[0]: clip.metainfo
             for clip in clips
             if clip.metainfo and isinstance(clip.clip, dict)}
    for path, metainfo in files.items():
        prepare.compare(path, metainfo)


def found_clip(annotation: Dict[str, Any], shown: str, name: str,
               split: str) -> FoundClip:
    """Returns a clip of an annotation, whose label is moved out of it."""
    clip = {key: value for key, value in annotation.items() if key != 'label'}
    label = annotation.get('label')
    return FoundClip(dict(clip, frame_dir=shown), name,
                     None if is_unlabeled(label) else label, split)
