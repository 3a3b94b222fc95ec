"""The reader of plain pickles: results, and rejected content."""
import os
import pickle
from collections import OrderedDict, defaultdict
from fractions import Fraction

import mmengine
import numpy as np
import pytest

from psp_plugin.annotations.pickles import (
    FROM_BUFFER,
    RECONSTRUCT,
    SCALAR,
    PickleFileError,
    load_pickle,
)

# The modules of ``_reconstruct``, ``scalar`` and ``_frombuffer`` in NumPy 1
# and 2.
SPELLINGS = ('numpy.core', 'numpy._core')


class Forged:
    """Pickles as an arbitrary call with an arbitrary state."""

    def __init__(self, *reduced):
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


def write(path, data, protocol=4):
    path.write_bytes(pickle.dumps(data, protocol=protocol))
    return str(path)


def plain_data():
    rng = np.random.default_rng(0)
    fortran = np.asfortranarray(rng.normal(size=(2, 3, 4)))
    return dict(
        split=OrderedDict(train=['a', 'b'], val=('c', {'d'})),
        annotations=[
            dict(frame_dir='a', label=3, total_frames=4, none=None,
                 img_shape=(1080, 1920), valid={0.5: 3}, flag=True,
                 keypoint=rng.normal(size=(1, 4, 5, 3)).astype(np.float16),
                 keypoint_score=fortran, empty=np.zeros((0, 3))),
            dict(frame_dir=np.str_('\xfcber'), label=np.int64(2),
                 keypoint=np.arange(6, dtype='>i2').reshape(2, 3),
                 names=np.array(['x', 'yy']), raw=b'\x00\xff', nothing=b'',
                 mask=np.array([True, False]), score=np.float32(0.5),
                 dtype=np.dtype('<f4'), box=(1, np.ones(2)),
                 z=1 + 2j, large=2**80, frozen=frozenset({1}))
        ],
        counts=defaultdict(list, x=[np.ones(3)]))


def assert_same(ours, theirs):
    assert type(ours) is type(theirs)
    if isinstance(theirs, np.ndarray):
        assert ours.dtype == theirs.dtype
        assert ours.flags.writeable == theirs.flags.writeable
        np.testing.assert_array_equal(ours, theirs)
    elif isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        for key in theirs:
            assert_same(ours[key], theirs[key])
    elif isinstance(theirs, (list, tuple)):
        assert len(ours) == len(theirs)
        for our, their in zip(ours, theirs):
            assert_same(our, their)
    else:
        assert ours == theirs


@pytest.mark.parametrize('protocol', range(pickle.HIGHEST_PROTOCOL + 1))
def test_result_equals_that_of_pickle(tmp_path, protocol):
    path = write(tmp_path / 'a.pkl', plain_data(), protocol)
    with open(path, 'rb') as stream:
        assert_same(load_pickle(path), pickle.load(stream))


@pytest.mark.parametrize('spelling', SPELLINGS)
@pytest.mark.parametrize('protocol', [2, 4, 5])
def test_reads_the_pickles_of_numpy_1_and_2(tmp_path, protocol, spelling):
    data = [np.arange(3.), np.float32(2)]
    written = pickle.dumps(data, protocol=protocol)
    for other in SPELLINGS:  # with the length before it in protocol 4
        for part in ('multiarray', 'numeric'):
            old, new = f'{other}.{part}', f'{spelling}.{part}'
            written = written.replace(
                bytes([len(old)]) + old.encode(),
                bytes([len(new)]) + new.encode())
            written = written.replace(f'c{old}\n'.encode(),
                                      f'c{new}\n'.encode())
    assert f'{spelling}.multiarray'.encode() in written
    # Frames of protocol 4 contain a length, which has changed.
    header = b'\x80' + bytes([protocol])
    if protocol > 3:
        written = header + written[len(header) + 9:]
    path = tmp_path / 'a.pkl'
    path.write_bytes(written)
    assert_same(load_pickle(str(path)), data)


def test_reads_pickles_of_the_toolbox(tmp_path):
    path = str(tmp_path / 'a.pkl')
    mmengine.dump(plain_data(), path)
    assert_same(load_pickle(path), mmengine.load(path))


def test_shared_objects_stay_shared(tmp_path):
    array, pair = np.ones(3), (1080, 1920)
    both = array, pair
    cycle = [array, array, pair, pair, both, both]
    cycle.append(cycle)
    ours = load_pickle(write(tmp_path / 'a.pkl', cycle))
    assert ours[0] is ours[1] and ours[2] is ours[3] and ours[6] is ours
    assert ours[4] is ours[5]
    assert ours[4][0] is ours[0] and ours[4][1] is ours[2]


def test_shared_objects_are_processed_once(tmp_path):
    """A tuple of 2**200 arrays, if shared ones are counted repeatedly."""
    nested = np.ones(3)
    for _ in range(200):
        nested = nested, nested
    ours = load_pickle(write(tmp_path / 'a.pkl', nested))
    while isinstance(ours, tuple):
        assert ours[0] is ours[1]
        ours = ours[0]
    assert_same(ours, np.ones(3))


@pytest.mark.parametrize('protocol', [0, 2, 4])
def test_no_code_is_run(tmp_path, protocol):
    """The same file runs its command in the standard unpickler."""
    mark = tmp_path / 'was here'
    path = write(tmp_path / 'a.pkl',
                 [Forged(os.system, (f'touch "{mark}"', ))], protocol)
    with pytest.raises(PickleFileError, match=r'contains a \w+\.system'):
        load_pickle(path)
    assert not mark.exists()
    with open(path, 'rb') as stream:
        pickle.load(stream)
    assert mark.exists()


@pytest.mark.parametrize('data, refused', [
    (Forged(eval, ('1', )), r'a (__builtin__|builtins)\.eval'),
    (Forged(getattr, ({}, 'clear')), r'getattr'),
    (Fraction(1, 2), r'a fractions\.Fraction'),
    (np.array([[1], [1, 2]], dtype=object), "of dtype 'O8'"),
    (np.zeros(2, dtype='f4,i4'), "of dtype 'V8'"),
    (np.array(['2020'], dtype='M8[Y]'), "of dtype 'M8'"),
    (np.ma.masked_array([1, 2]), r'a numpy\.ma'),
    (Forged(np.ndarray, ((2, ), )), r'a call of numpy\.ndarray'),
    ({1: [Forged(os.getcwd, ())]}, r'a \w+\.getcwd'),
])
def test_other_types_are_refused(tmp_path, data, refused):
    path = write(tmp_path / 'a.pkl', data)
    with pytest.raises(PickleFileError, match=refused) as error:
        load_pickle(path)
    message = str(error.value)
    assert message.startswith(f'{path} contains ') and '\n' not in message
    assert 'save it with these types only' in message


def dtype(name='f8', order='<', flags=0, size=-1, fields=None):
    names = None if fields is None else tuple(fields)
    return Forged(np.dtype, (name, False, True),
                  (3, order, None, names, fields, size, -1, flags))


def array(shape, kind, data):
    return Forged(RECONSTRUCT, (np.ndarray, (0, ), b'b'),
                  (1, shape, kind, False, data))


@pytest.mark.parametrize('forged', [
    array((1, ), dtype('O8'), b'A' * 8),  # an invalid pointer
    array((1, ), dtype(order='x'), b'A' * 8),
    array((2, ), dtype(fields={'a': (np.dtype('f4'), 10**6)}), b'A' * 16),
    array((3, ), dtype(), b'A' * 8),
    array((-1, ), dtype(), b'A' * 8),
    array((1, ), 5, b'A' * 8),
    Forged(FROM_BUFFER, (b'A' * 8, 'O', (1, ), 'C')),
    Forged(SCALAR, (dtype('O8'), b'A' * 8)),
    Forged(SCALAR, (dtype(), b'A')),
], ids=range(9))
def test_forged_numpy_states_are_refused(tmp_path, forged):
    with pytest.raises(PickleFileError, match='a.pkl '):
        load_pickle(write(tmp_path / 'a.pkl', forged))


def test_flags_and_sizes_of_a_dtype_are_ignored(tmp_path):
    path = write(tmp_path / 'a.pkl', [
        array((2, ), dtype('f8', flags=0xff, size=2), b'\0' * 16),
        array((2, ), dtype('U1', flags=0xff, size=-4), b'A\0\0\0' * 2)])
    numbers, text = load_pickle(path)
    assert_same(numbers, np.zeros(2))
    assert_same(text, np.array(['A', 'A']))


def test_truncated_file_raises_one_sentence(tmp_path):
    path = tmp_path / 'a.pkl'
    full = pickle.dumps([plain_data()], protocol=4)
    for length in range(1, len(full), 7):
        path.write_bytes(full[:length])
        with pytest.raises(PickleFileError) as error:
            load_pickle(str(path))
        message = str(error.value)
        assert message.startswith(f'{path} is not a pickle, or is truncated')
        assert '\n' not in message


@pytest.mark.parametrize('content, message', [
    (b'', 'is empty'),
    (b'PK\x03\x04 a zip', 'is not a pickle'),
    (b'{"a": 1}\n', 'is not a pickle'),
    (b'\x80\x63.', 'is not a pickle'),  # protocol 99
    (b'\x80\x04\x8e' + b'\xff' * 7 + b'\x7fx', 'is not a pickle'),  # 2**63
    (b'(' * 10, 'is not a pickle'),
    (b'cos\nsystem\n.', 'contains a os.system'),
])
def test_other_files_raise_one_sentence(tmp_path, content, message):
    path = tmp_path / 'a.pkl'
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as error:
        load_pickle(str(path))
    assert isinstance(error.value, pickle.UnpicklingError)
    assert str(error.value).startswith(str(path))
    assert '\n' not in str(error.value)


@pytest.mark.parametrize('content', [
    b'\x80\x02}r' + b'ame_' + b'.',  # a key of every clip without its start
    b'}p1600000000\n.',
], ids=['binary', 'text'])
def test_damage_does_not_exhaust_memory(tmp_path, content):
    """A memo of this size would take 13 GB or more."""
    path = tmp_path / 'a.pkl'
    path.write_bytes(content)
    with pytest.raises(PickleFileError, match='damaged .memo number 16'):
        load_pickle(str(path))


def test_missing_file_raises_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_pickle(str(tmp_path / 'absent.pkl'))


def test_real_data_equals_that_of_pickle(nwucla_pkl):
    with open(nwucla_pkl, 'rb') as stream:
        assert_same(load_pickle(nwucla_pkl), pickle.load(stream))
