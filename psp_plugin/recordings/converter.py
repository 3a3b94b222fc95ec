"""Makes a toolbox dataset of a folder of recordings."""
import math
from collections import defaultdict
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

from psp_plugin.datasets.split import choose_labeled

from .conversion import Conversion, Splits
from .folder import (
    ConvertError,
    Folder,
    Skipped,
    check_layouts,
    find_recordings,
)
from .labels import UNLABELED, LabelTable
from .reader import RecordingError, keep_persons, read_recording

# Classes listed in a note: a wrong label can be any number.
LISTED = 20


def convert_folder(folder: str,
                   table: Optional[LabelTable] = None,
                   val_ratio: float = 0.2,
                   seed: int = 0,
                   joints: Optional[int] = None,
                   persons: int = 2,
                   scored: bool = False,
                   output: Optional[str] = None,
                   progress: Callable[[List[str]], Iterable[str]] = iter
                   ) -> Conversion:
    """Makes a toolbox dataset of a folder of recordings.

    The name of a clip is its path in the folder without suffix. A clip with a
    label is assigned to the split of its row, or else to ``train`` or
    ``val``, see :func:`draw_splits`; all others are assigned to ``unlabeled``
    without a label. Invalid recordings are left out and listed.

    Args:
        folder (str): The folder, read recursively.
        table (LabelTable, optional): The labels. Defaults to None, which
            makes an unlabelled pool.
        val_ratio (float): Share of validation clips, in [0, 1), if the table
            has no splits. Defaults to 0.2.
        seed (int): Seed of the sampling of validation clips. Defaults to 0.
        joints (int, optional): The number of joints V. Defaults to None, that
            of most recordings. Recordings whose coordinates or scores differ
            from most are left out in any case.
        persons (int): Maximum number of persons per clip. Defaults to 2.
        scored (bool): Whether third channels are scores. Defaults to False.
        output (str, optional): The pickle to be written later, which is not
            read as a recording. Nothing is written here.
        progress (Callable): Wraps the list of names during iteration, e.g.
            with a progress bar. Defaults to ``iter``.

    Returns:
        Conversion: The dataset; its ``failure`` is not '' if it is unusable.

    Raises:
        ConvertError: If an argument is out of range, if the folder is missing
            or not a folder, or if two layouts are equally frequent.
    """
    if not 0 <= val_ratio < 1:
        raise ConvertError(f'val_ratio must be in [0, 1), not {val_ratio}')
    for name, value in (('joints', joints), ('persons', persons)):
        if value is not None and value < 1:
            raise ConvertError(f'{name} must be at least 1, not {value}')
    found = find_recordings(folder, output)
    skipped = missing_rows(found, table, folder) + found.skipped
    clips = read_all(found, scored, skipped, progress)
    for item in check_layouts(clips, joints):
        skipped.append(item._replace(name=file_of(found, item.name)))
        del clips[item.name]
    notes = note_others(found) + cut_persons(clips, persons)
    made = Conversion(list(clips.values()), {}, table, skipped, notes)
    assign_labels(made, val_ratio, seed)
    return made


def missing_rows(found: Folder, table: Optional[LabelTable],
                 folder: str) -> List[Skipped]:
    """Returns the rows of the table that name no recording."""
    if table is None:
        return []
    ambiguous = {Path(item.name).with_suffix('').as_posix()
                 for item in found.skipped if item.kind == 'name'}
    return [Skipped(name, 'missing', f'is in line {table.lines[name]} of '
                                     f'{table.path} but not in {folder}')
            for name in table.labels
            if name not in found.files and name not in ambiguous]


def read_all(found: Folder, scored: bool, skipped: List[Skipped],
             progress: Callable[..., Any]) -> Dict[str, Dict[str, Any]]:
    """Reads the recordings, and adds those that fail to ``skipped``."""
    clips = {}
    for name in progress(list(found.files)):
        try:
            clip = read_recording(str(found.files[name]), scored, None)
        except RecordingError as error:
            skipped.append(Skipped(file_of(found, name), 'unreadable',
                                   error.reason))
        else:
            clips[name] = dict(clip, frame_dir=name)
    return clips


def file_of(found: Folder, name: str) -> str:
    """Returns the path of a recording in the folder."""
    return name + found.files[name].suffix


def note_others(found: Folder) -> List[str]:
    """Notes files that are not recordings."""
    if not found.others:
        return []
    kinds = ', '.join(f'{count} {suffix}'
                      for suffix, count in sorted(found.others.items()))
    return [f'files of other formats, ignored: {kinds}']


def cut_persons(clips: Dict[str, Dict[str, Any]], persons: int) -> List[str]:
    """Keeps the first persons of every clip; notes if some had more."""
    more = 0
    for clip in clips.values():
        more += len(clip['keypoint']) > persons
        keep_persons(clip, persons)
    return [f'clips of more than {persons} persons, of whom the first '
            f'{persons} are kept (--persons): {more}'] if more else []


def assign_labels(made: Conversion, val_ratio: float, seed: int) -> None:
    """Sets the labels and the splits of a dataset."""
    table = made.table
    labels = table.labels if table is not None else {}
    present = {}
    for clip in made.annotations:
        name = clip['frame_dir']
        if name in labels:
            present[name] = clip['label'] = labels[name]
    if table is not None and table.splits:
        for name in present:
            made.split.setdefault(table.splits[name], []).append(name)
    else:
        made.split, single = draw_splits(present, val_ratio, seed)
        if single and val_ratio:
            made.notes.append('classes of a single clip, which is in train: '
                              f'{", ".join(map(str, single))}')
    others = [clip['frame_dir'] for clip in made.annotations
              if clip['frame_dir'] not in present]
    if others:
        made.split[UNLABELED] = others
    note_classes(made, present)


def note_classes(made: Conversion, present: Dict[str, int]) -> None:
    """Notes the classes without a training clip."""
    if made.table is None or 'train' not in made.split:
        return
    trained = {present[name] for name in made.split['train']}
    untrained = (label for label in range(made.table.num_classes)
                 if label not in trained)
    listed = list(map(str, islice(untrained, LISTED + 1)))
    if listed:
        more = ['and more'] if len(listed) > LISTED else []
        made.notes.append('classes without a clip in train: '
                          f'{", ".join(listed[:LISTED] + more)}')


def draw_splits(labels: Dict[str, int], val_ratio: float,
                seed: int) -> Tuple[Splits, List[int]]:
    """Samples validation clips per class, depending on name and seed only.

    Of n clips of a class, ``val_ratio * n`` (rounded) are for validation: at
    least one, so that every class is validated, and at most n - 1. A class
    of one clip is in ``train`` only.

    Args:
        labels (dict[str, int]): The class of every clip.
        val_ratio (float): Share of validation clips, in [0, 1); 0 for none.
        seed (int): Seed of the sampling.

    Returns:
        tuple: The sorted names of ``train`` and ``val``, without empty
        splits; and the sorted classes of a single clip.
    """
    members: Dict[int, List[str]] = defaultdict(list)
    for name, label in labels.items():
        members[label].append(name)
    ratio = Fraction(str(val_ratio))
    val: List[str] = []
    for label, names in members.items():
        count = max(1, math.floor(ratio * len(names) + Fraction(1, 2)))
        count = min(count, len(names) - 1)
        if ratio and count:
            val += choose_labeled(names, [label] * len(names), count, seed)
    splits = dict(train=sorted(set(labels) - set(val)), val=sorted(val))
    single = sorted(label for label, names in members.items()
                    if len(names) == 1)
    return {split: names for split, names in splits.items() if names}, single
