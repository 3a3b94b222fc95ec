"""Writes prepared files: clip by clip, and under their name when complete."""
import contextlib
import hashlib
import os
from array import array
from typing import (
    Any,
    BinaryIO,
    Dict,
    Iterator,
    Optional,
    Sequence,
)

import numpy as np

from psp_plugin.errors import InputError

from ..clip_checks import Layout, is_unlabeled, layout_of
from .clips import COMPRESSED, NO_LABEL, NO_POINTS, ONE_LABEL, SEVERAL_LABELS
from .container import (
    COLUMNS,
    DTYPES,
    HEADER,
    LENGTH,
    checksum,
    first_checksum,
    make_header,
)
from .encoding import ALIGNMENT, Unstorable, encode

LARGEST_LABEL = np.iinfo(np.int32).max


class Writer:
    """Writes the columns of a prepared file.

    Args:
        stream (BinaryIO): The file, opened for reading and writing.
        key (str): The key with the clips' names.
        source (str): What the file is made from, in ASCII: a hash of it.
    """

    def __init__(self, stream: BinaryIO, key: str, source: str) -> None:
        self.stream, self.key, self.source = stream, key, source
        self.first = first_checksum(source)
        self.size = 0
        self.layouts: Dict[Layout, int] = {}
        self.clips, self.name_ends = array('q'), array('q', [0])
        self.label, self.layout, self.kind = array('i'), array('B'), array('B')
        self.names = bytearray()
        # Whether ``frame_dir``, by which datasets name clips, is the name.
        self.is_frame_dir = True
        stream.seek(HEADER)

    @property
    def count(self) -> int:
        """Number of clips written."""
        return len(self.label)

    def add(self, clip: Dict[str, Any]) -> None:
        """Writes a clip without a problem.

        Raises:
            Unstorable: If a value cannot be stored.
        """
        labels = np.ravel([] if is_unlabeled(clip.get('label'))
                          else clip['label']).tolist()
        label = max(labels, default=-1)
        if label > LARGEST_LABEL:
            raise Unstorable(f'the label {label} beyond {LARGEST_LABEL}')
        self._append(clip)
        self.label.append(label)
        self.kind.append(
            NO_LABEL if is_unlabeled(clip.get('label')) else
            SEVERAL_LABELS if np.ndim(clip['label']) else ONE_LABEL)
        self.layout.append(self._layout(clip))
        self.names += clip[self.key].encode('utf-8', 'surrogatepass')
        self.name_ends.append(len(self.names))
        named = clip.get('frame_dir', clip[self.key])
        self.is_frame_dir &= named == clip[self.key]

    def _append(self, clip: Dict[str, Any]) -> None:
        """Writes the bytes of a clip and notes where they are."""
        arrays, text = encode(clip)
        number = len(self.clips) // 4
        self.clips.extend((self.size, len(arrays), len(text), checksum(
            self.first, number, arrays, text)))
        padding = -len(text) % ALIGNMENT
        self.stream.write(arrays)
        self.stream.write(text + bytes(padding))
        self.size += len(arrays) + len(text) + padding

    def _layout(self, clip: Dict[str, Any]) -> int:
        """Returns the number of the clip's layout."""
        layout = layout_of(clip)
        if layout is None:
            return COMPRESSED if 'keypoint' in clip else NO_POINTS
        number = self.layouts.setdefault(layout, len(self.layouts) + 2)
        if number > 255:
            raise Unstorable('the 255th number of joints, coordinates or '
                             'scores')
        return number

    def finish(self, splits: Optional[Dict[Any, Sequence[int]]],
               metainfo: Dict[str, Any]) -> str:
        """Writes columns and header, and returns the hash of the file.

        Args:
            splits (dict, optional): The numbers of the clips of each split.
            metainfo (dict): That of the file.

        Raises:
            Unstorable: If a value of ``metainfo`` cannot be stored.
        """
        members, bounds = array('i'), {}
        for name, numbers in (splits or {}).items():
            bounds[name] = [len(members), len(members) + len(numbers)]
            members.extend(numbers)
        self._append(dict(
            key=self.key, is_frame_dir=bool(self.is_frame_dir),
            splits=None if splits is None else bounds, metainfo=metainfo,
            layouts=[None, None, *([*layout] for layout in self.layouts)]))
        columns: Dict[str, Any] = dict(
            clips=self.clips, name_ends=self.name_ends, label=self.label,
            splits=members, layout=self.layout, kind=self.kind,
            names=self.names)
        shapes = {name: [self.size if name == 'data' else len(columns[name])]
                  for name in COLUMNS}
        shapes['clips'] = [len(self.clips) // 4, 4]
        digest = hashlib.sha256(make_header(shapes, self.source))
        for name in list(COLUMNS)[1:]:
            # Little-endian on every machine.
            data = np.frombuffer(columns[name], DTYPES_OF_ARRAYS[name]).astype(
                DTYPES[COLUMNS[name]], copy=False)
            digest.update(data.data)
            self.stream.write(data.data)
        header = make_header(shapes, self.source, digest.hexdigest())
        self.stream.seek(0)
        self.stream.write(LENGTH.pack(len(header)) + header)
        return digest.hexdigest()


DTYPES_OF_ARRAYS = {name: DTYPES[code].newbyteorder('=')
                    for name, code in COLUMNS.items()}


@contextlib.contextmanager
def written(path: str) -> Iterator[BinaryIO]:
    """Opens a file that gets its name when it is complete.

    Until then it is ``.NAME.tmp`` in the same folder, locked: a second
    process that writes the same file is refused, and a file of that name that
    an interrupted process has left is overwritten.

    Args:
        path (str): The file; its folder is created if missing.

    Raises:
        InputError: If another process is writing the file, or if it cannot be
            written.
    """
    path = os.path.realpath(path)
    folder, name = os.path.split(path)
    unfinished = os.path.join(folder, f'.{name}.tmp')
    try:
        os.makedirs(folder, exist_ok=True)
        with locked(unfinished, path) as stream:
            try:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
                os.replace(unfinished, path)
            except BaseException:
                os.remove(unfinished)
                raise
    except OSError as error:
        raise InputError(f'{path} cannot be written '
                         f'({error.strerror or error}): free space, or '
                         'choose another folder') from error


@contextlib.contextmanager
def locked(unfinished: str, path: str) -> Iterator[BinaryIO]:
    """Opens an empty file that no other process writes."""
    import fcntl  # not on Windows, where the rest of the package is imported
    while True:
        # A link would be followed to a file of another name, and renamed.
        number = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW,
                         0o666)
        with open(number, 'r+b', buffering=1 << 20) as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(f'{path} is being written by another '
                                 'process: wait for it') from None
            if is_named(stream, unfinished):
                stream.truncate()
                yield stream
                return
        # It got its name before it could be locked: it is not to be touched.


def is_named(stream: BinaryIO, path: str) -> bool:
    """Whether an open file still has a name."""
    try:
        return os.path.samestat(os.fstat(stream.fileno()), os.stat(path))
    except FileNotFoundError:
        return False
