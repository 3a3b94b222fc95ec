"""Changes a label table row by row, and keeps everything else in it."""
import contextlib
import csv
import hashlib
import io
import os
import re
import shutil
from typing import Dict, Iterator, List, Optional, Tuple

from psp_plugin.errors import InputError
from psp_plugin.recordings import clip_name, encoding_of, is_empty

HEADER = 'name,label\n'
LINES = re.compile(r'[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+')
SUFFIX = '.npy'  # of a name that another suffix would be taken from
TRAIN, UNLABELED = 'train', 'unlabeled'


class TableChangedError(InputError):
    """Raised for a table that another program has changed."""


class TableFile:
    """A label table on disk, of which single rows are changed.

    Other rows, the order, the columns, the separator, the encoding and the
    line ends stay as they are.

    Args:
        path (str): The table, which :func:`psp_plugin.recordings.read_columns`
            can read; a missing one is created with the first label.

    Attributes:
        labels: The label of each row by the name of its recording, in the
            order of the table; ``''`` for an unlabelled one.

    Raises:
        OSError: If it exists, but cannot be read.
    """

    def __init__(self, path: str) -> None:
        self.path = os.path.realpath(path)
        self.part = os.path.join(os.path.dirname(self.path),
                                 f'.{os.path.basename(self.path)}.part')
        data = self._read()
        self.digest = data and digest_of(data)
        self.mark, self.encoding = encoding_of(data or b'')
        text = (HEADER if data is None else
                data[len(self.mark):].decode(self.encoding))
        self.texts = LINES.findall(text)  # of each row, '' if removed
        end = re.search(r'\r\n|\r|\n', self.texts[0])
        self.end = end[0] if end else '\n'
        self.separator = max(',;\t', key=self.texts[0].count)
        self.rows: Dict[str, int] = {}
        self.labels: Dict[str, str] = {}
        self.synced = True
        self._parse()

    def _parse(self) -> None:
        """Finds the text and the label of each row."""
        if not self.texts[-1].endswith(('\r', '\n')):
            self.texts[-1] += self.end
        records = list(split_records(self.texts, self.separator))
        self.texts = [text for text, _ in records]
        self.header = [cell.strip() for cell in records[0][1]]
        for index, (_, cells) in enumerate(records[1:], 1):
            if cells:
                row = dict(zip(self.header, map(str.strip, cells)))
                name = clip_name(row['name'])
                self.rows[name] = index
                self.labels[name] = (
                    '' if is_empty(row['label']) else row['label'])

    def _read(self) -> Optional[bytes]:
        """Returns the content of the file, None if it is missing."""
        try:
            with open(self.path, 'rb') as stream:
                return stream.read()
        except FileNotFoundError:
            return None

    def set(self, name: str, label: Optional[str]) -> None:
        """Changes the label of a recording in the file, see :meth:`sync`.

        Args:
            name (str): The recording.
            label (str, optional): Its label; ``''`` for an unlabelled
                recording, None to remove the row.

        Raises:
            TableChangedError: If another program has changed the table.
            OSError: If it cannot be written; then it is as it was.
        """
        index = self.rows.get(name, len(self.texts))
        text = '' if label is None else self._row(name, label)
        texts = [*self.texts[:index], text, *self.texts[index + 1:]]
        self._replace(self.mark + ''.join(texts).encode(self.encoding))
        self.texts = texts
        if label is None:
            self.rows.pop(name, None)
            self.labels.pop(name, None)
        else:
            self.rows[name], self.labels[name] = index, label

    def _row(self, name: str, label: str) -> str:
        """Returns the new text of a row."""
        new = dict(name=cell_of(name), label=label, split=TRAIN)
        cells = [new[column] for column in self.header]
        if name in self.rows:
            text = self.texts[self.rows[name]]
            (_, cells), = split_records([text], self.separator)
            cells[self.header.index('label')] = label
            for at, column in enumerate(self.header):
                if column == 'split' and label and cells[at].strip() in (
                        '', UNLABELED):
                    cells[at] = TRAIN
        stream = io.StringIO(newline='')
        csv.writer(stream, delimiter=self.separator,
                   lineterminator=self.end).writerow(cells)
        return stream.getvalue()

    def _replace(self, data: bytes) -> None:
        """Replaces the file by a new one that is complete on disk."""
        old = self._read()
        if old is None and self.digest is not None:
            raise TableChangedError(
                f'{self.path} was removed or renamed by another program: put '
                'it back and try again, or restart tools/label.py to begin a '
                'new table')
        if (old and digest_of(old)) != self.digest:
            raise TableChangedError(
                f'{self.path} was changed by another program since this one '
                'wrote it, and is left as it is: restart tools/label.py to '
                'continue with the changed table')
        try:
            with open(self.part, 'wb') as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            if old is not None:
                shutil.copymode(self.path, self.part)
            os.replace(self.part, self.path)
        except OSError:
            self.remove_part()
            raise
        self.digest, self.synced = digest_of(data), False

    def sync(self) -> None:
        """Waits until the folder is on disk, with the name of the new file."""
        if self.synced:
            return
        folder = os.open(os.path.dirname(self.path), os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self.synced = True

    def remove_part(self) -> None:
        """Removes an unfinished file, also that of a killed program."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.part)


def digest_of(data: bytes) -> str:
    """Returns a hash of a file's content."""
    return hashlib.sha256(data).hexdigest()


def split_records(lines: List[str], separator: str
                  ) -> Iterator[Tuple[str, List[str]]]:
    """Yields the text and the cells of each row of a CSV table."""
    reader = csv.reader(
        (line.rstrip('\r\n') + '\n' for line in lines), delimiter=separator,
        strict=True)
    first = 0
    for cells in reader:
        yield ''.join(lines[first:reader.line_num]), cells
        first = reader.line_num


def cell_of(name: str) -> str:
    """Returns what a table must hold for the name of a recording.

    Tables may name recordings with their suffix, so that one is appended to
    a name that itself ends like a file.

    Raises:
        InputError: If no cell of a table can stand for the name.
    """
    for cell in (name, name + SUFFIX):
        if (clip_name(cell) == name and name and '\0' not in name
                and len(cell.splitlines()) == 1
                and name.encode(errors='replace').decode() == name):
            return cell
    raise InputError(f'clip {name!r} cannot be named in a label table: rename '
                     'it, without spaces at its ends, line breaks and '
                     'backslashes')
