"""The file of prepared clips: named columns that are read in parts.

The bytes are those of the safetensors format, so that its library opens the
columns as well: eight bytes with the length of a header in JSON, the header,
the columns. N clips have

- ``clips`` (N + 1, 4) int64: first byte in ``data``, bytes of arrays, bytes
  of JSON, checksum. The last row is the description of the file: ``key``,
  ``splits`` (name to first and last row + 1 of ``splits``), ``layouts`` and
  ``metainfo``.
- ``name_ends`` (N + 1) int64: where names begin and end in ``names``.
- ``label`` (N) int32: the largest if it has several; -1 for none.
- ``splits`` int32: the clips of each split.
- ``layout`` (N) uint8: a row of ``layouts``.
- ``kind`` (N) uint8: 0 without label, 1 with one, 2 with a list.
- ``names`` uint8: in UTF-8.
- ``data`` uint8: see :mod:`.encoding`.

Files are read with ``pread`` into new arrays and not mapped: processes and
forked workers share the page cache, and a file that is cut short under a run
is a short read instead of SIGBUS.
"""
import hashlib
import json
import os
import struct
import weakref
import zlib
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from psp_plugin.errors import FileError

from .encoding import decode

FORMAT, VERSION = 'psp_plugin clips', '1'
HEADER = 4096  # bytes, with the length and the spaces that fill it up
LENGTH = struct.Struct('<Q')
ROW = struct.Struct('<4q')
MAGIC = LENGTH.pack(HEADER - LENGTH.size) + (
    b'{"__metadata__":{"format":"psp_plugin clips"')
DTYPES: Dict[str, Any] = dict(
    I64=np.dtype('<i8'), I32=np.dtype('<i4'), U8=np.dtype('u1'))
# In the order of the file, so that each begins at a multiple of its itemsize.
COLUMNS = dict(data='U8', clips='I64', name_ends='I64', label='I32',
               splits='I32', layout='U8', kind='U8', names='U8')
CHUNK = 1 << 22
AGAIN = 'prepare it again with tools/data/prepare.py'


class PreparedFileError(FileError):
    """Raised for a prepared file that is damaged or has changed."""


class Column(NamedTuple):
    """Where a column is in the file."""
    dtype: np.dtype
    shape: Tuple[int, ...]
    offset: int


def is_prepared(path: str) -> bool:
    """Whether a local file has the first bytes of a prepared file."""
    if not os.path.isfile(path):
        return False
    with open(path, 'rb') as stream:
        return stream.read(len(MAGIC)) == MAGIC


def make_header(shapes: Dict[str, List[int]], source: str,
                sha256: str = '') -> bytes:
    """Returns the header of a file, without its length.

    Args:
        shapes (dict): The shape of each column.
        source (str): What the file was made from.
        sha256 (str): Hash of the header without hash and of all columns but
            ``data``, whose checksums are in ``clips``. Defaults to ''.
    """
    header: Dict[str, Any] = dict(__metadata__=dict(
        format=FORMAT, version=VERSION, source=source, sha256=sha256))
    end = 0
    for name, code in COLUMNS.items():
        begin = end
        end += int(np.prod(shapes[name])) * DTYPES[code].itemsize
        header[name] = dict(dtype=code, shape=shapes[name],
                            data_offsets=[begin, end])
    text = json.dumps(header, separators=(',', ':')).encode('ascii')
    return text.ljust(HEADER - LENGTH.size)


def check_shapes(data: List[int], clips: List[int], name_ends: List[int],
                 label: List[int], splits: List[int], layout: List[int],
                 kind: List[int], names: List[int]) -> None:
    """Raises ValueError unless shapes of columns fit each other."""
    sizes = *data, *label, *splits, *names
    if len(sizes) != 4 or any(type(size) is not int or size < 0
                              for size in sizes):
        raise ValueError(f'sizes {sizes}')
    count, = label
    if [label, label, [count + 1], [count + 1, 4]] != [
            layout, kind, name_ends, clips]:
        raise ValueError(f'columns not of {count} clips')


def first_checksum(source: str) -> int:
    """Returns the checksum that those of the clips of a file begin with."""
    return zlib.crc32(source.encode('ascii'))


def checksum(first: int, number: int, *parts: Any) -> int:
    """Computes the checksum of a clip.

    Another clip, or the same clip in another file, has another one.

    Args:
        first (int): That of the file, see :func:`first_checksum`.
        number (int): Number of the clip.
        *parts (bytes or np.ndarray): The bytes of the clip.
    """
    value = first ^ number
    for part in parts:
        value = zlib.crc32(part, value)
    return value


class PreparedFile:
    """A prepared file that is open for reading.

    A file that is replaced by renaming stays the one that was opened. Copies
    in processes that are not forked open the file again, and refuse another
    one.

    Args:
        path (str): The file.
        sha256 (str, optional): The hash that it must have; its columns are
            then not read. Defaults to None, any: columns are compared with
            the hash of the file.

    Raises:
        PreparedFileError: If it is damaged, or of an unknown version.
        OSError: If it cannot be opened.
    """

    def __init__(self, path: str, sha256: Optional[str] = None) -> None:
        self.path = path
        self.descriptor = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self.descriptor)
        status = os.fstat(self.descriptor)
        self.modified, self.length = status.st_mtime_ns, status.st_size
        self.source, self.sha256 = self._read_header()
        if sha256 is None:
            self._compare_hash()
        elif sha256 != self.sha256:
            raise PreparedFileError(path, 'is not the file that was opened '
                                    'before, as it has been replaced: start '
                                    'again')
        self.first = first_checksum(self.source)
        self.rows = self.columns['clips'].offset
        self.size = self.columns['data'].shape[0]
        self.count = self.columns['label'].shape[0]
        self.description = self.clip(self.count)

    def __reduce__(self) -> Tuple[Any, ...]:
        return type(self), (os.path.abspath(self.path), self.sha256)

    def __deepcopy__(self, memo: Dict[int, Any]) -> 'PreparedFile':
        return self

    def _read_header(self) -> Tuple[str, str]:
        """Finds the columns; returns source and hash."""
        text = self._read(0, HEADER)[LENGTH.size:].tobytes()
        try:
            header = json.loads(text)
            info = header['__metadata__']
            if info['version'] != VERSION:
                raise PreparedFileError(
                    self.path, f'is of version {info["version"]} of prepared '
                    f'files, this is the reader of version {VERSION}: update '
                    f'psp_plugin, or {AGAIN}')
            shapes = {name: header[name]['shape'] for name in COLUMNS}
            check_shapes(**shapes)
            if make_header(shapes, info['source'], info['sha256']) != text:
                raise ValueError('unexpected header')
        except PreparedFileError:
            raise
        except (ValueError, KeyError, TypeError, AttributeError,
                RecursionError) as error:
            raise self.damaged('its header is not valid') from error
        self.columns = {name: Column(
            DTYPES[code], tuple(header[name]['shape']),
            HEADER + header[name]['data_offsets'][0])
            for name, code in COLUMNS.items()}
        expected = HEADER + header['names']['data_offsets'][1]
        if self.length != expected:
            raise self.damaged(f'it has {self.length} bytes instead of '
                               f'{expected}')
        return info['source'], info['sha256']

    def _compare_hash(self) -> None:
        """Raises PreparedFileError if columns do not fit the hash."""
        digest = hashlib.sha256(make_header(
            {name: list(column.shape) for name, column in
             self.columns.items()}, self.source))
        place = self.columns['clips'].offset
        while place < self.length:
            part = self._read(place, min(CHUNK, self.length - place))
            digest.update(part.data)
            place += len(part)
        if digest.hexdigest() != self.sha256:
            raise self.damaged('its contents do not fit their hash')

    def damaged(self, how: str) -> PreparedFileError:
        """Returns the error of a damaged file."""
        return PreparedFileError(self.path, f'is damaged, or was changed '
                                 f'while it was in use ({how}): {AGAIN}')

    def _read(self, place: int, size: int) -> np.ndarray:
        """Reads bytes into a new array."""
        if not 0 <= place <= place + size <= self.length:
            raise self.damaged(f'it has no byte {max(place, place + size)}')
        made = np.empty(size, np.uint8)
        done = os.preadv(self.descriptor, [made.data], place)
        while 0 < done < size:
            more = os.preadv(self.descriptor, [made[done:].data], place + done)
            if not more:
                break
            done += more
        if done < size:
            raise self.damaged(f'it ends at byte {place + done}')
        return made

    def read(self, name: str, start: int = 0,
             stop: Optional[int] = None) -> np.ndarray:
        """Reads rows of a column.

        Args:
            name (str): The column.
            start (int): The first row. Defaults to 0.
            stop (int, optional): The last row + 1. Defaults to None, all.
        """
        if os.fstat(self.descriptor).st_mtime_ns != self.modified:
            raise self.damaged('it has been written')
        dtype, shape, offset = self.columns[name]
        stop = shape[0] if stop is None else stop
        width = dtype.itemsize * int(np.prod(shape[1:]))
        values = self._read(offset + start * width, (stop - start) * width)
        return values.view(dtype).reshape(-1, *shape[1:])

    def clip(self, number: int) -> Dict[str, Any]:
        """Reads a clip, whose arrays are new and writable.

        Args:
            number (int): Number of the clip; that after the last one is the
                description of the file.

        Raises:
            PreparedFileError: If its bytes do not fit their checksum.
        """
        row = os.pread(self.descriptor, ROW.size,
                       self.rows + number * ROW.size)
        if len(row) < ROW.size:
            raise self.damaged('it is cut short')
        place, arrays, text, expected = ROW.unpack(row)
        if not 0 <= place <= place + arrays <= place + arrays + text <= (
                self.size):
            raise self.damaged(f'clip {number} is not inside')
        blob = self._read(HEADER + place, arrays + text)
        if checksum(self.first, number, blob) != expected:
            raise self.damaged(f'clip {number} does not fit its checksum')
        try:
            return decode(blob, arrays)
        except (ValueError, LookupError, TypeError, AttributeError,
                ArithmeticError, RecursionError) as error:
            raise self.damaged(f'clip {number} is not one') from error
