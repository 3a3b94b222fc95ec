"""Prepared files: what they hold, how they are written, and damage."""
import errno
import json
import os
import pickle
import signal
from collections import OrderedDict, defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from same import assert_same

from psp_plugin.annotations import (
    PreparedFile,
    PreparedFileError,
    prepare,
    read_annotations,
    select_clips,
    survey,
)
from psp_plugin.annotations.prepared import Writer
from psp_plugin.errors import InputError

# One of everything that the reader of pickles lets through.
ODD = dict(
    nothing=None, truth=True, large=10 ** 30, real=-0.0, infinite=np.inf,
    pair='\ud83d\ude00',
    complexes=[1j, (2 + 3j, )], text='ä\ud800"', raw=b'\x00\xff',
    groups=dict(one={1, 2}, two=frozenset('a'), three=()),
    valid={0.5: 20, (1, 2): [3]}, ordered=OrderedDict(b=1, a=2),
    default=defaultdict(list, a=[1]), halves=np.float16(1.5),
    flag=np.bool_(True), word=np.str_('ab'), dtype=np.dtype('>f4'),
    like_ours=dict(array=[1]), empty=np.zeros((0, 3)), zero=np.array(3),
    swapped=np.arange(4, dtype='>i2'), words=np.array(['a', 'bcd']),
    columns=np.asfortranarray(np.arange(6.).reshape(2, 3)),
    strided=np.arange(9)[::2])


def make_clips(count=5, **keys):
    rng = np.random.default_rng(0)
    return [dict(frame_dir=f'clip{i}', label=i % 3, total_frames=4, **keys,
                 keypoint=rng.normal(size=(1, 4, 5, 3)).astype(np.float16))
            for i in range(count)]


def write(path, clips, **more):
    names = [clip['frame_dir'] for clip in clips]
    data = dict(split=dict(train=names[:3], val=names[3:]),
                annotations=clips, **more)
    path.write_bytes(pickle.dumps(data))
    return str(path)


def made_of(folder, clips, name='a', **options):
    """Prepares clips; returns the path."""
    output = str(folder / f'{name}.clips')
    prepare(write(folder / f'{name}.pkl', clips), output, **options)
    return output


def contents(path):
    file = read_annotations(path)
    return [file.key, file.metainfo, list(file.names), list(file.labels), {
        name: list(names) for name, names in (file.splits or {}).items()
    }, list(file.clips)]


@pytest.fixture(scope='module')
def small(tmp_path_factory):
    return made_of(tmp_path_factory.mktemp('small'), make_clips())


def test_every_type_survives(tmp_path):
    pkl = write(tmp_path / 'a.pkl', make_clips(**ODD), metainfo=dict(
        classes=['a', 'b', 'c'], fps=30, layout=dict(parts=((0, 1), ))))
    made = prepare(pkl, str(tmp_path / 'a.clips'))
    assert (made.clips, made.left_out) == (5, [])
    ours, theirs = map(contents, (str(tmp_path / 'a.clips'), pkl))
    assert_same(ours, theirs)
    clip, = read_annotations(str(tmp_path / 'a.clips')).clips[2:3]
    assert clip['columns'].flags.f_contiguous
    assert clip['keypoint'].flags.writeable
    assert np.signbit(clip['real']) and clip['default']['b'] == []


def test_an_array_that_a_clip_has_twice_stays_one(tmp_path):
    clips = make_clips()
    clips[0]['again'] = clips[0]['keypoint']
    clip = read_annotations(made_of(tmp_path, clips)).clips[0]
    clip['keypoint'][:] = 7
    assert (clip['again'] == 7).all()


def test_bare_list_and_filename(tmp_path):
    clips = [dict(clip, filename=f'{i}.avi')
             for i, clip in enumerate(make_clips())]
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps(clips))
    prepare(str(tmp_path / 'a.pkl'), str(tmp_path / 'new/a.clips'))
    file = read_annotations(str(tmp_path / 'new/a.clips'))
    assert file.splits is None and list(file.names) == [
        f'{i}.avi' for i in range(5)]
    assert len(select_clips(file, None)) == 5


def test_names_and_labels_in_any_order(tmp_path):
    clips = make_clips(200)
    clips[3]['label'] = None
    clips[5]['label'] = [0, 2]
    file = read_annotations(made_of(tmp_path, clips))
    for places in ([7, 3, 5], [199, 0], range(0, 200, 3), []):
        places = np.array(places, int)
        assert list(file.names.take(places)) == [
            f'clip{place}' for place in places]
        assert list(file.labels.take(places)) == [
            clips[place]['label'] for place in places]
    assert file.names[-1] == 'clip199' and file.labels[5] == [0, 2]
    with pytest.raises(IndexError):
        file.clips[200]


def test_columns_are_those_of_safetensors(small):
    """Read as its documentation describes, without this package."""
    data = Path(small).read_bytes()
    length = int.from_bytes(data[:8], 'little')
    header = json.loads(data[8:8 + length])
    assert header.pop('__metadata__')['version'] == '1'
    ends = [0]
    for column in sorted(header.values(), key=lambda x: x['data_offsets']):
        assert column['data_offsets'][0] == ends[-1]  # without holes
        ends.append(column['data_offsets'][1])
    assert 8 + length + ends[-1] == len(data)
    start, end = header['label']['data_offsets']
    assert np.frombuffer(data[8 + length + start:8 + length + end],
                         '<i4').tolist() == [0, 1, 2, 0, 1]


def test_survey_is_that_of_the_pickle(tmp_path):
    pkl = write(tmp_path / 'a.pkl', make_clips())
    prepare(pkl, str(tmp_path / 'a.clips'))
    ours, theirs = (dict(survey(path).as_dict(), path='') for path in (
        str(tmp_path / 'a.clips'), pkl))
    assert ours == theirs


BAD = [
    (dict(keypoint=np.zeros((1, 4, 5, 3))), 'all zero'),
    (dict(keypoint=np.full((1, 4, 5, 3), np.nan)), 'NaN'),
    (dict(total_frames=9), 'total_frames 9'),
    (dict(label=-2), 'label -2'),
    (dict(label='wave'), 'not an integer'),
    (dict(label=np.array(1)), 'not an integer'),
    (dict(frame_dir='clip0'), 'occurs 2 times'),
]


@pytest.mark.parametrize('change, problem', BAD)
def test_invalid_clips(tmp_path, change, problem):
    clips = make_clips()
    clips[1].update(change)
    with pytest.raises(InputError, match=f'{problem}.*--invalid-clips skip'):
        made_of(tmp_path, clips)
    assert os.listdir(tmp_path) == ['a.pkl']
    file = read_annotations(made_of(tmp_path, clips, invalid_clips='skip'))
    kept = ['clip0', 'clip2', 'clip3', 'clip4']
    assert list(file.names) == kept
    assert list(file.splits['train']) in (['clip0', 'clip2'],
                                          ['clip0', 'clip0', 'clip2'])


def test_other_reasons_to_refuse(tmp_path):
    clips = make_clips()
    pkl = write(tmp_path / 'a.pkl', clips)
    data = pickle.loads(Path(pkl).read_bytes())
    data['split']['val'].append('missing')
    (tmp_path / 'b.pkl').write_bytes(pickle.dumps(data))
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'foreign.txt').write_text('mine')
    (tmp_path / '.linked.tmp').symlink_to('foreign.txt')
    made = made_of(tmp_path, clips, 'c')
    none = write(tmp_path / 'd.pkl', [
        dict(clip, keypoint=clip['keypoint'] * 0) for clip in clips])
    for source, output, options, message in [
            (pkl, pkl, {}, 'also to be written'),
            (pkl, 'x.pkl', {}, 'would not be a pickle'),
            (pkl, 'folder', {}, 'exists and is not a prepared file'),
            (pkl, 'foreign.txt', {}, 'exists and is not a prepared file'),
            (pkl, 'foreign.txt/x', {}, 'cannot be written'),
            (pkl, 'linked', {}, 'cannot be written'),
            (made, 'x', {}, 'is prepared already'),
            (str(tmp_path / 'b.pkl'), 'x', {}, "'missing' is in split 'val'"),
            (none, 'x', dict(invalid_clips='skip'), 'no valid clip')]:
        with pytest.raises(InputError, match=message):
            prepare(source, str(tmp_path / output), **options)
    for key, value, message in [
            (3, 1, 'the key 3'), ('count', 10 ** 5000, 'JSON'),
            ('label', 2 ** 31, 'the label 2147483648')]:
        with pytest.raises(InputError, match=f"clip 'clip0' has .*{message}"):
            made_of(tmp_path, [{**clips[0], key: value}, *clips[1:]], 'e')
    assert (tmp_path / 'foreign.txt').read_text() == 'mine'
    assert [name for name in os.listdir(tmp_path) if 'tmp' in name] == [
        '.linked.tmp']


def test_a_prepared_file_is_replaced_and_the_open_one_stays(tmp_path):
    path = made_of(tmp_path, make_clips())
    file = read_annotations(path)
    made_of(tmp_path, make_clips(3)[::-1])
    assert len(file.clips) == 5 and file.clips[4]['label'] == 1
    assert list(read_annotations(path).labels) == [2, 1, 0]
    # A spawned process opens the file again.
    with pytest.raises(PreparedFileError, match='it has been replaced'):
        pickle.loads(pickle.dumps(file.clips))


def test_a_file_that_is_cut_under_a_run(tmp_path):
    path = made_of(tmp_path, make_clips())
    file = read_annotations(path)
    os.truncate(path, 4096 + 100)
    for read in (lambda: file.clips[3], lambda: file.names[0]):
        with pytest.raises(PreparedFileError, match='prepare it again'):
            read()
    with pytest.raises(PreparedFileError, match='4196 bytes instead of'):
        read_annotations(path)


def test_another_file_written_into_it_gives_no_wrong_clip(tmp_path):
    path, other = (made_of(tmp_path, make_clips(), 'a'), made_of(
        tmp_path, make_clips(count=5, other=1), 'b'))
    file = read_annotations(path)
    for data in (Path(other).read_bytes(), Path(made_of(
            tmp_path, make_clips()[::-1], 'c')).read_bytes()):
        with open(path, 'r+b') as stream:
            stream.write(data)
        for clip in range(5):
            with pytest.raises(PreparedFileError, match='is damaged'):
                file.clips[clip]


FORGED = [
    # Bytes of objects are addresses, which would be followed.
    '{"array":["O",[1],0,"C"]}', '{"scalar":["i4,O","%s"]}' % (12 * '41'),
    '{"array":["<f8",[2],-16,"C"]}', '{"array":["<f8",[1000000000],0,"C"]}',
    '{"bytes":3}', '{"eval":"1"}', '[' * 10000]


@pytest.mark.parametrize('forged', FORGED, ids=range(len(FORGED)))
def test_forged_clips(tmp_path, monkeypatch, forged):
    monkeypatch.setattr(
        'psp_plugin.annotations.prepared.writer.encode',
        lambda clip: (bytes(64), b'{"x":%s}' % forged.encode()))
    with open(tmp_path / 'a.clips', 'w+b') as stream:
        writer = Writer(stream, 'frame_dir', 'source')
        writer.finish({}, {})
    with pytest.raises(PreparedFileError, match='clip 0 is not one'):
        PreparedFile(str(tmp_path / 'a.clips'))


def test_forged_header(tmp_path, small):
    data = Path(small).read_bytes()
    for old, new in [(b'"label":{"dtype":"I32","shape":[5]',
                      b'"label":{"dtype":"I32","shape":[4]'),
                     (b'"clips":{"dtype":"I64","shape":[6,4]',
                      b'"clips":{"dtype":"I64","shape":[-6]')]:
        assert old in data
        (tmp_path / 'a.clips').write_bytes(data.replace(old, new.ljust(
            len(old))))
        with pytest.raises(PreparedFileError, match='header is not valid'):
            read_annotations(str(tmp_path / 'a.clips'))


def test_a_later_version(tmp_path, small):
    data = Path(small).read_bytes().replace(b'"version":"1"',
                                            b'"version":"2"')
    (tmp_path / 'a.clips').write_bytes(data)
    with pytest.raises(PreparedFileError, match='is of version 2 of'):
        read_annotations(str(tmp_path / 'a.clips'))


@settings(derandomize=True, deadline=None, database=None, max_examples=200,
          suppress_health_check=list(HealthCheck))
@given(st.data())
def test_damage_is_found_or_harmless(tmp_path, small, data):
    before = Path(small).read_bytes()
    place = data.draw(st.one_of(
        st.integers(0, 700), st.integers(4000, len(before) - 1)))
    if data.draw(st.booleans()):
        changed = bytearray(before)
        changed[place] ^= data.draw(st.integers(1, 255))
    else:
        changed = before[:place]
    path = tmp_path / 'a.clips'
    path.write_bytes(changed)
    try:
        found = contents(str(path))
    except InputError as error:  # as what it is, or as a broken pickle
        assert str(error).startswith(f'{path} is')
    else:
        assert_same(found, contents(small))


def test_disk_full(tmp_path, monkeypatch):
    def full(number):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr('os.fsync', full)
    with pytest.raises(InputError, match=r'a.clips cannot be written \(No '
                                       r'space left on device\): free space'):
        made_of(tmp_path, make_clips())
    assert os.listdir(tmp_path) == ['a.pkl']


def test_a_killed_writer_leaves_nothing_in_the_way(tmp_path):
    pkl = write(tmp_path / 'a.pkl', make_clips())
    output = str(tmp_path / 'a.clips')

    def killed(clips):
        yield clips[0]
        os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if not child:
        prepare(pkl, output, progress=killed)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert sorted(os.listdir(tmp_path)) == ['.a.clips.tmp', 'a.pkl']
    prepare(pkl, output)
    assert sorted(os.listdir(tmp_path)) == ['a.clips', 'a.pkl']
    assert len(read_annotations(output).clips) == 5


def test_two_writers_of_one_file(tmp_path):
    """The second is refused; the first one completes."""
    pkl = write(tmp_path / 'a.pkl', make_clips())
    output = str(tmp_path / 'a.clips')

    def meanwhile(clips):
        with pytest.raises(InputError, match='written by another process'):
            prepare(pkl, output)
        return clips

    prepare(pkl, output, progress=meanwhile)
    assert PreparedFile(output).count == 5
    assert sorted(os.listdir(tmp_path)) == ['a.clips', 'a.pkl']
