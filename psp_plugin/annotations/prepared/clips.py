"""Sequences of clips, names and labels that are read when asked for."""
import os.path as osp
from functools import cached_property
from itertools import repeat
from typing import (
    Any,
    Dict,
    Generic,
    Iterator,
    List,
    Optional,
    Sequence,
    TypeVar,
    Union,
    overload,
)

import numpy as np

from ..clip_checks import Layout
from .container import PreparedFile

Item = TypeVar('Item')
# Names and labels are read in pieces of this many clips.
PIECE = 1 << 15
NO_LABEL, ONE_LABEL, SEVERAL_LABELS = range(3)
# The first layouts of each file: clips without one.
NO_POINTS, COMPRESSED = range(2)


class Lazy(Sequence[Item], Generic[Item]):
    """Something of clips of a prepared file.

    It has an array of the clips' numbers instead of objects, so that forked
    workers do not copy memory by counting references.

    Args:
        file (PreparedFile): The file.
        numbers (np.ndarray): The numbers of the clips, int32.
    """

    def __init__(self, file: PreparedFile, numbers: np.ndarray) -> None:
        self.file, self.numbers = file, numbers

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, place: int) -> Item:
        ...

    @overload
    def __getitem__(self, place: slice) -> 'Lazy[Item]':
        ...

    def __getitem__(self, place: Union[int, slice]
                    ) -> Union[Item, 'Lazy[Item]']:
        if isinstance(place, slice):
            return self.take(place)
        return self.read(int(self.numbers[place]))

    def take(self, places: Any) -> 'Lazy[Item]':
        """Returns the part of a slice, of indices or of a mask."""
        return type(self)(self.file, self.numbers[places])

    def read(self, number: int) -> Item:
        """Reads what belongs to the clip of a number."""
        raise NotImplementedError

    def __deepcopy__(self, memo: Dict[int, Any]) -> 'Lazy[Item]':
        return self

    def __iter__(self) -> Iterator[Item]:
        for start in range(0, len(self), PIECE):
            yield from self.piece(self.numbers[start:start + PIECE])

    def piece(self, numbers: np.ndarray) -> Iterator[Item]:
        """Yields what belongs to some clips."""
        return map(self.read, numbers.tolist())


def dense(numbers: np.ndarray) -> bool:
    """Whether reading all clips between some is faster than one by one."""
    return bool(numbers.max() - numbers.min() < 8 * len(numbers))


class ClipNames(Lazy[str]):
    """Names of clips; see :class:`Lazy`.

    Args:
        prefix (str, optional): A folder that they are joined to. Defaults to
            None.
    """

    def __init__(self, file: PreparedFile, numbers: np.ndarray,
                 prefix: Optional[str] = None) -> None:
        super().__init__(file, numbers)
        self.prefix = prefix

    def take(self, places: Any) -> 'ClipNames':
        return ClipNames(self.file, self.numbers[places], self.prefix)

    def read(self, number: int) -> str:
        return next(self._between(number, number))

    def piece(self, numbers: np.ndarray) -> Iterator[str]:
        if not dense(numbers):
            return super().piece(numbers)
        first, last = int(numbers.min()), int(numbers.max())
        names = list(self._between(first, last))
        return (names[number - first] for number in numbers.tolist())

    def _between(self, first: int, last: int) -> Iterator[str]:
        """Yields the names from one clip to another."""
        ends = self.file.read('name_ends', first, last + 2).tolist()
        text = self.file.read('names', ends[0], ends[-1]).tobytes()
        for start, end in zip(ends, ends[1:]):
            name = text[start - ends[0]:end - ends[0]].decode(
                'utf-8', 'surrogatepass')
            yield name if self.prefix is None else osp.join(self.prefix, name)


class SplitNames(ClipNames):
    """Names of the clips of a split, whose numbers are read when needed.

    Args:
        file (PreparedFile): The file.
        bounds (Sequence[int]): First and last row + 1 of its ``splits``.
    """

    def __init__(self, file: PreparedFile, bounds: Sequence[int]) -> None:
        self.file, self.bounds, self.prefix = file, bounds, None

    @cached_property
    def numbers(self) -> np.ndarray:  # type: ignore[override]
        """The numbers of the clips, int32."""
        return self.file.read('splits', *self.bounds)

    def in_order(self) -> 'PreparedClips':
        """The clips of the split in the order of the file, each once."""
        numbers = self.numbers
        if (numbers[1:] <= numbers[:-1]).any():
            numbers = np.unique(numbers)
        return PreparedClips(self.file, numbers)


class ClipLabels(Lazy[Any]):
    """Labels of clips, None for those without; see :class:`Lazy`.

    Args:
        dropped (bool): Whether all are None. Defaults to False.
    """

    def __init__(self, file: PreparedFile, numbers: np.ndarray,
                 dropped: bool = False) -> None:
        super().__init__(file, numbers)
        self.dropped = dropped

    def take(self, places: Any) -> 'ClipLabels':
        return ClipLabels(self.file, self.numbers[places], self.dropped)

    def read(self, number: int) -> Any:
        return next(self.piece(np.array([number])))

    def piece(self, numbers: np.ndarray) -> Iterator[Any]:
        if self.dropped:
            return repeat(None, len(numbers))
        if not dense(numbers):
            return super().piece(numbers)
        first, last = int(numbers.min()), int(numbers.max())
        labels, kinds = (self.file.read(name, first, last + 1)[
            numbers - first].tolist() for name in ('label', 'kind'))
        return (None if kind == NO_LABEL else label if kind == ONE_LABEL
                else self.file.clip(number)['label']
                for number, label, kind in zip(numbers.tolist(), labels,
                                               kinds))


class PreparedClips(Lazy[Dict[str, Any]]):
    """Clips that are read anew each time; see :class:`Lazy`."""

    @classmethod
    def of(cls, file: PreparedFile) -> 'PreparedClips':
        """All clips of a file."""
        return cls(file, np.arange(file.count, dtype=np.int32))

    def take(self, places: Any) -> 'PreparedClips':
        return PreparedClips(self.file, self.numbers[places])

    def read(self, number: int) -> Dict[str, Any]:
        return self.file.clip(number)

    def __add__(self, other: 'PreparedClips') -> 'PreparedClips':
        """Returns these clips and others of the same file."""
        return PreparedClips(self.file, np.concatenate(
            [self.numbers, other.numbers]))

    @property
    def names(self) -> ClipNames:
        """Their names."""
        return ClipNames(self.file, self.numbers)

    @property
    def labels(self) -> ClipLabels:
        """Their labels."""
        return ClipLabels(self.file, self.numbers)

    def column(self, name: str) -> np.ndarray:
        """Reads a column of the file for these clips."""
        values = np.empty(len(self), self.file.columns[name].dtype)
        for start in range(0, len(self), PIECE):
            part = self.numbers[start:start + PIECE]
            first, last = int(part.min()), int(part.max())
            values[start:start + PIECE] = self.file.read(
                name, first, last + 1)[part - first]
        return values

    def count_unlabeled(self) -> int:
        """The number of clips without a label."""
        return int((self.column('kind') == NO_LABEL).sum())

    @property
    def layouts(self) -> List[Optional[Layout]]:
        """The different layouts of all clips of the file."""
        return [None if layout is None else Layout(*layout)
                for layout in self.file.description['layouts']]

    def common_layout(self) -> Optional[Layout]:
        """The most frequent layout, the first in a tie; None without any."""
        own, ranked = self.column('layout'), []
        for number, layout in enumerate(self.layouts):
            having = own == number
            if layout is not None and having.any():
                ranked.append((-having.sum(), having.argmax(), layout))
        return min(ranked)[2] if ranked else None

    def unfit(self, layout: Optional[Layout], num_classes: Optional[int],
              multi_class: bool, need_label: bool, need_points: bool,
              drop_labels: bool = False) -> np.ndarray:
        """Finds clips with problems that depend on the use of the file.

        All others were found when it was made; see
        :func:`psp_plugin.annotations.find_problems`.

        Args:
            layout, num_classes, multi_class, need_label, need_points: See
                :func:`psp_plugin.annotations.find_problems`.
            drop_labels (bool): Whether labels are not used. Defaults to
                False.

        Returns:
            np.ndarray: Their places in this sequence.
        """
        kind = self.column('kind')
        bad = np.zeros(len(self), bool)
        if drop_labels:
            kind[:] = NO_LABEL
        elif num_classes is not None:
            bad |= self.column('label') >= num_classes
        if need_label:
            bad |= kind == NO_LABEL
        if not multi_class:
            bad |= kind == SEVERAL_LABELS
        own = self.column('layout')
        if need_points:
            bad |= own == NO_POINTS
        for number, other in enumerate(self.layouts):
            if other not in (None, layout):
                bad |= own == number
        return np.flatnonzero(bad)
