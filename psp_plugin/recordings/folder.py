"""Finds the recordings of a folder, and their common layout."""
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional

from psp_plugin.annotations import Layout

from .reader import SUFFIXES


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


@dataclass
class Folder:
    """The files of a folder.

    Args:
        files: Name of every recording, i.e. its path in the folder without
            suffix -> its path.
        skipped: Recordings left out before reading, and unreadable folders.
        others: Number of other files by suffix.
    """
    files: Dict[str, Path] = field(default_factory=dict)
    skipped: List[Skipped] = field(default_factory=list)
    others: Counter[Any] = field(default_factory=Counter)


def find_recordings(root: str, output: Optional[str] = None) -> Folder:
    """Finds the recordings of a folder recursively.

    Files that differ in their suffix only are left out, because they would
    have the same name.

    Args:
        root (str): The folder.
        output (str, optional): The pickle to be written; an existing one is
            not read as a recording.

    Returns:
        Folder: The recordings in the order of their names.

    Raises:
        ConvertError: If the folder is missing or not a folder.
    """
    if not os.path.isdir(root):
        raise ConvertError(f'{root} is not a folder' if os.path.exists(root)
                           else f'{root} does not exist')
    found = Folder()

    def note(error: OSError) -> None:
        found.skipped.append(
            Skipped(os.path.relpath(error.filename, root), 'unreadable',
                    f'cannot be listed ({error.strerror})'))

    named: Dict[str, List[Path]] = {}
    for parent, _, files in os.walk(root, onerror=note):
        for file in files:
            path = Path(parent, file)
            if path.suffix.lower() not in SUFFIXES:
                found.others[path.suffix.lower() or file] += 1
            elif output is None or path.resolve() != Path(output).resolve():
                name = path.relative_to(root).with_suffix('').as_posix()
                named.setdefault(name, []).append(path)
    for name, paths in sorted(named.items()):
        if len(paths) == 1:
            found.files[name] = paths[0]
        else:
            found.skipped += [
                Skipped(path.relative_to(root).as_posix(), 'name',
                        f'is one of {len(paths)} files named {name!r}')
                for path in sorted(paths)]
    return found


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
