"""One clip as bytes: its arrays one after the other, and the rest as JSON.

JSON has no arrays, tuples and so on: they are objects of one key, their kind,
such as ``{"tuple": [1080, 1920]}``. Strings, integers, floats, booleans, None
and lists are those of JSON.
"""
import json
from collections import OrderedDict, defaultdict
from functools import lru_cache
from typing import Any, Callable, Dict, List, Literal, Tuple

import numpy as np

# Arrays begin at multiples of this number of bytes.
ALIGNMENT = 16
# Kinds of dtypes as in the reader of pickles: no objects, times, records.
KINDS = 'biufcSU'
DECODER = json.JSONDecoder()
AS_THEY_ARE = (type(None), bool, int, float, str)
FACTORIES = {kind.__name__: kind for kind in (
    list, dict, set, int, float, complex, bytes, frozenset)}


class Unstorable(ValueError):
    """A value that cannot be stored; the message is a noun phrase."""


class Blob:
    """The bytes of a clip while they are put together.

    Attributes:
        parts: Arrays and padding.
        size: Number of their bytes.
    """

    def __init__(self) -> None:
        self.parts: List[Any] = []
        self.size = 0
        # Keeps arrays alive, so that their ``id`` stays unique. An array
        # that a clip has twice is stored once, and is shared again when read.
        self.places: Dict[int, Tuple[np.ndarray, int]] = {}

    def append(self, array: np.ndarray) -> int:
        """Appends an array, and returns where it begins."""
        if id(array) not in self.places:
            data = array.tobytes(order_of(array))
            self.places[id(array)] = array, self.size
            self.parts.append(data)
            padding = -len(data) % ALIGNMENT
            self.parts.append(bytes(padding))
            self.size += len(data) + padding
        return self.places[id(array)][1]


def order_of(array: np.ndarray) -> Literal['C', 'F']:
    """``'F'`` for an array whose first axis is contiguous only, else ``'C'``.
    """
    flags = array.flags
    return 'F' if flags.f_contiguous and not flags.c_contiguous else 'C'


def encode(clip: Dict[str, Any]) -> Tuple[bytes, bytes]:
    """Encodes a clip as its arrays and JSON of everything else.

    Args:
        clip (dict): Plain containers, numbers, text and NumPy arrays, as
            :func:`..pickles.load_pickle` reads them.

    Raises:
        Unstorable: If it has a key that is not text, or another value.
    """
    blob = Blob()
    wrong = [key for key in clip if type(key) is not str]
    if wrong:
        raise Unstorable(f'the key {wrong[0]!r}, which is not text')
    try:
        head = {key: coded(value, blob) for key, value in clip.items()}
        # Escapes of two lone surrogates would be read as one character.
        text = json.dumps(head, separators=(',', ':'), ensure_ascii=False)
    except RecursionError:
        raise Unstorable('containers that are too deep') from None
    except ValueError as error:  # integers of thousands of digits
        raise error if isinstance(error, Unstorable) else Unstorable(
            f'a value that JSON cannot hold ({error})') from None
    return b''.join(blob.parts), text.encode('utf-8', 'surrogatepass')


def coded(value: Any, blob: Blob) -> Any:
    """Returns a value as JSON has it, and appends arrays to the blob."""
    kind = type(value)
    if kind in AS_THEY_ARE:
        return value
    if kind is list:
        return [coded(item, blob) for item in value]
    if kind in (tuple, set, frozenset):
        return {kind.__name__: [coded(item, blob) for item in value]}
    if kind is bytes:
        return dict(bytes=value.decode('latin1'))
    if kind is complex:
        return dict(complex=[value.real, value.imag])
    if kind in (dict, OrderedDict, defaultdict):
        pairs = [[coded(key, blob), coded(item, blob)]
                 for key, item in value.items()]
        if kind is not defaultdict:
            return {kind.__name__: pairs}
        factory = getattr(value.default_factory, '__name__', '')
        if FACTORIES.get(factory) is value.default_factory:
            return dict(defaultdict=[factory, pairs])
    if isinstance(value, np.dtype) and is_plain(value):
        return dict(dtype=value.str)
    if isinstance(value, np.generic) and is_plain(value.dtype):
        return dict(scalar=[value.dtype.str, value.tobytes().hex()])
    if kind is np.ndarray and is_plain(value.dtype):
        return dict(array=[value.dtype.str, value.shape, blob.append(value),
                           order_of(value)])
    dtype = f' of dtype {value.dtype}' if kind is np.ndarray else ''
    raise Unstorable(f'a {kind.__module__}.{kind.__qualname__}{dtype}')


def is_plain(dtype: np.dtype) -> bool:
    """Whether values of a dtype are numbers or text of a fixed size."""
    return dtype.kind in KINDS and dtype.names is None


@lru_cache(maxsize=64)
def plain_dtype(name: str) -> np.dtype:
    """Returns the dtype of a name.

    Raises:
        ValueError: If it is another one, such as that of objects, whose bytes
            would be taken for their addresses.
    """
    dtype = np.dtype(name)
    if not is_plain(dtype):
        raise ValueError(f'dtype {name}')
    return dtype


def decode(blob: np.ndarray, size: int) -> Dict[str, Any]:
    """Decodes a clip.

    Args:
        blob (np.ndarray): The bytes of its arrays and of the JSON; arrays of
            the clip are views of them.
        size (int): Number of bytes of the arrays.
    """
    clip: Dict[str, Any]
    clip, _ = DECODER.raw_decode(str(
        blob[size:].data, 'utf-8', 'surrogatepass'))
    for key, value in clip.items():
        if type(value) is dict or type(value) is list:
            clip[key] = restored(value, blob)
    return clip


def restored(value: Any, blob: np.ndarray) -> Any:
    """Returns the value that is coded as a value of JSON."""
    if type(value) is list:
        return [restored(item, blob) for item in value]
    if type(value) is not dict:
        return value
    (kind, data), = value.items()
    if kind == 'array':
        name, shape, place, order = data
        if place < 0:  # which NumPy does not check
            raise ValueError(f'array at {place}')
        return np.ndarray(shape, plain_dtype(name), blob, place, order=order)
    return RESTORERS[kind](restored(data, blob))


def scalar(data: List[str]) -> Any:
    """Returns a NumPy scalar of its dtype and bytes."""
    dtype = plain_dtype(data[0])
    return np.ndarray((), dtype, bytes.fromhex(data[1]) or b'\0')[()]


RESTORERS: Dict[str, Callable[[Any], Any]] = dict(
    tuple=tuple, set=set, frozenset=frozenset, dict=dict,
    OrderedDict=OrderedDict, scalar=scalar, dtype=plain_dtype,
    bytes=lambda text: text.encode('latin1'),
    complex=lambda parts: complex(*parts),
    defaultdict=lambda parts: defaultdict(
        FACTORIES.get(parts[0]), parts[1]))
