"""The classes to choose from, as the label table has them."""
import re
from typing import Dict, Iterable, Optional, Sequence

from psp_plugin.errors import InputError
from psp_plugin.recordings import is_empty

# What tables do not take as the name of a class.
NUMBER = re.compile(r'[+-]?(\d+\.?\d*|\.\d+)')
LONGEST = 200  # characters of a name
MOST = 1000  # classes of a table of numbers, also of those without a clip


class LabelClasses:
    """The classes of a table: their labels in it, and their names.

    A table has either integers or names. New tables have names, unless the
    names of the classes look like numbers themselves.

    Args:
        used (Iterable[str]): The labels of the table, without empty ones.
        names (Sequence[str]): The known names, by label. Defaults to none.
        file (str, optional): The label map they are from. Defaults to None:
            from the pool, and names can be added.

    Attributes:
        titles: The name of each class by its label in the table.
        closed: Why no class can be added, '' if one can.

    Raises:
        InputError: If a class cannot be in the table.
    """

    def __init__(self, used: Iterable[str], names: Sequence[str] = (),
                 file: Optional[str] = None) -> None:
        used = list(used)
        self.integers = any(map(NUMBER.fullmatch, used or names))
        self.titles: Dict[str, str] = {}
        self.closed = ''
        if file is not None:
            self.closed = f'the classes are those of {file}'
        elif self.integers and names:
            self.closed = ('the table has numbers, which stand for the '
                           'classes of the pool')
        if self.integers:
            labels = {*map(int, used), *range(len(names))}
            count = max(labels) + 1
            if count <= MOST:  # a wrong label can be any number
                labels |= set(range(count))
            self.titles = {str(i): names[i] if i < len(names) else str(i)
                           for i in sorted(labels)}
        for name in () if self.integers else (*names, *used):
            label = self.cleaned(name)
            self.titles[label] = label

    def cleaned(self, text: str) -> str:
        """Returns a label as it is in the table.

        Raises:
            InputError: If it cannot be the label of a class.
        """
        text = text.strip()
        if self.integers:
            if not re.fullmatch(r'\+?\d{1,9}', text):
                raise InputError(f'class {text!r} is not an integer from 0, '
                                 'as the labels of this table are')
            return str(int(text))
        if NUMBER.fullmatch(text) or is_empty(text):
            raise InputError(f'class {text!r} is not a name: the labels of '
                             'this table are names, not numbers')
        valid = text.encode(errors='replace').decode() == text
        if len(text.splitlines()) > 1 or '\0' in text or not valid:
            raise InputError(f'class {text!r} is not one line of text')
        return text

    def add(self, text: str) -> str:
        """Adds a class unless it is there, and returns its label.

        Raises:
            InputError: If it is not there and cannot be added.
        """
        label = self.cleaned(text)
        if label not in self.titles:
            if self.closed:
                raise InputError(f'there is no class {label!r}: {self.closed}')
            if len(label) > LONGEST:
                raise InputError(f'the name of a class has at most {LONGEST} '
                                 f'characters, not {len(label)}')
            self.titles[label] = label
        return label
