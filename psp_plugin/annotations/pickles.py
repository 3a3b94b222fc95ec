"""Reads annotation pickles without running code from them, and writes them."""
import os
import pickle
import pickletools
import re
from collections import OrderedDict, defaultdict
from typing import Any, BinaryIO, Callable, Dict, Tuple, cast

import numpy as np

from psp_plugin.errors import FileError

# NumPy's reconstruction functions, taken from what NumPy itself pickles:
# their modules are private and differ between NumPy 1 and 2.
RECONSTRUCT: Any = np.empty(0).__reduce__()[0]
SCALAR: Any = np.float32(0).__reduce__()[0]
FROM_BUFFER: Any = np.zeros(1).__reduce_ex__(5)[0]

# Booleans, integers, floats, complex numbers, bytes and text. Arrays of
# objects, times and records are not needed, and a forged state of them is
# dangerous.
DTYPE = re.compile(r'[biufcSU]\d+')
BYTE_ORDERS = ('<', '>', '=', '|')

ADVICE = ('only plain containers, numbers, text and NumPy arrays of these are '
          'read from a pickle, since other objects can run code; if you trust '
          'the file, load it with pickle and save it with these types only')


class PickleFileError(FileError, pickle.UnpicklingError):
    """Raised for a pickle that is damaged or has forbidden content."""


class Refused(ValueError):
    """Forbidden content of a pickle; the message is a noun phrase."""


class Dtype:
    """Placeholder of a dtype, because NumPy trusts a dtype's state.

    A forged state makes NumPy read arbitrary memory, so size, flags and
    fields come from the dtype's name instead of the pickle.
    """
    __slots__ = ('value', )
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or not DTYPE.fullmatch(name):
            raise Refused(f'a NumPy array or scalar of dtype {name!r}')
        self.value = np.dtype(name)

    def __setstate__(self, state: Tuple[Any, ...]) -> None:
        if any(part is not None for part in state[2:5]):
            raise Refused('a NumPy array with fields')
        if state[1] not in BYTE_ORDERS:
            raise Refused(f'a NumPy array of byte order {state[1]!r}')
        self.value = self.value.newbyteorder(state[1])


class Array:
    """Placeholder of an array, which accepts a checked dtype only."""
    __slots__ = ('value', )
    __hash__ = None  # type: ignore[assignment]

    def __setstate__(self, state: Tuple[Any, ...]) -> None:
        version, shape, dtype, is_fortran, data = state
        self.value = RECONSTRUCT(np.ndarray, (0, ), b'b')
        # __setstate__ keeps a reference to the bytes instead of copying them.
        self.value.__setstate__(
            (version, shape, checked(dtype), is_fortran, data))


def checked(dtype: Any) -> np.dtype:
    if type(dtype) is not Dtype:
        raise Refused(f'a NumPy array of dtype {dtype!r}')
    return dtype.value


# A pickle may call functions only, never our classes or NumPy's, because it
# can set the attributes of anything that it can name.
def make_dtype(name: str, align: bool = False, copy: bool = False) -> Dtype:
    return Dtype(name)


def make_array(subtype: Any, shape: Any, code: Any) -> Array:
    return Array()


def make_scalar(dtype: Any, data: Any) -> Any:
    return SCALAR(checked(dtype), data)


def make_from_buffer(buffer: Any, dtype: Any, *layout: Any) -> Any:
    return FROM_BUFFER(buffer, checked(dtype), *layout)


def make_bytes(text: str, encoding: str) -> bytes:
    """Decodes bytes of protocols 0 to 2, the toolbox's default."""
    if encoding != 'latin1':
        raise Refused(f'text in the encoding {encoding!r}')
    return text.encode('latin1')


def make_no_bytes() -> bytes:
    """Empty bytes of protocols 0 to 2."""
    return b''


def no_instance(*args: Any) -> None:
    """Replaces ``numpy.ndarray``, which arrays reference but do not call."""
    raise Refused('a call of numpy.ndarray')


ALLOWED: Dict[Tuple[str, str], Callable[..., Any]] = {
    ('numpy', 'dtype'): make_dtype,
    ('numpy', 'ndarray'): no_instance,
    ('collections', 'OrderedDict'): OrderedDict,
    ('collections', 'defaultdict'): defaultdict,
    ('_codecs', 'encode'): make_bytes,
}
for _core in ('numpy.core', 'numpy._core'):  # NumPy 1, NumPy 2
    ALLOWED[f'{_core}.multiarray', '_reconstruct'] = make_array
    ALLOWED[f'{_core}.multiarray', 'scalar'] = make_scalar
    ALLOWED[f'{_core}.numeric', '_frombuffer'] = make_from_buffer
for _builtins in ('builtins', '__builtin__'):  # protocols 3 and up, 0 to 2
    ALLOWED[_builtins, 'bytes'] = make_no_bytes
    for _type in (set, frozenset, complex, list, dict, int, float):
        ALLOWED[_builtins, _type.__name__] = _type


class PlainUnpickler(pickle.Unpickler):
    """Builds plain containers and NumPy arrays, and nothing else."""

    def find_class(self, module: str, name: str) -> Callable[..., Any]:
        """Looks up a global of the pickle, in :data:`ALLOWED` only."""
        try:
            return ALLOWED[module, name]
        except KeyError:
            raise Refused(f'a {module}.{name}') from None

    def load(self) -> Any:
        """Reads the pickle."""
        return finished(super().load(), {})


def finished(value: Any, done: Dict[int, Tuple[Any, Any]]) -> Any:
    """Replaces placeholders by the dtypes and arrays they contain.

    Args:
        value (Any): The unpickled object; its lists and dicts are changed in
            place.
        done (dict): ``id`` of each processed container -> the container,
            kept alive so that its ``id`` stays unique, and its replacement.

    Returns:
        Any: The value, or its replacement.
    """
    kind = type(value)
    if kind is Array or kind is Dtype:
        return value.value
    if kind not in (tuple, list, dict, OrderedDict, defaultdict):
        return value
    if id(value) in done:
        return done[id(value)][1]
    if kind is tuple:
        items = tuple(finished(item, done) for item in value)
        changed = any(new is not old for new, old in zip(items, value))
        done[id(value)] = value, items if changed else value
        return done[id(value)][1]
    done[id(value)] = value, value
    if kind is list:
        value[:] = [finished(item, done) for item in value]
    else:
        for key, item in value.items():
            value[key] = finished(item, done)
    return value


def check_memo(stream: BinaryIO) -> None:
    """Rejects memo indices that are larger than any valid pickle needs.

    The unpickler allocates all entries up to the index it reads, so a few
    damaged bytes, such as the last of a key, allocate tens of gigabytes.

    Args:
        stream (BinaryIO): A pickle, read up to its end.

    Raises:
        pickle.UnpicklingError: If an index is greater than the number of
            bytes before it.
    """
    for opcode, number, place in pickletools.genops(stream):
        if (opcode.name in ('PUT', 'LONG_BINPUT')
                and cast(int, number) > (place or 0)):
            raise pickle.UnpicklingError(
                f'memo number {number} at byte {place}')


def load_pickle(path: str) -> Any:
    """Reads a pickle of plain containers and NumPy arrays.

    Any other object is rejected before it is built, so that reading a file
    runs no code from it. Supports pickles of NumPy 1 and 2 and every
    protocol, but not those of Python 2. Shared objects stay shared.

    Args:
        path (str): A local file.

    Returns:
        Any: dict, list, tuple, set, frozenset, OrderedDict or defaultdict of
        numbers, str, bytes, None, NumPy scalars, dtypes and arrays of
        booleans, numbers, bytes or text.

    Raises:
        PickleFileError: If the file is empty, truncated, not a pickle, or
            contains other objects.
        OSError: If the file cannot be opened.
    """
    with open(path, 'rb') as stream:
        if not stream.peek(1):
            raise PickleFileError(path, 'is empty: create it again')
        try:
            check_memo(stream)
            stream.seek(0)
            return PlainUnpickler(stream).load()
        except Refused as error:
            raise PickleFileError(
                path, f'contains {error}: {ADVICE}') from error
        except OSError:
            raise
        except Exception as error:  # pickle documents that it may raise any
            detail = ' '.join(str(error).split()) or type(error).__name__
            raise PickleFileError(
                path, 'is not a pickle, or is truncated or damaged '
                f'({detail}): create or download it again') from error


def write_pickle(data: Dict[str, Any], path: str) -> None:
    """Writes a pickle atomically: an interrupted write leaves no file.

    Args:
        data (dict): The object to write.
        path (str): The file; its folder is created if missing.

    Raises:
        OSError: If the folder cannot be created or written.
    """
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    unfinished = f'{path}.{os.getpid()}.tmp'
    try:
        with open(unfinished, 'wb') as stream:
            pickle.dump(data, stream, protocol=4)
        os.replace(unfinished, path)
    except BaseException:
        if os.path.exists(unfinished):
            os.remove(unfinished)
        raise
