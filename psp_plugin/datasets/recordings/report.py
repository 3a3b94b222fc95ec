"""Tells what a conversion made, and what it left out and why."""
import csv
from collections import Counter
from typing import Dict, Iterable, List

from .conversion import Conversion
from .folder import Layout, Skipped
from .labels import UNLABELED

# Rows of the table on a screen; a report file has all.
ROWS = 40


def summarize(made: Conversion) -> str:
    """Tells what a data set holds: layout, splits, classes and notes.

    Args:
        made (Conversion): A data set of at least one clip.

    Returns:
        str: Lines of text.
    """
    shapes = [clip['keypoint'].shape for clip in made.annotations]
    persons, frames = ([shape[axis] for shape in shapes] for axis in (0, 1))
    lines = [f'{len(shapes)} clips: {Layout.of(made.annotations[0])}, '
             f'{min(persons)} to {max(persons)} persons, {min(frames)} to '
             f'{max(frames)} frames', '']
    if made.table is not None:
        lines += class_table(made) + ['']
    lines += [f'split {split}: {len(names)} clips'
              for split, names in made.split.items()]
    if made.table is not None:
        lines.append(f'num_classes={made.table.num_classes}')
    return '\n'.join(lines + [f'note: {note}' for note in made.notes])


def class_table(made: Conversion) -> List[str]:
    """The clips of every class in every split, and the class names."""
    labels = {clip['frame_dir']: clip['label']
              for clip in made.annotations if 'label' in clip}
    splits = [split for split in made.split if split != UNLABELED]
    counts = {split: Counter(labels[name] for name in made.split[split])
              for split in splits}
    names = made.table.classes
    named = dict(enumerate(names)) if names is not None else {
        label: '' for label in sorted(set(labels.values()))}
    rows = [row('label', {split: split for split in splits}, 'class')]
    rows += [row(label, {split: counts[split][label] for split in splits},
                 name) for label, name in named.items()]
    return rows


def row(label, cells: Dict, name: str = '') -> str:
    """One line of a table whose columns are as wide as their names."""
    middle = ''.join(f'{cell:>{max(len(column), 5) + 2}}'
                     for column, cell in cells.items())
    return f'{label:>5}{middle}  {name}'.rstrip()


def skipped_table(skipped: List[Skipped]) -> str:
    """Lists what was left out, with counts.

    Args:
        skipped (list[Skipped]): What was left out.

    Returns:
        str: Lines of text.
    """
    if not skipped:
        return 'skipped: none'
    counts = Counter(item.kind for item in skipped)
    kinds = ', '.join(f'{count} {kind}' for kind, count in
                      sorted(counts.items()))
    width = max(len(item.name) for item in skipped[:ROWS])
    lines = [f'skipped: {len(skipped)} ({kinds})']
    lines += [f'  {item.name:{width}}  {item.reason}'
              for item in skipped[:ROWS]]
    if len(skipped) > ROWS:
        lines.append(f'  and {len(skipped) - ROWS} more (--report FILE.csv '
                     'lists all)')
    return '\n'.join(lines)


def write_report(path: str, skipped: Iterable[Skipped]) -> None:
    """Writes what was left out as CSV: name, kind and reason.

    Args:
        path (str): The file to write.
        skipped (Iterable[Skipped]): What was left out.

    Raises:
        OSError: If it cannot be written.
    """
    with open(path, 'w', encoding='utf-8', newline='') as stream:
        writer = csv.writer(stream)
        writer.writerow(Skipped._fields)
        writer.writerows(skipped)
