"""The labels of clips, of which each change is on disk before it counts."""
import os
import threading
from collections import Counter
from typing import Any, Dict, List, Optional, Sequence

from psp_plugin.errors import InputError
from psp_plugin.recordings import number_labels, read_classes, read_columns

from .classes import LabelClasses
from .lock import TableLock
from .table import TableFile, cell_of

SKIPPED = ''


class ConflictError(InputError):
    """Raised if a clip has another label than expected.

    Args:
        name (str): The clip.
        label (str, optional): Its label, see :meth:`LabelStore.label_of`.
    """

    def __init__(self, name: str, label: Optional[str]) -> None:
        super().__init__(f'clip {name!r} has another label by now: {label!r}')
        self.label = label


class LabelStore:
    """The labels of a pool of clips in a table.

    Only one store of a table can be open, on all processes of a machine.

    Args:
        path (str): The table; see :func:`psp_plugin.recordings.read_labels`.
            It may be missing or without a label.
        names (Sequence[str]): The clips.
        classes_path (str, optional): A label map with the only classes.
            Defaults to None.
        classes (Sequence[str]): Names of the classes by label, if there is
            no label map. Defaults to none.

    Raises:
        LabelError: If the table or the label map is invalid.
        InputError: If a clip cannot be named in a table, or if another store
            has the table.
        OSError: If the folder cannot be written.
    """

    def __init__(self, path: str, names: Sequence[str],
                 classes_path: Optional[str] = None,
                 classes: Sequence[str] = ()) -> None:
        for name in names:
            cell_of(name)
        self.names = frozenset(names)
        given = None if classes_path is None else read_classes(classes_path)
        self.lock = threading.RLock()  # of the threads of this process
        self.table_lock = TableLock(path)
        try:
            self._open(path, given, classes, classes_path)
        except BaseException:
            self.close()
            raise

    def _open(self, path: str, given: Optional[List[str]],
              classes: Sequence[str], classes_path: Optional[str]) -> None:
        if os.path.lexists(path):
            columns = read_columns(path)
            if columns.texts:
                number_labels(path, columns, given)
        self.table = TableFile(path)
        self.table.remove_part()
        self.classes = LabelClasses(
            filter(None, self.table.labels.values()),
            classes if given is None else given, classes_path)
        self.labels: Dict[str, Optional[str]] = {
            name: self.classes.cleaned(label) if label else label
            for name, label in self.table.labels.items()}
        self.counts = Counter(map(self.label_of, self.names))

    def close(self) -> None:
        """Leaves the table to others, after a write that is not finished."""
        with self.lock:
            self.table_lock.release()

    def label_of(self, name: str) -> Optional[str]:
        """Returns the label of a clip; '' if skipped, None without a row."""
        return self.labels.get(name)

    def write(self, name: str, label: Optional[str],
              expected: Optional[str]) -> None:
        """Changes the label of a clip, if it is the expected one.

        Nothing is done if the clip has the label already, so that a write can
        be repeated after a lost answer.

        Args:
            name (str): The clip.
            label (str, optional): The label; ``''`` to skip the clip, None
                for no answer.
            expected (str, optional): The label that is to be changed.

        Raises:
            ConflictError: If it has neither the label nor the expected one.
            InputError: If there is no such clip or class, or if the store is
                closed.
            TableChangedError: If another program has changed the table.
            OSError: If the table cannot be written; it is then unchanged.
        """
        with self.lock:
            if name not in self.names:
                raise InputError(f'there is no clip {name!r} in the pool')
            label = self.classes.add(label) if label else label
            current = self.label_of(name)
            if current != label:
                if current != expected:
                    raise ConflictError(name, current)
                if self.table_lock.released:
                    raise InputError(f'{self.table.path} is closed: start '
                                     'tools/label.py again')
                self.table.set(name, label)
                self.labels[name] = label
                self.counts[current] -= 1
                self.counts[label] += 1
            self.table.sync()  # also after it failed for the same label

    def add_class(self, text: str) -> str:
        """Adds a class, see :meth:`.classes.LabelClasses.add`."""
        with self.lock:
            return self.classes.add(text)

    def progress(self) -> Dict[str, Any]:
        """Counts the clips: all, labelled, skipped, and of each class."""
        with self.lock:
            skipped, left = self.counts[SKIPPED], self.counts[None]
            return dict(
                total=len(self.names), skipped=skipped,
                labeled=len(self.names) - skipped - left,
                classes=[dict(label=label, title=title,
                              count=self.counts[label])
                         for label, title in self.classes.titles.items()])
