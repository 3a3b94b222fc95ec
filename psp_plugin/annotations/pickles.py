"""Reads annotation pickles without running code from them, and writes them."""
import os
import pickle
import pickletools
import re
from collections import OrderedDict, defaultdict
from typing import Any, BinaryIO, Callable, Dict, Tuple

import numpy as np

from psp_plugin.errors import FileError

# NumPy's own rebuilding functions, by what NumPy itself names in a pickle:
# their modules are private and differ between NumPy 1 and 2.
RECONSTRUCT = np.empty(0).__reduce__()[0]
SCALAR = np.float32(0).__reduce__()[0]
FROM_BUFFER = np.zeros(1).__reduce_ex__(5)[0]

# Booleans, integers, floats, complex numbers, bytes and text. Arrays of
# objects, times and records are not needed, and are where a forged state does
# harm.
DTYPE = re.compile(r'[biufcSU]\d+')
BYTE_ORDERS = ('<', '>', '=', '|')

ADVICE = ('only plain containers, numbers, text and NumPy arrays of these are '
          'read from a pickle, since others can run code; if you trust the '
          'file, load it with pickle and write it anew with these alone')


class PickleFileError(FileError, pickle.UnpicklingError):
    """Why a pickle is not read."""


class Refused(ValueError):
    """What in a pickle is refused: the object of a sentence."""


class Dtype:
    """A dtype in the making, because NumPy trusts a dtype's state.

    A forged state makes NumPy read arbitrary memory: size, flags and fields
    are thus not taken from the pickle, but from the dtype's name.
    """
    __slots__ = ('value', )
    __hash__ = None

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or not DTYPE.fullmatch(name):
            raise Refused(f'a NumPy array or scalar of dtype {name!r}')
        self.value = np.dtype(name)

    def __setstate__(self, state: Tuple) -> None:
        if any(part is not None for part in state[2:5]):
            raise Refused('a NumPy array with fields')
        if state[1] not in BYTE_ORDERS:
            raise Refused(f'a NumPy array of byte order {state[1]!r}')
        self.value = self.value.newbyteorder(state[1])


class Array:
    """An array in the making, which takes a checked dtype only."""
    __slots__ = ('value', )
    __hash__ = None

    def __setstate__(self, state: Tuple) -> None:
        version, shape, dtype, is_fortran, data = state
        self.value = RECONSTRUCT(np.ndarray, (0, ), b'b')
        # This one keeps the bytes it is given instead of copying them.
        self.value.__setstate__(
            (version, shape, checked(dtype), is_fortran, data))


def checked(dtype: Any) -> np.dtype:
    if type(dtype) is not Dtype:
        raise Refused(f'a NumPy array of dtype {dtype!r}')
    return dtype.value


# What a pickle can call are functions, never our classes or NumPy's: a pickle
# may set the attributes of whatever it can name.
def make_dtype(name, align=False, copy=False):
    return Dtype(name)


def make_array(subtype, shape, code):
    return Array()


def make_scalar(dtype, data):
    return SCALAR(checked(dtype), data)


def make_from_buffer(buffer, dtype, *layout):
    return FROM_BUFFER(buffer, checked(dtype), *layout)


def make_bytes(text, encoding):
    """What bytes are to protocols 0 to 2, the toolbox's default."""
    if encoding != 'latin1':
        raise Refused(f'text in the encoding {encoding!r}')
    return text.encode('latin1')


def make_no_bytes():
    """What no bytes are to these."""
    return b''


def no_instance(*args):
    """Stands for ``numpy.ndarray``, which arrays name but do not call."""
    raise Refused('a call of numpy.ndarray')


ALLOWED: Dict[Tuple[str, str], Callable] = {
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

    def find_class(self, module: str, name: str) -> Callable:
        """Looks up what a pickle names, in :data:`ALLOWED` only."""
        try:
            return ALLOWED[module, name]
        except KeyError:
            raise Refused(f'a {module}.{name}') from None

    def load(self) -> Any:
        """Reads the pickle."""
        return finished(super().load(), {})


def finished(value: Any, done: Dict[int, Tuple[Any, Any]]) -> Any:
    """Puts dtypes and arrays where those in the making are.

    Args:
        value (Any): What was unpickled; its lists and dicts are changed in
            place.
        done (dict): The containers that are done by ``id``, which is theirs
            for as long as they are kept here, and what has replaced them.

    Returns:
        Any: The value, or what replaces it.
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
    """Refuses numbers of the memo that are beyond any need.

    The unpickler makes room for all numbers up to the one it reads, so that
    a few damaged bytes, such as the last of a key, take tens of gigabytes.

    Args:
        stream (BinaryIO): A pickle, read up to its end.

    Raises:
        pickle.UnpicklingError: If a number is greater than the bytes before
            it.
    """
    for opcode, number, place in pickletools.genops(stream):
        if opcode.name in ('PUT', 'LONG_BINPUT') and number > place:
            raise pickle.UnpicklingError(
                f'memo number {number} at byte {place}')


def load_pickle(path: str) -> Any:
    """Reads a pickle of plain containers and NumPy arrays.

    Whatever else a pickle names is refused before it is built, so that
    reading a file runs no code from it. Reads the pickles of NumPy 1 and 2
    and every protocol; not those of Python 2. What is shared in the pickle
    stays shared.

    Args:
        path (str): A local file.

    Returns:
        Any: dict, list, tuple, set, frozenset, OrderedDict or defaultdict of
        numbers, str, bytes, None, NumPy scalars, dtypes and arrays of
        booleans, numbers, bytes or text.

    Raises:
        PickleFileError: If the file is empty, truncated, no pickle, or holds
            anything else.
        OSError: If the file cannot be opened.
    """
    with open(path, 'rb') as stream:
        if not stream.peek(1):
            raise PickleFileError(path, 'is empty: write it anew')
        try:
            check_memo(stream)
            stream.seek(0)
            return PlainUnpickler(stream).load()
        except Refused as error:
            raise PickleFileError(path, f'holds {error}: {ADVICE}') from error
        except OSError:
            raise
        except Exception as error:  # any, says the manual of pickle
            detail = ' '.join(str(error).split()) or type(error).__name__
            raise PickleFileError(
                path, 'is not a pickle, or is cut short or damaged '
                f'({detail}): write or download it anew') from error


def write_pickle(data: Dict, path: str) -> None:
    """Pickles to a file that is there whole or not at all.

    Args:
        data (dict): What to write.
        path (str): Where to; its folder is made where it is missing.

    Raises:
        OSError: If the folder cannot be made or written.
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
