"""Reads splits and clips of an annotation file, without running code."""
from collections import Counter
from numbers import Real
from pathlib import Path
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence

import mmengine
import numpy as np

from psp_plugin.errors import InputError

from .clip_checks import Problem, is_unlabeled, shown
from .pickles import PickleFileError, load_pickle
from .prepared import PreparedClips, PreparedFile, SplitNames, is_prepared

LISTS = (list, tuple, set, frozenset, np.ndarray)
KEYS = ('split', 'annotations')
# How to obtain a missing file, by its name.
HOW_TO_MAKE = {
    'nwucla_3d.pkl':
    'make it with `python tools/data/convert_nwucla.py all_sqe.zip -o {path}`',
    'ntu60_3d.pkl':
    'download https://download.openmmlab.com/mmaction/v1.0/skeleton/data/'
    'ntu60_3d.pkl to {path}',
    'ntu60_2d.pkl':
    'download https://download.openmmlab.com/mmaction/v1.0/skeleton/data/'
    'ntu60_2d.pkl to {path}',
}


class AnnotationError(InputError):
    """Raised for an unusable dataset; the message names its file."""


class InvalidClip(NamedTuple):
    """The name of an invalid clip and one problem of it."""
    name: str
    problem: Problem


class AnnotationFile(NamedTuple):
    """The contents of an annotation file.

    Args:
        path: Path of the file.
        splits: The clip names of every split; None for a bare list of clips.
        clips: The annotations; of a prepared file, they are read when asked
            for.
        key: The key with the clip's name, ``filename`` or ``frame_dir``.
        metainfo: What the file has as ``metainfo``: ``classes`` (list of
            names, by label), ``layout`` (name or table of the joint layout),
            ``fps`` (frames per second) and any other keys; empty without.
    """
    path: str
    splits: Optional[Dict[str, Iterable[str]]]
    clips: Sequence[Dict[str, Any]]
    key: str
    metainfo: Dict[str, Any] = {}

    @property
    def names(self) -> Sequence[str]:
        """The names of the clips."""
        if isinstance(self.clips, PreparedClips):
            return self.clips.names
        return [clip[self.key] for clip in self.clips]

    @property
    def labels(self) -> Sequence[Any]:
        """The labels of the clips, None for those without."""
        if isinstance(self.clips, PreparedClips):
            return self.clips.labels
        labels = [clip.get('label') for clip in self.clips]
        return [None if is_unlabeled(label) else label for label in labels]


def read_pickle(path: str, safe: bool = True) -> Any:
    """Reads a pickle from disk or any storage that MMEngine supports.

    Args:
        path (str): The pickle.
        safe (bool): Whether it is read by :func:`.pickles.load_pickle`, which
            runs no code from it, instead of as in the toolbox. Defaults to
            True.

    Raises:
        PickleFileError: If the safe reader cannot read it.
    """
    if not safe:
        return mmengine.load(path, file_format='pkl')
    try:
        with mmengine.get_local_path(path) as local:
            return load_pickle(local)
    except PickleFileError as error:
        raise PickleFileError(path, error.reason) from error


def read_annotations(path: str, safe: bool = True) -> AnnotationFile:
    """Reads an annotation file without running code from it.

    Args:
        path (str): A pickle of clips, or of ``split`` and ``annotations``, as
            the toolbox's ``PoseDataset`` reads them; or a file that
            :func:`.prepare.prepare` made of one.
        safe (bool): See :func:`read_pickle`. Defaults to True.

    Returns:
        AnnotationFile: Splits and clips; the clips are not checked.

    Raises:
        FileNotFoundError: If it is missing.
        PreparedFileError: If it is a prepared file that is damaged.
        PickleFileError: If it is empty, truncated, not a pickle, or contains
            objects other than plain containers and NumPy arrays.
        AnnotationError: If it does not consist of splits and clips.
    """
    check_annotation_file(path)
    if is_prepared(path):
        return open_prepared(path)
    return parse_annotations(read_pickle(path, safe), path)


def open_prepared(path: str) -> AnnotationFile:
    """Opens a prepared file; names, labels and clips are read on demand."""
    file = PreparedFile(path)
    about = file.description
    splits = about['splits'] and {
        name: SplitNames(file, bounds)
        for name, bounds in about['splits'].items()}
    return AnnotationFile(path, splits, PreparedClips.of(file), about['key'],
                          about['metainfo'])


def parse_annotations(data: Any, path: str) -> AnnotationFile:
    """Finds splits and clips in an unpickled object.

    Args:
        data (Any): The unpickled object.
        path (str): Its file, for messages.

    Raises:
        AnnotationError: If it is not a list of clips, nor a dict of
            ``split`` and ``annotations``, if a clip has no name, or if its
            ``metainfo`` is invalid.
    """
    splits, clips, metainfo = None, data, {}
    if isinstance(data, dict):
        absent = [key for key in KEYS if key not in data]
        if absent:
            raise AnnotationError(
                f'{path} has no key {" and ".join(map(repr, absent))}, only '
                f'{several(data)}: an annotation file is a dict of split and '
                'annotations')
        splits, clips = data['split'], data['annotations']
        check_splits(splits, path)
        metainfo = checked_metainfo(data.get('metainfo'), path)
    if not isinstance(clips, (list, tuple)):
        what = 'annotations are' if isinstance(data, dict) else 'pickle is'
        raise AnnotationError(
            f'{path} is not an annotation file: its {what} of type '
            f'{type(clips).__name__}, not a list of clips')
    if not clips:
        raise AnnotationError(f'{path} contains no clip: create it again')
    # The first clip decides which key names clips, as in the toolbox.
    named_by_file = isinstance(clips[0], dict) and 'filename' in clips[0]
    key = 'filename' if named_by_file else 'frame_dir'
    for place, clip in enumerate(clips):
        if not isinstance(clip, dict) or not isinstance(clip.get(key), str):
            found = (type(clip).__name__ if not isinstance(clip, dict) else
                     f'dict with {key}={shown(clip.get(key))}')
            raise AnnotationError(
                f'{path}: annotation {place} is a {found}, not a dict with a '
                f'clip name as {key}')
    return AnnotationFile(path, splits, clips, key, metainfo)


def check_splits(splits: Any, path: str) -> None:
    """Raises AnnotationError unless splits are lists of names."""
    if not isinstance(splits, dict):
        raise AnnotationError(
            f"{path}: its 'split' is of type {type(splits).__name__}, not a "
            'dict from split names to lists of clip names')
    for split, names in splits.items():
        wrong = [name for name in names if not isinstance(name, str)
                 ] if isinstance(names, LISTS) else [names]
        if wrong:
            raise AnnotationError(
                f'{path}: split {split!r} contains {shown(wrong[0])} instead '
                'of clip names')


def checked_metainfo(metainfo: Any, path: str) -> Dict[str, Any]:
    """Returns the ``metainfo`` of a file, ``{}`` for None.

    Raises:
        AnnotationError: If it is not a dict, if its classes are not a list of
            different names, if its layout is neither a name nor a table, or
            if its frames per second are not a positive number.
    """
    if metainfo is None:
        return {}
    if not isinstance(metainfo, dict):
        raise AnnotationError(
            f"{path}: its 'metainfo' is of type {type(metainfo).__name__}, "
            'not a dict such as dict(classes=[...])')
    classes = metainfo.get('classes')
    if classes is not None and (
            not isinstance(classes, (list, tuple)) or not classes
            or not all(isinstance(name, str) and name for name in classes)
            or len(set(classes)) < len(classes)):
        raise AnnotationError(
            f'{path}: the classes of its metainfo are {shown(classes)}, not '
            'a list of different names, one for each label from 0')
    layout, fps = metainfo.get('layout'), metainfo.get('fps')
    if layout is not None and not isinstance(layout, (str, dict)):
        raise AnnotationError(
            f'{path}: the layout of its metainfo is {shown(layout)}, neither '
            'the name of a joint layout nor a table, dict(parts=..., '
            'bodies=...)')
    if fps is not None and not (isinstance(fps, Real) and float(fps) > 0):
        raise AnnotationError(f'{path}: the fps of its metainfo is '
                              f'{shown(fps)}, not a positive number')
    return metainfo


def several(items: Iterable[Any], most: int = 5) -> str:
    """Formats the first items and the number of the others."""
    items = list(items)
    more = f' and {len(items) - most} more' if len(items) > most else ''
    return ', '.join(map(shown, items[:most])) + more or 'nothing'


def names_of_split(file: AnnotationFile, split: str) -> Iterable[str]:
    """The clip names of a split.

    Raises:
        AnnotationError: If there is no such split.
    """
    if file.splits is None:
        raise AnnotationError(f'{file.path} is a list of clips without '
                              f'splits, but split is {split!r}: set '
                              'split=None')
    if split not in file.splits:
        raise AnnotationError(
            f'{file.path} has no split {split!r}, only '
            f'{several(file.splits, 20)}: set split to one of its splits')
    return file.splits[split]


def select_clips(file: AnnotationFile,
                 split: Optional[str]) -> Sequence[Dict[str, Any]]:
    """Returns the clips of a split in the order of the file.

    Those of a prepared file are read when asked for.

    Args:
        file (AnnotationFile): The file.
        split (str, optional): The split; None takes all clips of a list.

    Raises:
        AnnotationError: If there is no such split, or if it has no clip.
    """
    if split is None:
        if file.splits is not None:
            raise AnnotationError(
                f'{file.path} has the splits {several(file.splits, 20)}, but '
                'split is None: set split to one of its splits')
        return (file.clips if isinstance(file.clips, PreparedClips)
                else list(file.clips))
    names = names_of_split(file, split)
    clips: Sequence[Dict[str, Any]]
    if isinstance(names, SplitNames):
        clips = names.in_order()
    else:
        chosen = set(names)
        clips = [clip for clip in file.clips if clip[file.key] in chosen]
    if not clips:
        raise AnnotationError(
            f'{file.path}: split {split!r} has no clip among the '
            f'{len(file.clips)} annotations: are they from another dataset?')
    return clips


def absent_clips(file: AnnotationFile,
                 split: Optional[str]) -> List[InvalidClip]:
    """The clips that are listed in a split but have no annotation."""
    if split is None or isinstance(file.clips, PreparedClips):
        return []  # a prepared file has none
    present = {clip[file.key] for clip in file.clips}
    return [
        InvalidClip(name, Problem('in a split only', f'is in split {split!r} '
                            'but not among the annotations'))
        for name in dict.fromkeys(names_of_split(file, split))
        if name not in present
    ]


def repeated_names(file: AnnotationFile,
                   clips: Sequence[Dict[str, Any]]) -> List[InvalidClip]:
    """The clips whose name occurs more than once."""
    if isinstance(clips, PreparedClips):
        return []  # a prepared file has none
    counts = Counter(clip[file.key] for clip in clips)
    return [InvalidClip(name, Problem('name not unique',
                                      f'occurs {count} times'))
            for name, count in counts.items() if count > 1]


def annotation_path(dataset: Dict[str, Any]) -> str:
    """The annotation file of a dataset config, '' if it has none."""
    path, root = dataset.get('ann_file') or '', dataset.get('data_root') or ''
    if not path or '://' in path:
        return path
    return f'{root}/{path}' if '://' in root else str(Path(root) / path)


def check_annotation_file(path: str) -> None:
    """Raises FileNotFoundError if an annotation file is missing.

    Args:
        path (str): Path of an annotation file; remote ones (``s3://...``)
            are left to the toolbox.
    """
    if '://' in path or Path(path).is_file():
        return
    state = 'is a folder' if Path(path).is_dir() else 'does not exist'
    advice = HOW_TO_MAKE.get(
        Path(path).name, 'set ann_file to your annotation pickle')
    raise FileNotFoundError(f'annotation file {path} {state}: '
                            f'{advice.format(path=path)}')
