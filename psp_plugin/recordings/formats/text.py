"""Reader of tables of numbers, ``.txt`` and ``.csv``: one frame per line.

Shape legend: T frame, V joint, C coordinate.
"""
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import numpy as np

from psp_plugin.skeletons import LAYOUTS

from ..recording import Detection, Format, InvalidRecording, Recording
from .values import frame_rate, name_words, place_frames, same_name, time_unit

# Fewer numbers in a line are not a skeleton, but a table of something else.
_FEWEST = 6
_FRAMES = {('frame', ), ('frame', 'id'), ('frame', 'idx'), ('frame', 'index'),
           ('frame', 'no'), ('frame', 'num'), ('frame', 'number'),
           ('index', ), ('idx', ), ('unnamed', '0'), ()}
_PERSONS = {(who, *rest) for who in ('person', 'body', 'track', 'tracking',
                                     'player', 'subject')
            for rest in ((), ('id', ), ('idx', ), ('index', ), ('number', ))}
_LABELS = {('label', ), ('class', ), ('action', ), ('activity', )}
_SCORES = {'score', 'conf', 'confidence', 'likelihood', 'visibility', 'prob',
           'probability'}
# A number; a comma instead of the point where cells are separated by ; or
# tabs.
_NUMBER = re.compile(
    r'[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?|[+-]?(nan|inf)', re.I)


@dataclass
class Columns:
    """The columns of a table, by what they hold.

    Args:
        joints: Joint -> axis -> column.
        scores: Joint -> column.
        frame, time, person, label: The columns; None without one.
        unit: Seconds per unit of the time; None if unknown.
        others: Names of the columns that are not used.
    """
    joints: Dict[str, Dict[str, int]] = field(default_factory=dict)
    scores: Dict[str, int] = field(default_factory=dict)
    frame: Optional[int] = None
    time: Optional[int] = None
    unit: Optional[float] = None
    person: Optional[int] = None
    label: Optional[int] = None
    others: List[str] = field(default_factory=list)

    @property
    def axes(self) -> str:
        """The axes of the first joint, ``'xy'`` or ``'xyz'``."""
        return ''.join(sorted(next(iter(self.joints.values()), '')))


class Table(NamedTuple):
    """The cells of a text.

    Args:
        header: The names of the columns; None without a line of names.
        rows: The other lines that are not blank.
        first: Number of the first of the rows in the text, from 1.
    """
    header: Optional[List[str]]
    rows: List[List[str]]
    first: int


def split_table(text: str) -> Table:
    """Splits a text into cells, separated by ``;``, tab, comma or spaces."""
    lines = text.split('\n')
    used = [number for number, line in enumerate(lines) if line.strip()]
    if not used:
        return Table(None, [], 1)
    head = lines[used[0]]
    mark = next((mark for mark in ';\t,' if mark in head), None)
    rows = [[cell.strip().strip('"') for cell in
             (lines[number].split(mark) if mark else lines[number].split())]
            for number in used]
    if mark in (';', '\t'):
        rows = [[cell.replace(',', '.') if _NUMBER.fullmatch(cell) else cell
                 for cell in row] for row in rows]
    if all(cell and is_number(cell) for cell in rows[0]):
        return Table(None, rows, used[0] + 1)
    return Table(rows[0], rows[1:], used[1] + 1 if len(used) > 1 else 0)


def is_number(cell: str) -> bool:
    """Whether a cell is a number with a decimal point."""
    return ',' not in cell and bool(_NUMBER.fullmatch(cell))


def is_table(text: Any) -> bool:
    """Whether a text is a table of coordinates.

    Either the first line names x and y of at least two joints, or it has at
    least six numbers and nothing else.
    """
    if not isinstance(text, str):
        return False
    table = split_table('\n'.join(text.lstrip().split('\n', 2)[:2]))
    if table.header is None:
        return bool(table.rows) and len(table.rows[0]) >= _FEWEST
    try:
        columns = find_columns(table.header)
    except InvalidRecording:  # which is then the reason of refusal
        return True
    return sum(len(axes) for axes in columns.joints.values()) >= 4 or (
        set(columns.joints) == {''})


def read_table(text: str, joints: Optional[int] = None) -> List[Recording]:
    """Reads a table with one frame per line, or one person in one frame.

    With a line of names such as ``nose_x``, ``x_nose``, ``noseX`` or ``x0``,
    joints and axes are read by name, in the order in which joints are first
    named, numbered joints in the order of their numbers. If the joints are
    those of a known layout, they are put in its order. Columns of frame
    numbers, times, persons and the class are used; columns of scores are used
    with 2D joints, other columns are not. A line whose coordinates are all
    empty is a frame without a person.

    Without names, a line has x, y or x, y, z of every joint in turn.

    Decimal commas are read if cells are separated by semicolons or tabs.

    Args:
        text (str): The table; cells are separated by semicolons, tabs, commas
            or spaces.
        joints (int, optional): Number of joints of a table without names.
            Defaults to None, the only number among those of the known
            layouts that fits.

    Returns:
        list[Recording]: One.

    Raises:
        InvalidRecording: If the joints are not certain, or if a line has
            another number of cells or a cell that is not a number.
    """
    table = split_table(text)
    if not table.rows:
        raise InvalidRecording('has no line of numbers')
    columns = find_columns(table.header) if table.header else \
        count_columns(len(table.rows[0]), joints)
    check_columns(columns)
    table = number_persons(table, columns)
    order, layout = joint_order(list(columns.joints), bool(table.header))
    numbers, labels = read_cells(table, columns)
    places = [[columns.joints[joint][axis] for axis in columns.axes]
              for joint in order]
    points = numbers[:, places]  # T, V, C
    scores = None
    if columns.scores and len(columns.axes) == 2:
        scores = numbers[:, [columns.scores[joint] for joint in order]]
    return [Recording(
        frames=detections(numbers, points, scores, columns),
        label=labels, layout=layout,
        joint_names=named_joints(order, layout),
        fps=table_rate(numbers, columns),
        notes=table_notes(columns, order, layout))]


def number_persons(table: Table, columns: Columns) -> Table:
    """Replaces names of persons by numbers; one name for all is not used."""
    place = columns.person
    if place is None or any(len(row) <= place for row in table.rows) or all(
            is_number(row[place]) for row in table.rows):
        return table
    numbers = {name: str(number) for number, name in enumerate(
        dict.fromkeys(row[place] for row in table.rows))}
    if len(numbers) == 1:
        columns.person = None
        columns.others.append((table.header or [])[place])
        return table
    return table._replace(rows=[
        [*row[:place], numbers[row[place]], *row[place + 1:]]
        for row in table.rows])


def find_columns(header: List[str]) -> Columns:
    """Finds what every column holds by its name."""
    columns = Columns()
    for place, name in enumerate(header):
        words = tuple(name_words(name))
        joint, axis = split_axis(name)
        if axis == 'score':
            columns.scores[joint] = place
        elif axis and axis in columns.joints.get(joint, {}):
            raise InvalidRecording(f'has two columns for {axis} of joint '
                                   f'{joint!r}, again {name!r}')
        elif axis:
            columns.joints.setdefault(joint, {})[axis] = place
        elif words in _FRAMES and columns.frame is None:
            columns.frame = place
        elif is_time(words) and columns.time is None:
            columns.time, columns.unit = place, time_unit(name)
        elif words in _PERSONS and columns.person is None:
            columns.person = place
        elif words in _LABELS and columns.label is None:
            columns.label = place
        else:
            columns.others.append(name)
    if len(columns.joints) > 1:  # x and y without a joint's name
        unnamed = columns.joints.pop('', {})
        columns.others += [header[place] for place in unnamed.values()]
    return columns


def is_time(words: Tuple[str, ...]) -> bool:
    """Whether the words of a name are those of a time."""
    return bool(words) and (words[0] in ('time', 'timestamp', 'seconds')
                            or words[-1] in ('time', 'timestamp'))


def split_axis(name: str) -> Tuple[str, str]:
    """Splits ``nose_x`` into joint and axis.

    Returns:
        tuple[str, str]: The joint, and ``'x'``, ``'y'``, ``'z'`` or
        ``'score'``; two empty strings if the name is none of them, such as
        that of an angle.
    """
    words = name_words(name)
    if set(words) & {'rot', 'rotation', 'quat', 'quaternion', 'angle',
                     'orientation', 'vel', 'velocity', 'acc', 'acceleration',
                     'bbox', 'box'}:
        return '', ''
    words = [word for word in words
             if word not in ('pos', 'position', 'coord')]
    for place in (-1, 0):
        axis = words[place] if words else ''
        axis = 'score' if axis in _SCORES else axis
        if axis in ('x', 'y', 'z', 'score'):
            rest = words[:-1] if place else words[1:]
            return ' '.join(rest), axis
    return '', ''


def count_columns(count: int, joints: Optional[int]) -> Columns:
    """Returns the columns of a table without names."""
    known = {pyramid.num_joints for pyramid in LAYOUTS.values()}
    possible = [(count // size, size) for size in (3, 2) if not count % size]
    fits = [(number, size) for number, size in possible
            if number == joints or (joints is None and number in known)]
    if len(fits) != 1:
        raise InvalidRecording(
            f'has {count} columns without names, '
            + (f'not x, y or x, y, z of {joints} joints: ' if joints else
               'which could be ' + (' or '.join(
                   f'{number} joints of {size} coordinates'
                   for number, size in possible) or 'no number of joints')
               + ': ')
            + 'give the number of joints (--joints), or name the columns in '
            'the first line, such as nose_x, nose_y')
    (number, size), = fits
    return Columns({str(joint): {axis: joint * size + place
                                 for place, axis in enumerate('xyz'[:size])}
                    for joint in range(number)})


def check_columns(columns: Columns) -> None:
    """Raises InvalidRecording unless all joints have the same axes."""
    if not columns.joints:
        raise InvalidRecording(
            'has no columns of coordinates: name them in the first line, '
            'such as nose_x, nose_y')
    if set(columns.joints) == {''}:
        raise InvalidRecording(
            'has one joint per line (x, y): write one frame per line, with '
            'columns such as nose_x, nose_y')
    for joint, axes in columns.joints.items():
        found = ''.join(sorted(axes))
        if found not in ('xy', 'xyz') or found != columns.axes:
            raise InvalidRecording(
                f'has columns for {", ".join(found)} of joint {joint!r}, but '
                f'for {", ".join(columns.axes)} of joint '
                f'{next(iter(columns.joints))!r}: all joints need x and y, '
                'or x, y and z')
    lacking = sorted(set(columns.joints) ^ set(columns.scores))
    if columns.scores and lacking and len(columns.axes) == 2:
        raise InvalidRecording(
            f'has scores of some joints only, not as for {lacking[0]!r}')


def joint_order(names: List[str],
                named: bool) -> Tuple[List[str], Optional[str]]:
    """Returns the joints in their order, and the layout of that order."""
    if not named:
        return names, None
    numbers = [re.fullmatch(r'(?:(.*) )?(\d+)', name) for name in names]
    if all(numbers) and len({match[1] for match in numbers if match}) == 1:
        return sorted(names, key=lambda name: int(name.split()[-1])), None
    keys = {same_name(name): name for name in names}
    for layout, pyramid in LAYOUTS.items():
        wanted = [same_name(name) for name in pyramid.joint_names]
        if len(wanted) == len(names) and set(wanted) == set(keys):
            return [keys[name] for name in wanted], layout
    return names, None


def read_cells(table: Table, columns: Columns
               ) -> Tuple[np.ndarray, Union[int, str, None]]:
    """Reads all used cells as numbers, (lines, columns), and the class.

    Empty cells are NaN, and so are the columns that are not used.
    """
    width = len(table.header or table.rows[0])
    used = sorted({place for axes in columns.joints.values()
                   for place in axes.values()} | set(
                       columns.scores.values()) | {
        place for place in (columns.frame, columns.time, columns.person)
        if place is not None})
    numbers = np.full((len(table.rows), width), np.nan)
    for line, row in enumerate(table.rows):
        if len(row) != width:
            raise InvalidRecording(
                f'has {len(row)} cells in line {table.first + line}, not '
                f'{width} as in the first')
        for place in used:
            cell = row[place]
            if cell and not is_number(cell):
                raise InvalidRecording(
                    f'has {cell[:40]!r} in line {table.first + line}, column '
                    f'{place + 1}, which is not a number')
            numbers[line, place] = float(cell or 'nan')
    return numbers, read_label(table, columns)


def read_label(table: Table, columns: Columns) -> Union[int, str, None]:
    """Returns the class, if all lines have the same one."""
    if columns.label is None:
        return None
    names = Counter(row[columns.label] for row in table.rows)
    if len(names) > 1:
        columns.others.append(
            f'{(table.header or [])[columns.label]} (which changes)')
        return None
    name = next(iter(names))
    return int(name) if re.fullmatch(r'-?\d{1,9}', name) else name or None


def detections(numbers: np.ndarray, points: np.ndarray,
               scores: Optional[np.ndarray],
               columns: Columns) -> List[List[Detection]]:
    """Returns the persons of every frame."""
    frames: Dict[int, List[Detection]] = {}
    for line, row in enumerate(numbers):
        frame = line if columns.frame is None else whole(row[columns.frame])
        if columns.frame is None and columns.person is not None:
            raise InvalidRecording(
                'has a column of persons, but none of frame numbers: add the '
                'column "frame"')
        if frame in frames and columns.person is None:
            raise InvalidRecording(
                f'has frame {frame} in two lines: add the column "person", '
                'or keep one line per frame')
        found = frames.setdefault(frame, [])
        if np.isnan(points[line]).all():
            continue
        number = None if columns.person is None else whole(
            row[columns.person])
        if number is not None and any(
                person.number == number for person in found):
            raise InvalidRecording(
                f'has person {number} twice in frame {frame}')
        found.append(Detection(
            points[line], None if scores is None else scores[line], number))
    order = sorted(frames)
    return place_frames(order, [frames[frame] for frame in order])


def whole(value: float) -> int:
    """Converts the number of a frame or person."""
    if value != np.floor(value) or abs(value) > 2**53:
        raise InvalidRecording(
            f'has {value} as number of a frame or person, which is not an '
            'integer')
    return int(value)


def table_rate(numbers: np.ndarray, columns: Columns) -> Optional[float]:
    """Returns the frames per second, if the unit of the times is known."""
    if columns.time is None or columns.unit is None:
        return None
    times = np.unique(numbers[:, columns.time])
    return None if np.isnan(times).any() else frame_rate(
        (times * columns.unit).tolist())


def named_joints(order: List[str],
                 layout: Optional[str]) -> Optional[Tuple[str, ...]]:
    """Returns the names of the joints unless they are numbers or known."""
    if layout is not None or all(name.isdecimal() for name in order):
        return None
    return tuple(order)


def table_notes(columns: Columns, order: List[str],
                layout: Optional[str]) -> List[str]:
    """Returns remarks about the columns."""
    notes = []
    if named_joints(order, layout):
        notes.append(f'has {len(order)} joints by name, in this order: '
                     f'{", ".join(order)}')
    others = list(columns.others)
    if columns.scores and len(columns.axes) == 3:
        others.append('the scores of 3D joints')
    if others:
        notes.append(f'has columns that are not used: {", ".join(others)}')
    return notes


FORMATS = (Format('table of numbers', ('.txt', '.csv'), is_table, read_table,
                  takes_joints=True), )
