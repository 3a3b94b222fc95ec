"""Reads label tables of recordings, and label maps."""
import csv
import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from .reader import SUFFIXES

COLUMNS = ('name', 'label')
UNLABELED = 'unlabeled'


class LabelError(ValueError):
    """Raised for an invalid label table or map, with a user message."""


@dataclass
class LabelTable:
    """The labels of recordings.

    Args:
        path: Path of the table.
        labels: The class of each recording, an integer.
        lines: The line of each recording in the table, from 1.
        splits: The split of each recording, if the table has this column.
        classes: The names of the classes, if the table or a label map has
            them.
    """
    path: str
    labels: Dict[str, int]
    lines: Dict[str, int]
    splits: Optional[Dict[str, str]] = None
    classes: Optional[List[str]] = None

    @property
    def num_classes(self) -> int:
        """The number of classes a model needs for these labels."""
        return len(self.classes or ()) or max(self.labels.values()) + 1


@dataclass
class Columns:
    """What the rows of a table say, before labels are numbers."""
    lines: Dict[str, int] = field(default_factory=dict)
    texts: Dict[str, str] = field(default_factory=dict)
    splits: Dict[str, str] = field(default_factory=dict)


def clip_name(name: str) -> str:
    """Returns the name of a recording: its path without the suffix."""
    name = name.strip().replace('\\', '/')
    for suffix in SUFFIXES:
        if name.lower().endswith(suffix):
            name = name[:-len(suffix)]
            break
    return name[2:] if name.startswith('./') else name


def read_labels(path: str, classes_path: Optional[str] = None) -> LabelTable:
    """Reads a CSV table with the columns name, label and optionally split.

    Labels are either all integers from 0 or all class names. Names are
    numbered in the order of the label map, otherwise alphabetically.

    Args:
        path (str): The table: comma-separated, UTF-8, with a header.
        classes_path (str, optional): A label map as in the toolbox, one name
            per line. Defaults to None.

    Returns:
        LabelTable: The table.

    Raises:
        LabelError: If a file is missing or invalid; the message names the
            line.
    """
    columns = Columns()
    reader = csv.reader(io.StringIO(read_text(path), newline=''), strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        check_header(path, header)
        for cells in reader:
            if cells:
                add_row(columns, header, cells, path, reader.line_num)
    except csv.Error as error:
        raise LabelError(f'{path}, line {reader.line_num}, is not CSV '
                         f'({error})') from error
    if not columns.texts:
        raise LabelError(f'{path} has no row below its header')
    classes = None if classes_path is None else read_classes(classes_path)
    labels, classes = number_labels(path, columns, classes)
    return LabelTable(path, labels, columns.lines, columns.splits or None,
                      classes)


def read_text(path: str) -> str:
    """Reads UTF-8 text, with or without the byte-order mark of Excel."""
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise LabelError(
            f'{path} cannot be read ({error.strerror})') from error
    try:
        return content.decode('utf-8-sig')
    except UnicodeDecodeError as error:
        line = content.count(b'\n', 0, error.start) + 1
        raise LabelError(
            f'{path}, line {line}, is not text in UTF-8') from error


def check_header(path: str, header: List[str]) -> None:
    """Raises LabelError unless the columns are as expected."""
    if sorted(header) not in (sorted(COLUMNS), sorted((*COLUMNS, 'split'))):
        raise LabelError(f'{path}, line 1, must be name,label or '
                         f'name,label,split, not {",".join(header)!r}')


def add_row(columns: Columns, header: List[str], cells: List[str],
            path: str, line: int) -> None:
    """Adds one row to the columns."""
    place = f'{path}, line {line}'
    if len(cells) != len(header):
        raise LabelError(f'{place}, has {len(cells)} cells, not '
                         f'{len(header)}')
    row = dict(zip(header, (cell.strip() for cell in cells)))
    for column, cell in row.items():
        if not cell:
            raise LabelError(f'{place}, has an empty {column}')
        if len(cell.splitlines()) > 1:
            raise LabelError(f'{place}, has a {column} of several lines')
    name = clip_name(row['name'])
    if name in columns.lines:
        raise LabelError(f'{place}, names {row["name"]!r} again after line '
                         f'{columns.lines[name]}')
    if row.get('split') == UNLABELED:
        raise LabelError(f'{place}, has the split {UNLABELED!r}, which is for '
                         'recordings without a row: remove the row')
    columns.lines[name] = line
    columns.texts[name] = row['label']
    if 'split' in row:
        columns.splits[name] = row['split']


def number_labels(
    path: str, columns: Columns, classes: Optional[List[str]]
) -> Tuple[Dict[str, int], Optional[List[str]]]:
    """Returns the label of every name as an integer, and the class names."""
    first_name, first = next(iter(columns.texts.items()))
    integers = re.fullmatch(r'[+-]?\d{1,9}', first) is not None
    for name, text in columns.texts.items():
        place = f'{path}, line {columns.lines[name]}, has the label {text!r}'
        if re.fullmatch(r'[+-]?(\d+\.\d*|\.\d+|\d{10,})', text):
            raise LabelError(f'{place}, which is neither an integer from 0 '
                             'nor a class name')
        if (re.fullmatch(r'[+-]?\d{1,9}', text) is not None) != integers:
            raise LabelError(f'{place}, but line {columns.lines[first_name]} '
                             f'has {first!r}: use only integers or only names')
        if integers and int(text) < 0:
            raise LabelError(f'{place}, but labels start at 0')
        if classes is not None and (int(text) >= len(classes) if integers
                                    else text not in classes):
            raise LabelError(f'{place}, which is not one of the '
                             f'{len(classes)} classes of the label map')
    if integers:
        return {n: int(text) for n, text in columns.texts.items()}, classes
    classes = classes or sorted(set(columns.texts.values()))
    numbers = {name: number for number, name in enumerate(classes)}
    return {n: numbers[text] for n, text in columns.texts.items()}, classes


def read_classes(path: str) -> List[str]:
    """Reads a label map, one class name per line, in the order of labels.

    Raises:
        LabelError: If it is missing or empty, or has an empty line before the
            last name or a name twice.
    """
    names = [line.strip() for line in read_text(path).splitlines()]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise LabelError(f'{path} names no class')
    for line, name in enumerate(names):
        if not name:
            raise LabelError(f'{path}, line {line + 1}, is empty')
        if name in names[:line]:
            raise LabelError(f'{path}, line {line + 1}, names {name!r} again')
    return names
