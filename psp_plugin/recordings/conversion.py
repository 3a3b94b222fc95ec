"""A converted dataset: its contents, summary and files."""
import csv
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import (
    Any,
    Dict,
    Iterable,
    List,
    Optional,
    Sequence,
    Tuple,
    TypeVar,
)

from psp_plugin.annotations import Layout, row, write_pickle

from .folder import ConvertError, Remark, Skipped
from .labels import UNLABELED, LabelTable
from .sources import SUFFIXES

Splits = Dict[str, List[str]]
Item = TypeVar('Item', Skipped, Remark)
# Rows of the printed table; a report file has all.
ROWS = 40
REMARKS = 10


@dataclass
class Conversion:
    """A dataset made of recordings.

    Args:
        annotations: The clips, sorted by name; those of the split
            ``unlabeled`` have no ``label``.
        split: The clip names of every split that is not empty.
        table: The label table, if given.
        skipped: The recordings left out, with reasons.
        notes: Further remarks for the user.
        remarks: What was joined, dropped or resampled, clip by clip.
        metainfo: ``classes``, ``layout``, ``joint_names`` and ``fps``, where
            known.
        others: The number of files by suffix that are not recordings.
    """
    annotations: List[Dict[str, Any]]
    split: Splits
    table: Optional[LabelTable] = None
    skipped: List[Skipped] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)
    remarks: List[Remark] = field(default_factory=list)
    metainfo: Dict[str, Any] = field(default_factory=dict)
    others: str = ''

    @property
    def failure(self) -> str:
        """Why there is nothing to write; '' if there are clips to write."""
        first = (f'; the first of {len(self.skipped)} skipped: '
                 f'{self.skipped[0].name} {self.skipped[0].reason}'
                 if self.skipped else '')
        if not self.annotations:
            others = (f'; there are also {self.others} files, which are not '
                      'read' if self.others else '') if self.skipped else (
                f': there are {self.others or "no files"}, but recordings are '
                f'{", ".join(SUFFIXES)} files')
            return f'no recording could be used{first}{others}'
        if self.table is not None and list(self.split) == [UNLABELED]:
            return f'no row of {self.table.path} has a usable recording{first}'
        return ''

    def write(self, output: str) -> List[str]:
        """Writes the pickle, and the class names to a label map next to it.

        The label map ends in ``.classes.txt`` instead of ``.pkl``. It is not
        written if the classes have no names.

        Args:
            output (str): The pickle; the toolbox requires the suffix
                ``.pkl``.

        Returns:
            list[str]: The files written.

        Raises:
            ConvertError: If there is nothing to write.
            OSError: If a file cannot be written.
        """
        if self.failure:
            raise ConvertError(self.failure)
        data = dict(split=self.split, annotations=self.annotations)
        if self.metainfo:
            data['metainfo'] = self.metainfo
        write_pickle(data, output)
        if self.table is None or self.table.classes is None:
            return [output]
        label_map = label_map_of(output)
        Path(label_map).write_text('\n'.join(self.table.classes) + '\n',
                             encoding='utf-8')
        return [output, label_map]


def label_map_of(output: str) -> str:
    """Returns the file of the class names of a pickle."""
    return str(Path(output).with_suffix('.classes.txt'))


def summarize(made: Conversion) -> str:
    """Summarizes a dataset: layout, splits, classes and notes.

    Args:
        made (Conversion): A dataset of at least one clip.

    Returns:
        str: Lines of text.
    """
    shapes = [clip['keypoint'].shape for clip in made.annotations]
    persons, frames = ([shape[axis] for shape in shapes] for axis in (0, 1))
    lines = [f'{len(shapes)} clips: {Layout.of(made.annotations[0])}, '
             f'{min(persons)} to {max(persons)} persons, {min(frames)} to '
             f'{max(frames)} frames{known(made.metainfo)}', '']
    if made.table is not None:
        lines += class_table(made, made.table) + ['']
    lines += [f'split {split}: {len(names)} clips'
              for split, names in made.split.items()]
    if made.table is not None:
        lines.append(f'num_classes={made.table.num_classes}')
    notes = made.notes + remark_lines(made.remarks)
    return '\n'.join(lines + [f'note: {note}' for note in notes])


def known(metainfo: Dict[str, Any]) -> str:
    """Describes the joint layout and frame rate, where known."""
    layout, fps = metainfo.get('layout'), metainfo.get('fps')
    if isinstance(layout, dict):
        layout = layout.get('name', 'of the files')
    return (f'; joint layout {layout}' if layout else '') + (
        f'; {fps:g} frames per second' if fps else '')


def remark_lines(remarks: List[Remark]) -> List[str]:
    """Formats the first remarks about clips, equal ones on one line."""
    groups = group(remarks)
    lines = [f'{item.name} {item.reason}{same(count)}'
             for item, count in groups[:REMARKS]]
    if len(groups) > REMARKS:
        lines.append(f'{len(groups) - REMARKS} more about clips (--report '
                     'FILE.csv lists all)')
    return lines


def class_table(made: Conversion, table: LabelTable) -> List[str]:
    """Counts the clips per class and split, with the class names."""
    labels = {clip['frame_dir']: clip['label']
              for clip in made.annotations if 'label' in clip}
    splits = [split for split in made.split if split != UNLABELED]
    counts = {split: Counter(labels[name] for name in made.split[split])
              for split in splits}
    names = table.classes
    named = dict(enumerate(names)) if names is not None else {
        label: '' for label in sorted(set(labels.values()))}
    rows = [row('label', {split: split for split in splits}, 'class')]
    rows += [row(label, {split: counts[split][label] for split in splits},
                 name) for label, name in named.items()]
    return rows


def skipped_table(skipped: List[Skipped]) -> str:
    """Formats the recordings left out, with counts.

    Args:
        skipped (list[Skipped]): The recordings left out.

    Returns:
        str: Lines of text.
    """
    if not skipped:
        return 'skipped: none'
    counts = Counter(item.kind for item in skipped)
    kinds = ', '.join(f'{count} {kind}' for kind, count in
                      sorted(counts.items()))
    rows = group(skipped)
    width = max(len(item.name) for item, _ in rows[:ROWS])
    lines = [f'skipped: {len(skipped)} ({kinds})']
    lines += [f'  {item.name:{width}}  {item.reason}{same(count)}'
              for item, count in rows[:ROWS]]
    if len(rows) > ROWS:
        lines.append(f'  and {len(rows) - ROWS} more (--report FILE.csv '
                     'lists all)')
    return '\n'.join(lines)


def group(items: Sequence[Item]) -> List[Tuple[Item, int]]:
    """Returns the first item of each reason, and how many have it."""
    first: Dict[str, Item] = {}
    for item in items:
        first.setdefault(item.reason, item)
    counts = Counter(item.reason for item in items)
    return [(item, counts[reason]) for reason, item in first.items()]


def same(count: int) -> str:
    """Formats how many more items have the reason of the first."""
    return f' (the same for {count - 1} more)' if count > 1 else ''


def write_report(path: str, skipped: Iterable[Skipped],
                 remarks: Iterable[Remark] = ()) -> None:
    """Writes what was left out, and remarks, as CSV: name, kind and reason.

    Args:
        path (str): The file to write.
        skipped (Iterable[Skipped]): The recordings left out.
        remarks (Iterable[Remark]): Remarks about clips, of the kind
            ``note``. Defaults to none.

    Raises:
        OSError: If it cannot be written.
    """
    with open(path, 'w', encoding='utf-8', newline='') as stream:
        writer = csv.writer(stream)
        writer.writerow(Skipped._fields)
        writer.writerows(skipped)
        writer.writerows(remarks)
