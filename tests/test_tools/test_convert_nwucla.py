"""The NW-UCLA converter on synthetic sources and on the real one."""
import json
import os
import pickle
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from forked import run_forked
from mmaction.registry import DATASETS
from toy import load_tool

from psp_plugin.annotations.pickles import write_pickle
from psp_plugin.recordings import nwucla

TOOL = Path(__file__).resolve().parents[2] / 'tools/data/convert_nwucla.py'

BAD = {
    'a01_s01_e10_v01.json': (b'', 'is not JSON'),
    'a01_s01_e11_v01.json': (b'{"skeletons": [[[1, 2', 'is not JSON'),
    'a01_s01_e12_v01.json': (b'\xff\xfe\x00', 'is not JSON'),
    'a01_s01_e13_v01.json': (b'[1, 2]', 'has no key "skeletons"'),
    'a01_s01_e14_v01.json': (b'{"frames": []}', 'has no key "skeletons"'),
    'a01_s01_e15_v01.json': (b'{"skeletons": []}', 'has no frames'),
    'a01_s01_e16_v01.json': (b'{"skeletons": 5}', 'of shape ()'),
    'a01_s01_e17_v01.json': (b'{"skeletons": {"0": 1}}', 'not numbers'),
    'a01_s01_e18_v01.json': (b'{"skeletons": [[[1, 2, 3]], [[1, 2]]]}',
                             'of unequal length'),
    'a01_s01_e19_v01.json': (json.dumps(
        {'skeletons': np.ones((4, 25, 3)).tolist()}).encode(),
                             'of shape (4, 25, 3)'),
    'a01_s01_e20_v01.json': (json.dumps(
        {'skeletons': np.full((4, 20, 3), 'x').tolist()}).encode(),
                             'not numbers'),
    'a01_s01_e21_v01.json': (json.dumps(
        {'skeletons': np.zeros((4, 20, 3)).tolist()}).encode(), 'only zeros'),
    'a07_s01_e00_v01.json': (b'{}', 'has action 7'),
    'a01_s01_e00_v04.json': (b'{}', 'has view 4'),
    'a01_s01_e00.json': (b'{}', 'is not named'),
    'notes.JSON': (b'{}', 'is not named'),
}


def points(seed, frames=5):
    return np.random.default_rng(seed).normal(size=(frames, 20, 3))


def content(array):
    # The label of the real files is the action number and is not used.
    return json.dumps({'file_name': 'x', 'label': 9,
                       'skeletons': np.asarray(array).tolist()}).encode()


def clean_files():
    """Every action once per view and subject 1 to 2; no duplicates."""
    return {
        f'a{action:02}_s{subject:02}_e00_v{view:02}.json':
        content(points(1000 * action + 10 * subject + view))
        for action in nwucla.ACTIONS for subject in (1, 2)
        for view in (1, 2, 3)
    }


def write_folder(root, files):
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return str(root)


def write_zip(path, files):
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return str(path)


@pytest.fixture(params=['folder', 'nested folder', 'zip', 'nested zip'])
def pack(request, tmp_path):
    """Writes the files as each supported kind of source."""

    def packed(files):
        if 'nested' in request.param:
            files = {f'all_sqe/{name}': data for name, data in files.items()}
        if 'zip' in request.param:
            return write_zip(tmp_path / 'all_sqe.zip', files)
        return write_folder(tmp_path / 'source', files)

    return packed


@pytest.fixture(scope='module')
def tool():
    return load_tool('data/convert_nwucla')


def test_annotations_equal_the_files(pack):
    files = clean_files()
    data, _ = nwucla.convert(pack(files))
    assert [a['frame_dir'] + '.json'
            for a in data['annotations']] == sorted(files)
    for annotation in data['annotations']:
        name = annotation['frame_dir']
        expected = json.loads(files[f'{name}.json'])['skeletons']
        assert set(annotation) == {
            'frame_dir', 'label', 'total_frames', 'keypoint'}
        assert annotation['keypoint'].shape == (1, 5, 20, 3)
        assert annotation['keypoint'].dtype == np.float32
        np.testing.assert_array_equal(annotation['keypoint'][0],
                                      np.float32(expected))
        assert annotation['total_frames'] == 5
        assert type(annotation['label']) is int
        assert nwucla.ACTIONS[annotation['label']] == int(name[1:3])


def test_ten_classes_have_ten_actions():
    assert len(nwucla.CLASSES) == len(nwucla.ACTIONS) == 10
    by_action = dict(zip(nwucla.ACTIONS, nwucla.CLASSES))
    assert by_action[1] == 'pick up with one hand'
    assert by_action[8] == 'donning'
    assert by_action[12] == 'carry'


def test_splits_by_view_and_subject(pack):
    data, _ = nwucla.convert(pack(clean_files()))
    split = data['split']
    assert {name: len(members) for name, members in split.items()} == dict(
        xview_train=40, xview_val=20, xview_val_clean=20, xsub_train=30,
        xsub_val=30, view1=20, view2=20)
    assert all(name.endswith('v01') for name in split['view1'])
    assert all(name.endswith('v02') for name in split['view2'])
    assert all(name.endswith(('v01', 'v02')) for name in split['xview_train'])
    assert all(name.endswith('v03') for name in split['xview_val'])
    assert all('_s01_' in name for name in split['xsub_train'])
    assert all('_s02_' in name for name in split['xsub_val'])


def test_duplicates_are_left_out_of_the_clean_split_only(pack):
    files = clean_files()
    files['a02_s01_e00_v03.json'] = files['a02_s01_e00_v02.json']
    # Different text with the same numbers.
    files['a12_s02_e00_v03.json'] = json.dumps(
        json.loads(files['a12_s02_e00_v01.json']), indent=1).encode()
    # A copy within view 3 does not duplicate training data.
    files['a03_s02_e00_v03.json'] = files['a03_s01_e00_v03.json']
    sequences, _ = nwucla.read_sequences(pack(files))
    assert nwucla.find_duplicates(sequences) == {
        'a02_s01_e00_v03': 'a02_s01_e00_v02',
        'a12_s02_e00_v03': 'a12_s02_e00_v01'}
    split = nwucla.build_splits(sequences)
    assert len(split['xview_val']) == 20
    assert set(split['xview_val']) - set(split['xview_val_clean']) == {
        'a02_s01_e00_v03', 'a12_s02_e00_v03'}
    summary = nwucla.summarize(sequences, [])
    assert 'duplicates: 2 ' in summary
    assert 'action 2 (pick up with two hands): 1' in summary
    assert 'action 12 (carry): 1' in summary


def test_invalid_sequences_are_left_out_with_a_note(pack):
    good = clean_files()
    bad = {name: data for name, (data, _) in BAD.items()}
    source = pack({**good, **bad, 'readme.txt': b'not a sequence'})
    sequences, notes = nwucla.read_sequences(source)
    assert [s.name + '.json' for s in sequences] == sorted(good)
    by_name = {os.path.basename(note.name): note for note in notes}
    assert set(by_name) == set(bad)
    for name, (_, reason) in BAD.items():
        assert not by_name[name].kept
        assert reason in by_name[name].reason
    summary = nwucla.summarize(sequences, notes)
    assert f'notes: {len(bad)}' in summary
    assert all(name in summary for name in bad)


@pytest.mark.parametrize('value', ['NaN', 'Infinity', '-Infinity', '1e300',
                                   'null'])
def test_non_finite_values_are_left_out_with_a_note(pack, value):
    text = content(np.full((3, 20, 3), 7.5)).decode()
    bad = text.replace('7.5', value, 1).encode()
    source = pack({'a01_s01_e00_v01.json': content(points(0)),
                   'a01_s01_e01_v01.json': bad})
    sequences, (note, ) = nwucla.read_sequences(source)
    assert [s.name for s in sequences] == ['a01_s01_e00_v01']
    expected = ('not numbers' if value == 'null' else
                'NaN or infinite coordinates in 1 of 3 frames')
    assert expected in note.reason and not note.kept


def test_single_frame_is_kept_with_a_note(pack):
    source = pack({'a05_s03_e01_v03.json': content(points(0, frames=1))})
    sequences, (note, ) = nwucla.read_sequences(source)
    assert len(sequences) == 1 and note.kept
    assert str(note).startswith('kept: ')
    assert str(note).endswith('a05_s03_e01_v03.json: has a single frame')


def test_second_file_of_the_same_name_is_left_out(pack):
    source = pack({'one/a01_s01_e00_v01.json': content(points(0)),
                   'two/a01_s01_e00_v01.json': content(points(1))})
    (sequence, ), (note, ) = nwucla.read_sequences(source)
    np.testing.assert_array_equal(sequence.points, np.float32(points(0)))
    assert 'two' in note.name and 'the name of' in note.reason


def test_damaged_zip_member_is_left_out(tmp_path):
    source = write_zip(tmp_path / 'all.zip', clean_files())
    with zipfile.ZipFile(source) as archive:
        info = archive.getinfo('a01_s01_e00_v02.json')
    data = bytearray(Path(source).read_bytes())
    start = info.header_offset + 30 + len(info.filename)
    data[start + 100:start + 120] = bytes(20)
    Path(source).write_bytes(data)
    sequences, (note, ) = nwucla.read_sequences(source)
    assert len(sequences) == 59
    assert note.name == 'a01_s01_e00_v02.json'
    assert 'cannot be read' in note.reason


def test_unreadable_file_is_left_out(tmp_path):
    source = write_folder(tmp_path, clean_files())
    (tmp_path / 'a01_s01_e05_v01.json').symlink_to('nowhere')
    sequences, (note, ) = nwucla.read_sequences(source)
    assert len(sequences) == 60
    assert note.name == 'a01_s01_e05_v01.json'
    assert 'cannot be read' in note.reason


def test_tool_writes_the_pickle_and_prints_the_summary(pack, tool, tmp_path,
                                                       capsys):
    files = clean_files()
    files['a01_s01_e10_v01.json'] = b''
    output = tmp_path / 'new/folder/nwucla_3d.pkl'
    tool.main([pack(files), '-o', str(output)])
    with open(output, 'rb') as stream:
        data = pickle.load(stream)
    assert set(data) == {'split', 'annotations'}
    assert os.listdir(output.parent) == ['nwucla_3d.pkl']
    printed = capsys.readouterr().out
    assert '60 sequences of 5 to 5 frames' in printed
    assert 'a01_s01_e10_v01.json: is not JSON' in printed
    (total, ) = [line for line in printed.splitlines()
                 if line.startswith('total')]
    assert total.split() == [
        'total', '40', '20', '20', '30', '30', '20', '20']


def test_toolbox_loads_the_pickle(tmp_path):
    source = write_folder(tmp_path / 'source', clean_files())
    output = str(tmp_path / 'nwucla_3d.pkl')
    nwucla.convert(source, output)
    dataset = DATASETS.build(dict(
        type='PoseDataset', ann_file=output, split='xview_val_clean',
        pipeline=[dict(type='mmaction.NormalizeSkeleton3D')]))
    assert len(dataset) == 20
    assert dataset[0]['keypoint'].shape == (1, 5, 20, 3)


def test_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    output = tmp_path / 'x.pkl'
    output.write_bytes(b'old')

    def fail(*args, **kwargs):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(pickle, 'dump', fail)
    with pytest.raises(OSError):
        write_pickle({}, str(output))
    assert os.listdir(tmp_path) == ['x.pkl']
    assert output.read_bytes() == b'old'


@pytest.mark.parametrize('make, expected', [
    (lambda d: str(d / 'absent.zip'), 'absent.zip does not exist'),
    (lambda d: write_folder(d, {'x.zip': b'text'}) + '/x.zip',
     'neither a zip nor a folder'),
    (lambda d: write_folder(d / 'empty', {'a.txt': b''}),
     'contains no valid sequence'),
    (lambda d: write_zip(d / 'none.zip', {}), 'contains no valid sequence'),
    (lambda d: write_folder(d / 'bad', {'a01_s01_e00_v01.json': b''}),
     '1 left out, first a01_s01_e00_v01.json: is not JSON'),
])
def test_invalid_source_exits_with_sentence(make, expected, tool, tmp_path):
    output = tmp_path / 'out/x.pkl'
    with pytest.raises(SystemExit) as error:
        tool.main([make(tmp_path), '-o', str(output)])
    message = error.value.code
    assert expected in message
    assert '\n' not in message and message.endswith('.')
    assert not output.parent.exists()


def test_invalid_output_exits_with_one_sentence(tool, tmp_path):
    source = write_folder(tmp_path / 'source', clean_files())
    (tmp_path / 'file').write_text('')
    (tmp_path / 'folder').mkdir()
    for output in ('file/x.pkl', 'folder'):
        with pytest.raises(SystemExit) as error:
            tool.main([source, '-o', str(tmp_path / output)])
        assert f'{output} cannot be written: ' in error.value.code
        assert '\n' not in error.value.code
    assert sorted(os.listdir(tmp_path)) == ['file', 'folder', 'source']


def test_command_line_fails_without_a_traceback(tmp_path):
    run = run_forked(TOOL, tmp_path / 'absent', cwd=tmp_path)
    assert run.returncode == 1
    assert run.stdout == ''
    assert run.stderr.splitlines()[-1].endswith('absent does not exist.')
    assert 'Traceback' not in run.stderr


def test_real_data_has_the_expected_counts(nwucla_pkl):
    with open(nwucla_pkl, 'rb') as stream:
        data = pickle.load(stream)
    split = data['split']
    assert {name: len(split[name]) for name in split} == dict(
        xview_train=1020, xview_val=464, xview_val_clean=369,
        xsub_train=724, xsub_val=760, view1=516, view2=504)
    duplicates = set(split['xview_val']) - set(split['xview_val_clean'])
    assert Counter(name[:3] for name in duplicates) == {'a02': 50, 'a03': 45}
    points = {a['frame_dir']: a['keypoint'].tobytes()
              for a in data['annotations']}
    assert not ({points[name] for name in split['view1']} &
                {points[name] for name in split['view2']})  # no duplicates
    lengths = [a['total_frames'] for a in data['annotations']]
    assert (len(lengths), min(lengths), max(lengths)) == (1484, 1, 201)
    assert {a['label'] for a in data['annotations']} == set(range(10))


def test_real_data_has_two_notes(nwucla_zip):
    _, notes = nwucla.read_sequences(nwucla_zip)
    assert [str(note) for note in notes] == [
        f'kept: all_sqe/a02_s09_e04_v0{view}.json: has a single frame'
        for view in (2, 3)]
