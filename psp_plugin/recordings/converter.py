"""Makes a toolbox dataset of a folder of recordings."""
import hashlib
import math
import multiprocessing
import sys
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import islice
from pathlib import PurePosixPath
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Sequence,
    Set,
    Tuple,
)

import numpy as np

from psp_plugin.datasets.split import choose_labeled

from .checks import ReadClip, in_order
from .conversion import Conversion, Splits, label_map_of
from .folder import (
    ConvertError,
    Folder,
    Remark,
    Skipped,
    check_layout_names,
    check_layouts,
    find_recordings,
)
from .labels import (
    UNLABELED,
    LabelTable,
    classes_in,
    is_empty,
    label_table,
)
from .options import ReadOptions
from .reader import RecordingError, read_clips
from .recording import InvalidRecording
from .resampling import same_rate
from .sources import Source

# Classes listed in a note: a wrong label can be any number.
LISTED = 20
# Where labels are taken from instead of a table.
INSIDE, FOLDERS = 'inside', 'folders'
# Files that are worth another process.
FILES_PER_JOB = 50


def convert_folder(folder: str,
                   table: Optional[LabelTable] = None,
                   val_ratio: float = 0.2,
                   seed: int = 0,
                   joints: Optional[int] = None,
                   persons: int = 2,
                   scored: bool = False,
                   output: Optional[str] = None,
                   progress: Callable[[List[str]], Iterable[str]] = iter,
                   labels: Optional[str] = None,
                   classes: Optional[str] = None,
                   options: Optional[ReadOptions] = None,
                   jobs: int = 1,
                   ignore: Sequence[str] = (),
                   split: Optional[str] = None) -> Conversion:
    """Makes a toolbox dataset of a folder of recordings.

    The name of a clip is its path in the folder without suffix, followed by
    its own name in a file of several clips. A clip with a label is assigned
    to the split of its row, or else to ``train`` or ``val``, see
    :func:`draw_splits`; all others are assigned to ``unlabeled`` without a
    label. Invalid recordings are left out and listed.

    Args:
        folder (str): The folder, read recursively; or one file of several
            clips, which keep their names and, in a pickle, their persons.
        table (LabelTable, optional): The labels. Defaults to None, which
            makes an unlabelled pool unless ``labels`` is given.
        val_ratio (float): Share of validation clips, in [0, 1), if the table
            has no splits. Defaults to 0.2.
        seed (int): Seed of the sampling of validation clips. Defaults to 0.
        joints (int, optional): The number of joints V. Defaults to None, that
            of most recordings. Recordings whose coordinates or scores differ
            from most are left out in any case.
        persons (int): Maximum number of persons per clip. Defaults to 2.
        scored (bool): Whether the last channels of arrays are scores.
            Defaults to False.
        output (str, optional): The pickle to be written later, which is not
            read as a recording. Nothing is written here.
        progress (Callable): Wraps the list of names during iteration, e.g.
            with a progress bar. Defaults to ``iter``.
        labels (str, optional): ``'inside'`` for the labels in the recordings,
            ``'folders'`` for the folder of each recording as its class.
            Defaults to None.
        classes (str, optional): A label map for ``labels``. Defaults to None.
        options (ReadOptions, optional): All options of reading; ``joints``,
            ``persons`` and ``scored`` are then taken from it. Defaults to
            None.
        jobs (int): Maximum number of processes. Defaults to 1.
        ignore (Sequence[str]): Files in the folder that are not recordings,
            in addition to the table and the output. Defaults to none.
        split (str, optional): The only split of pickles to take. Defaults to
            None, all clips.

    Returns:
        Conversion: The dataset; its ``failure`` is not '' if it is unusable.

    Raises:
        ConvertError: If an argument is out of range, if the folder is missing
            or not a folder, or if two layouts are equally frequent.
        LabelError: If labels of the recordings or folders are invalid.
    """
    if not 0 <= val_ratio < 1:
        raise ConvertError(f'val_ratio must be in [0, 1), not {val_ratio}')
    if labels not in (None, INSIDE, FOLDERS):
        raise ConvertError(f'labels must be {INSIDE!r} or {FOLDERS!r}, not '
                           f'{labels!r}')
    if options is None:
        try:
            options = ReadOptions(scored, joints=joints, max_persons=persons)
        except ValueError as error:
            raise ConvertError(str(error)) from error
    found = find_recordings(folder, own_files(output, table, ignore))
    read, skipped = read_all(found, options, jobs, progress)
    if split is not None:
        read = clips_of_split(read, split, folder)
    skipped = (missing_rows(found, read, skipped, table) + found.skipped
               + skipped)
    kept = keep_alike(found, read, options.joints, skipped)
    if labels is not None:
        table = labels_of(kept, labels, classes, classes_in(folder))
    made = Conversion([clip.annotation for clip in kept.values()], {}, table,
                      skipped, folder_notes(found, read, labels, table, split)
                      + rate_notes(kept, options.fps),
                      remarks_of(kept), metainfo_of(kept, table),
                      found.contents)
    assign_labels(made, val_ratio, seed)
    return made


def own_files(output: Optional[str], table: Optional[LabelTable],
              ignore: Sequence[str]) -> List[str]:
    """Returns files that are not recordings: results, labels, label maps."""
    files = list(ignore)
    if output is not None:
        files += [output, label_map_of(output)]
    if table is not None:
        files.append(table.path)
    return files


def missing_rows(found: Folder, read: Dict[str, 'Named'],
                 skipped: List[Skipped],
                 table: Optional[LabelTable]) -> List[Skipped]:
    """Returns the rows of the table that name no recording."""
    if table is None:
        return []
    ambiguous = {str(PurePosixPath(item.name).with_suffix(''))
                 for item in found.skipped if item.kind == 'name'}
    ambiguous |= {item.name for item in skipped if item.kind == 'name'}
    clips = {named.recording: name for name, named in read.items()}
    several = [Skipped(name, 'missing',
                       f'is in line {line} of {table.path}, but the clips of '
                       f'this file have names such as {clips[name]}')
               for name, line in table.lines.items()
               if name in clips and name not in read]
    return several + [
        Skipped(name, 'missing', f'is in line {line} of {table.path} but not '
                                 f'in {found.root}')
        for name, line in table.lines.items()
        if name not in found.files and name not in read
        and name not in ambiguous]


class Named(NamedTuple):
    """A clip and the name of its recording."""
    recording: str
    clip: ReadClip


# What reading one recording gives: the clips, and those left out.
Result = Tuple[List[ReadClip], List[Skipped]]


def read_all(found: Folder, options: ReadOptions, jobs: int,
             progress: Callable[[List[str]], Iterable[str]]
             ) -> Tuple[Dict[str, Named], List[Skipped]]:
    """Reads all recordings, in several processes if there are many."""
    names = list(found.files)
    work = partial(read_one, options=options)
    tasks = [(name, found.files[name], found.file_of(name)) for name in names]
    clips: Dict[str, List[Named]] = {}
    skipped: List[Skipped] = []
    files = sum(len(source.frames or (0, )) for _, source, _ in tasks)
    results = in_processes(
        work, tasks, min(jobs, len(tasks), files // FILES_PER_JOB))
    for name, (read, invalid) in zip(progress(names), results):
        skipped += invalid
        for clip in read:
            clip = clip._replace(annotation=own_objects(clip.annotation))
            clips.setdefault(clip.annotation['frame_dir'], []).append(
                Named(name, clip))
    for name, named in clips.items():
        if len(named) > 1:
            files_text = ' and '.join(sorted(
                {found.file_of(each.recording) for each in named}))
            skipped.append(Skipped(
                name, 'name', f'is the name of {len(named)} clips, in '
                f'{files_text}: rename all but one'))
    return {name: named[0] for name, named in clips.items()
            if len(named) == 1}, skipped


def own_objects(annotation: Dict[str, Any]) -> Dict[str, Any]:
    """Returns an annotation with the keys and types of this process.

    Those of other processes are equal, but other objects: the pickle, which
    stores each object once, would depend on the number of processes.
    """
    return {sys.intern(key): value.view(np.dtype(value.dtype.str))
            if isinstance(value, np.ndarray) else value
            for key, value in annotation.items()}


def in_processes(work: Callable[[Any], Result], tasks: List[Any],
                 jobs: int) -> Iterator[Result]:
    """Yields the results of tasks in their order.

    Raises:
        ConvertError: If a process ends, such as for lack of memory.
    """
    if jobs < 2 or 'fork' not in multiprocessing.get_all_start_methods():
        yield from map(work, tasks)
        return
    # Forked processes have the package's imports, which take seconds.
    with ProcessPoolExecutor(
            jobs, multiprocessing.get_context('fork')) as pool:
        try:
            yield from pool.map(work, tasks, chunksize=8)
        except BrokenProcessPool as error:
            raise ConvertError(
                f'one of {jobs} processes was ended from outside while '
                'reading, which happens if the memory is full: use fewer '
                'with --jobs') from error


def read_one(task: Tuple[str, Source, str], options: ReadOptions) -> Result:
    """Reads one recording by its name, file or files, and path for reports."""
    name, source, file = task
    if not name and source.path.suffix.lower() == '.pkl':
        # The persons of a pool stay as they are.
        options = replace(options, choose_persons=False)
    try:
        clips = read_clips(source, options, prefix=name)
    except RecordingError as error:
        return [], [Skipped(file, 'unreadable', error.reason)]
    several = len(clips) + len(clips.invalid) > 1
    return list(clips), [
        Skipped(clip if several else file, 'unreadable', reason)
        for clip, reason in clips.invalid]


def keep_alike(found: Folder, read: Dict[str, Named], joints: Optional[int],
               skipped: List[Skipped]) -> Dict[str, ReadClip]:
    """Returns the clips of the same joints; adds the others to skipped."""
    kept = {name: named.clip for name, named in read.items()}

    def leave_out(items: List[Skipped]) -> None:
        for item in items:
            recording = read[item.name].recording
            shown = found.file_of(recording) \
                if recording == item.name else item.name
            skipped.append(item._replace(name=shown))
            del kept[item.name]

    leave_out(check_layouts({name: clip.annotation
                             for name, clip in kept.items()}, joints))
    leave_out(check_layout_names({name: clip.layout
                                  for name, clip in kept.items()}))
    names = Counter(clip.joint_names for clip in kept.values()
                    if clip.joint_names)
    for name, clip in list(kept.items()) if names else ():
        try:
            kept[name] = in_order(clip, names.most_common(1)[0][0])
        except InvalidRecording as problem:
            leave_out([Skipped(name, 'joints', str(problem))])
    return kept


def labels_of(clips: Dict[str, ReadClip], labels: str,
              classes: Optional[str], known: Sequence[str]) -> LabelTable:
    """Makes the table of the labels inside the clips, or of their folders."""
    if labels == INSIDE:
        return label_table('the recordings', {
            name: clip.label for name, clip in clips.items()}, classes, known)
    return label_table('the names of folders', {
        name: folder_of(name) for name in clips}, classes)


def folder_of(name: str) -> str:
    """Returns the folder of a recording, '' without one."""
    return PurePosixPath(name).parent.name


def folder_notes(found: Folder, read: Dict[str, Named],
                 labels: Optional[str],
                 table: Optional[LabelTable],
                 split: Optional[str]) -> List[str]:
    """Notes files, labels and splits that are not used."""
    notes = []
    if found.others:
        notes.append(f'files of other formats, ignored: {found.contents}')
    if table is not None and table.unlabeled:
        notes.append('recordings without a label (empty or -1), thus '
                     f'unlabelled: {len(table.unlabeled)}')
    inside = sum(not is_empty(named.clip.label)
                 for named in read.values())
    if inside and labels != INSIDE:
        notes.append(f'labels inside the recordings, not used: {inside} '
                     '(--labels inside)')
    splits = sorted(splits_in(read))
    if splits and split is None:
        notes.append(
            f'splits inside the recordings, not used: {", ".join(splits)}; '
            'clips without a label are all in unlabeled, also those of a test '
            'split (--split takes the clips of one)')
    notes += copies(read)
    folders = sorted({folder_of(named.recording) for named in read.values()})
    # With one recording in each folder, these are no classes.
    if table is None and 1 < len(folders) < len(read) and '' not in folders:
        listed = ', '.join(folders[:LISTED])
        notes.append(f'recordings are in {len(folders)} folders ({listed}): '
                     'if these are their classes, --labels folders')
    return notes


def splits_in(read: Dict[str, Named]) -> Set[str]:
    """Returns the names of the splits of pickles."""
    return {split for named in read.values() for split in named.clip.splits}


def clips_of_split(read: Dict[str, Named], split: str,
                   folder: str) -> Dict[str, Named]:
    """Returns the clips that are in a split of their pickle.

    Raises:
        ConvertError: If there are none.
    """
    chosen = {name: named for name, named in read.items()
              if split in named.clip.splits}
    if not chosen:
        known = ', '.join(sorted(splits_in(read))) or 'none'
        raise ConvertError(f'{folder} has no clip in a split {split!r}; its '
                           f'splits are {known}')
    return chosen


def copies(read: Dict[str, Named]) -> List[str]:
    """Notes clips with the same key points, such as of an earlier result."""
    first: Dict[Any, str] = {}
    same = []
    for name, named in read.items():
        points = named.clip.annotation['keypoint']
        key = points.shape, hashlib.sha256(points).digest()
        if first.setdefault(key, name) != name:
            same.append((first[key], name))
    if not same:
        return []
    return [f'clips with the key points of another one: {len(same)}, such as '
            f'{same[0][1]} and {same[0][0]}; if these are copies, such as an '
            'earlier result in the folder, remove them']


def rate_notes(clips: Dict[str, ReadClip], fps: Optional[float]
               ) -> List[str]:
    """Notes frame rates that differ, unless clips were resampled."""
    rates = sorted({clip.fps for clip in clips.values() if clip.fps})
    if fps is not None or not rates or same_rate(rates):
        return []
    return [f'clips have {rates[0]:g} to {rates[-1]:g} frames per second: '
            '--fps resamples them to one rate']


def remarks_of(clips: Dict[str, ReadClip]) -> List[Remark]:
    """Returns what was joined, dropped or resampled, clip by clip."""
    return [Remark(name, 'note', note)
            for name, clip in clips.items() for note in clip.notes]


def metainfo_of(clips: Dict[str, ReadClip],
                table: Optional[LabelTable]) -> Dict[str, Any]:
    """Returns class names, joints and frame rate, where known."""
    info: Dict[str, Any] = {}
    if table is not None and table.classes is not None:
        info['classes'] = list(table.classes)
    layouts = [clip.layout for clip in clips.values() if clip.layout]
    if layouts:  # all are equal
        info['layout'] = layouts[0]
    names = [clip.joint_names for clip in clips.values() if clip.joint_names]
    if names:  # all are equal
        info['joint_names'] = list(names[0])
    rates = Counter(clip.fps for clip in clips.values())
    if rates and None not in rates and same_rate(filter(None, rates)):
        info['fps'] = rates.most_common(1)[0][0]
    return info


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
            names = dict(enumerate((table and table.classes) or ()))
            made.notes.append(
                'classes of a single clip, which is in train: '
                + ', '.join(str(names.get(label, label)) for label in single))
        if table is not None and 'val' not in made.split:
            made.notes.append(
                'no clip is in val, which a training needs: give --val-ratio '
                'above 0, more clips a class, or a table with the column '
                'split')
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
