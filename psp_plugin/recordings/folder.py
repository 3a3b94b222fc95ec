"""Finds the recordings of a folder, and their common layout."""
import json
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import (
    Any,
    Container,
    Dict,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
)

from psp_plugin.annotations import Layout

from .sources import SUFFIXES, Source, are_frames, frame_groups

# Kinds of files that may contain several clips.
OF_CLIPS = ('.pkl', '.npz', '.npy', '.json')


class ConvertError(ValueError):
    """Raised for a folder that cannot be converted, with a user message."""


class Skipped(NamedTuple):
    """A recording that was left out.

    Args:
        name: Its file or name.
        kind: Category, in one word.
        reason: Predicate of a sentence about the recording.
    """
    name: str
    kind: str
    reason: str


class Remark(NamedTuple):
    """A remark about a clip that is kept, such as what was dropped of it.

    Args:
        name: The clip.
        kind: ``'note'``.
        reason: Predicate of a sentence about the clip.
    """
    name: str
    kind: str
    reason: str


@dataclass
class Folder:
    """The files of a folder.

    Args:
        root: The folder.
        files: Name of every recording -> its file or files.
        skipped: Recordings left out before reading, and unreadable folders.
        others: Number of other files by suffix.
    """
    root: str
    files: Dict[str, Source] = field(default_factory=dict)
    skipped: List[Skipped] = field(default_factory=list)
    others: Counter[Any] = field(default_factory=Counter)

    def file_of(self, name: str) -> str:
        """Returns the path of a recording in the folder."""
        return self.files[name].path.relative_to(self.root).as_posix()

    @property
    def contents(self) -> str:
        """The number of files by suffix, other than recordings."""
        return ', '.join(f'{count} {suffix}' for suffix, count in
                         sorted(self.others.items()))


def find_recordings(root: str, ignore: Sequence[str] = ()) -> Folder:
    """Finds the recordings of a folder recursively.

    The name of a recording is its path in the folder without suffix. Files of
    one frame each, such as OpenPose's, are one recording, named like their
    folder if they are alone in it. Files that differ in their suffix only are
    left out, because they would have the same name.

    Args:
        root (str): The folder, or one file of several clips, whose names
            are then those in the file.
        ignore (Sequence[str]): Files that are not recordings, such as the
            pickle to be written. Defaults to none.

    Returns:
        Folder: The recordings in the order of their names.

    Raises:
        ConvertError: If the folder is missing or another kind of file, or
            if the file is to be ignored.
    """
    ignored = {Path(path).resolve() for path in ignore}
    if not os.path.isdir(root):
        return file_of_clips(Path(root), ignored)
    found = Folder(root)

    def note(error: OSError) -> None:
        found.skipped.append(
            Skipped(os.path.relpath(error.filename, root), 'unreadable',
                    f'cannot be listed ({error.strerror})'))

    named: Dict[str, List[Source]] = {}
    for parent, folders, files in os.walk(root, onerror=note):
        found.skipped += linked(root, parent, folders)
        paths = []
        for file in sorted(files):
            path = Path(parent, file)
            if path.suffix.lower() not in SUFFIXES:
                found.others[path.suffix.lower() or file] += 1
            elif path.resolve() not in ignored:
                paths.append(path)
        for name, source in sources_of(paths, Path(root)):
            named.setdefault(name, []).append(source)
    for name, sources in sorted(named.items()):
        if len(sources) == 1:
            found.files[name] = sources[0]
        else:
            found.skipped += [
                Skipped(source.path.relative_to(root).as_posix(), 'name',
                        f'is one of {len(sources)} files named {name!r}')
                for source in sources]
    return found


def file_of_clips(path: Path, ignored: Container[Path]) -> Folder:
    """Returns one file of several clips, as if it were a folder."""
    if not path.exists():
        raise ConvertError(f'{path} does not exist')
    if path.suffix.lower() not in OF_CLIPS:
        raise ConvertError(f'{path} is not a folder, nor a file of several '
                           f'clips ({", ".join(OF_CLIPS)})')
    if path.resolve() in ignored:
        raise ConvertError(f'{path} is to be read, but also to be written or '
                           'another argument: choose another name')
    return Folder(str(path.parent), {'': Source(path)})


def linked(root: str, parent: str,
           folders: Sequence[str]) -> List[Skipped]:
    """Lists the folders that are links, which may lead back."""
    paths = [os.path.join(parent, folder) for folder in sorted(folders)]
    return [Skipped(os.path.relpath(path, root), 'link',
                    'is a link to a folder, which is not followed: copy the '
                    'folder, or convert it separately')
            for path in paths if os.path.islink(path)]


def sources_of(paths: List[Path],
               root: Path) -> Iterator[Tuple[str, Source]]:
    """Yields name and source of the recordings among the files of a folder."""
    groups, single = frame_groups(paths)
    for key, frames in list(groups.items()):
        if not are_frames(list(frames.values())):
            single += groups.pop(key).values()
    for (clip, _), frames in groups.items():
        first = next(iter(frames.values()))
        parent = first.parent.relative_to(root)
        alone = len(groups) == 1 and not single and first.parent != root
        name = parent if alone else parent / clip
        yield name.as_posix(), Source(first, frames)
    for path in single:
        name = path.relative_to(root).with_suffix('')
        yield name.as_posix(), Source(path)


def check_layouts(annotations: Dict[str, Dict[str, Any]],
                  joints: Optional[int]) -> List[Skipped]:
    """Finds the clips that differ from the most frequent layout.

    Args:
        annotations (dict[str, dict]): The clips by name.
        joints (int, optional): The number of joints; None for that of most.

    Returns:
        list[Skipped]: The clips to leave out.

    Raises:
        ConvertError: If two layouts are equally frequent.
    """
    layouts = {n: Layout.of(clip) for n, clip in annotations.items()}
    counts = Counter(layout for layout in layouts.values()
                     if joints in (None, layout.joints)).most_common(2)
    if not counts:
        return [Skipped(name, 'joints', f'has {layout}, not {joints} joints')
                for name, layout in layouts.items()]
    if len(counts) == 2 and counts[0][1] == counts[1][1]:
        raise ConvertError(
            f'as many recordings ({counts[0][1]}) have {counts[0][0]} as have '
            f'{counts[1][0]}: choose with --joints, or convert each kind from '
            'a separate folder')
    chosen = counts[0][0]
    return [Skipped(name, difference(layout, chosen),
                    f'has {layout}, not {chosen}')
            for name, layout in layouts.items() if layout != chosen]


def difference(layout: Layout, other: Layout) -> str:
    """Returns the first field in which two layouts differ."""
    values = zip(Layout._fields, layout, other)
    return next(name for name, ours, theirs in values if ours != theirs)


def check_layout_names(layouts: Dict[str, Any]) -> List[Skipped]:
    """Finds the clips whose joints have other names than those of most.

    Args:
        layouts (dict[str, str or dict or None]): The joint layout of every
            clip, None if it is not known.

    Returns:
        list[Skipped]: The clips to leave out.

    Raises:
        ConvertError: If two layouts are equally frequent.
    """
    keys = {name: layout if isinstance(layout, str) else json.dumps(
        layout, sort_keys=True) for name, layout in layouts.items() if layout}
    counts = Counter(keys.values()).most_common(2)
    if not counts:
        return []
    (chosen, most), *others = counts
    if others and others[0][1] == most:
        raise ConvertError(
            f'as many recordings ({most}) have the joints of {shown(chosen)} '
            f'as have those of {shown(others[0][0])}: convert each kind from '
            'a separate folder')
    return [Skipped(name, 'layout', f'has the joints of {shown(layout)}, not '
                                    f'those of {shown(chosen)}')
            for name, layout in keys.items() if layout != chosen]


def shown(layout: str) -> str:
    """Shortens the table of a layout."""
    return layout if len(layout) < 40 else f'{layout[:40]}...'
