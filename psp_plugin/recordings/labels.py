"""Reads label tables of recordings, and label maps."""
import csv
import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple, Union

from psp_plugin.annotations import is_unlabeled

from .recording import InvalidRecording
from .sources import SUFFIXES, load_content
from .text_files import read_text as decode

COLUMNS = ('name', 'label')
# A table of videos also names their recordings.
VIDEOS = ('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg')
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
        unlabeled: The recordings with a row, but an empty label or -1.
    """
    path: str
    labels: Dict[str, int]
    lines: Dict[str, int]
    splits: Optional[Dict[str, str]] = None
    classes: Optional[List[str]] = None
    unlabeled: List[str] = field(default_factory=list)

    @property
    def num_classes(self) -> int:
        """The number of classes a model needs for these labels."""
        return len(self.classes or ()) or max(self.labels.values()) + 1


@dataclass
class Columns:
    """The columns of a table, before labels are numbers.

    Args:
        lines: The line of each recording in the table, from 1.
        texts: The label of each recording that has one.
        splits: The split of each, if the table has this column.
        unlabeled: The recordings with a row, but an empty label or -1.
    """
    lines: Dict[str, int] = field(default_factory=dict)
    texts: Dict[str, str] = field(default_factory=dict)
    splits: Dict[str, str] = field(default_factory=dict)
    unlabeled: List[str] = field(default_factory=list)

    def place(self, name: str) -> str:
        """Returns where a label is, for messages."""
        return f'line {self.lines[name]}' if name in self.lines else repr(name)


def clip_name(name: str) -> str:
    """Returns the name of a recording: its path without the suffix."""
    name = name.strip().replace('\\', '/')
    for suffix in (*SUFFIXES, *VIDEOS):
        if name.lower().endswith(suffix):
            name = name[:-len(suffix)]
            break
    return name[2:] if name.startswith('./') else name


def read_labels(path: str, classes_path: Optional[str] = None,
                known: Sequence[str] = ()) -> LabelTable:
    """Reads a CSV table with the columns name, label and optionally split.

    Labels are either all integers from 0 or all class names. Names are
    numbered in the order of the label map, otherwise as the known classes, if
    one of these is in the table, and alphabetically. A row with an empty
    label or -1 is an unlabelled recording.

    Args:
        path (str): The table with a header, separated by commas, semicolons
            or tabs, in UTF-8, or in UTF-16 with byte-order mark.
        classes_path (str, optional): A label map as in the toolbox, one name
            per line. Defaults to None.
        known (Sequence[str]): Names of the classes of the recordings, see
            :func:`classes_in`. Defaults to none.

    Returns:
        LabelTable: The table.

    Raises:
        LabelError: If a file is missing or invalid; the message names the
            line.
    """
    columns = read_columns(path)
    if not columns.lines:
        raise LabelError(f'{path} has no row below its header')
    if not columns.texts:
        raise LabelError(f'{path} has no label in any of its '
                         f'{len(columns.lines)} rows: fill in some, or leave '
                         'the table out for an unlabelled pool')
    classes = label_map(columns, classes_path, known)
    labels, classes = number_labels(path, columns, classes)
    return LabelTable(path, labels, columns.lines, columns.splits or None,
                      classes, columns.unlabeled)


def read_columns(path: str) -> Columns:
    """Reads the rows of a label table, which may be without any label.

    Args:
        path (str): See :func:`read_labels`.

    Raises:
        LabelError: If the file is missing or invalid, apart from its labels.
    """
    columns = Columns()
    text = read_text(path)
    first = text.split('\n', 1)[0]
    separator = max(',;\t', key=first.count)
    reader = csv.reader(io.StringIO(text, newline=''), delimiter=separator,
                        strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        check_header(path, header)
        for cells in reader:
            if cells:
                add_row(columns, header, cells, path, reader.line_num)
    except csv.Error as error:
        raise LabelError(f'{path}, line {reader.line_num}, is not CSV '
                         f'({error})') from error
    return columns


def label_table(source: str, labels: Dict[str, Union[int, str, None]],
                classes_path: Optional[str] = None,
                known: Sequence[str] = ()) -> LabelTable:
    """Makes a table of labels that come with the recordings.

    Args:
        source (str): Where they are from, for messages.
        labels (dict[str, int or str or None]): The label of each recording:
            all integers from 0 or all names; None or -1 if it has none.
        classes_path (str, optional): A label map. Defaults to None.
        known (Sequence[str]): See :func:`read_labels`. Defaults to none.

    Returns:
        LabelTable: The table.

    Raises:
        LabelError: If a label is invalid, or if there is none.
    """
    columns = Columns(unlabeled=[name for name, label in labels.items()
                                 if is_empty(label)])
    columns.texts = {name: str(label) for name, label in labels.items()
                     if not is_empty(label)}
    if not columns.texts:
        raise LabelError(f'there are no labels in {source}')
    classes = label_map(columns, classes_path, known)
    numbers, classes = number_labels(source, columns, classes)
    return LabelTable(source, numbers, {}, None, classes, columns.unlabeled)


def is_empty(label: Union[int, str, None]) -> bool:
    """Whether a label of a file stands for none: also '' and '-1'."""
    return is_unlabeled(label) or str(label).strip() in ('', '-1')


def read_text(path: str) -> str:
    """Reads text, with or without the byte-order mark of Excel."""
    try:
        return decode(path)
    except OSError as error:
        raise LabelError(
            f'{path} cannot be read ({error.strerror})') from error
    except InvalidRecording as problem:
        raise LabelError(f'{path} {problem}') from problem


def check_header(path: str, header: List[str]) -> None:
    """Raises LabelError unless the columns are as expected."""
    if sorted(header) not in (sorted(COLUMNS), sorted((*COLUMNS, 'split'))):
        raise LabelError(f'{path}, line 1, must be name,label or '
                         'name,label,split, separated by commas, semicolons '
                         f'or tabs, not {",".join(header)!r}')


def add_row(columns: Columns, header: List[str], cells: List[str],
            path: str, line: int) -> None:
    """Adds one row to the columns."""
    place = f'{path}, line {line}'
    if len(cells) != len(header):
        raise LabelError(f'{place}, has {len(cells)} cells, not '
                         f'{len(header)}')
    row = dict(zip(header, (cell.strip() for cell in cells)))
    for column, cell in row.items():
        if not cell and column != 'label' and (
                column != 'split' or not is_empty(row['label'])):
            raise LabelError(f'{place}, has an empty {column}')
        if len(cell.splitlines()) > 1:
            raise LabelError(f'{place}, has a {column} of several lines')
    name = clip_name(row['name'])
    if name in columns.lines:
        raise LabelError(f'{place}, names {row["name"]!r} again after line '
                         f'{columns.lines[name]}')
    columns.lines[name] = line
    if is_empty(row['label']):
        columns.unlabeled.append(name)
        return
    if row.get('split') == UNLABELED:
        raise LabelError(f'{place}, has the split {UNLABELED!r}, which is for '
                         'recordings without a label: remove the row or its '
                         'label')
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
        place = f'{path}, {columns.place(name)}, has the label {text!r}'
        if re.fullmatch(r'[+-]?(\d+\.\d*|\.\d+|\d{10,})', text):
            raise LabelError(f'{place}, which is neither an integer from 0 '
                             'nor a class name')
        if (re.fullmatch(r'[+-]?\d{1,9}', text) is not None) != integers:
            raise LabelError(f'{place}, but {columns.place(first_name)} has '
                             f'{first!r}: use only integers or only names')
        if integers and int(text) < 0:
            raise LabelError(f'{place}, but labels start at 0 (-1 or nothing '
                             'for an unlabelled recording)')
        if classes is not None and (int(text) >= len(classes) if integers
                                    else text not in classes):
            raise LabelError(f'{place}, which is not one of the '
                             f'{len(classes)} classes of the label map')
    if integers:
        return {n: int(text) for n, text in columns.texts.items()}, classes
    classes = classes or sorted(set(columns.texts.values()))
    numbers = {name: number for number, name in enumerate(classes)}
    return {n: numbers[text] for n, text in columns.texts.items()}, classes


def label_map(columns: Columns, path: Optional[str],
              known: Sequence[str]) -> Optional[List[str]]:
    """Returns the classes of a label map, or else the known ones if they fit.

    Known classes fit names of which one is among them, which others follow,
    and integers that are all among their labels.
    """
    if path is not None:
        return read_classes(path)
    texts = set(columns.texts.values())
    if all(re.fullmatch(r'\d{1,9}', text) for text in texts):
        return list(known) if max(map(int, texts)) < len(known) else None
    return [*known, *sorted(texts - set(known))] if texts & set(
        known) else None


def classes_in(path: str) -> List[str]:
    """Returns the names of the classes in an annotation pickle, if any.

    Args:
        path (str): The pickle. A folder, another file, or one that cannot be
            read has none.
    """
    if not path.lower().endswith('.pkl'):
        return []
    try:
        content = load_content(Path(path))
    except (InvalidRecording, OSError):
        return []  # reading its clips raises the error
    info = content.get('metainfo') if isinstance(content, dict) else None
    classes = info.get('classes') if isinstance(info, dict) else None
    if not isinstance(classes, (list, tuple)) or not all(
            isinstance(name, str) and name for name in classes):
        return []
    return list(classes) if len(set(classes)) == len(classes) else []


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
