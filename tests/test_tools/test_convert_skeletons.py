"""tools/data/convert_skeletons.py, and training on its output."""
import csv
import json
import os
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from forked import run_forked
from mmaction.registry import DATASETS
from toy import load_tool, write_ntu

from psp_plugin.annotations.pickles import load_pickle
from psp_plugin.recordings import nwucla, read_classes

TOOL = Path(__file__).resolve().parents[2] / 'tools/data/convert_skeletons.py'
PIPELINE = [
    dict(type='NormalizeSkeleton3D'),
    dict(type='GenSkeFeat', dataset='nturgb+d', feats=['j', 'jm']),
    dict(type='UniformSamplePose', clip_len=16),
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=2),
    dict(type='PackActionInputs'),
]


@pytest.fixture(scope='module')
def main():
    return load_tool('data/convert_skeletons').main


def write_labels(path, rows, header=('name', 'label')):
    with open(path, 'w', newline='', encoding='utf-8') as stream:
        csv.writer(stream).writerows([header, *rows])
    return str(path)


def ntu_text(points):
    """NTU text of one body, (T, 25, 3)."""
    lines = [len(points)]
    for frame in points:
        lines += [1, '72057594037931101 0 1 1 0 0 0 0.1 -0.2 2', len(frame)]
        lines += [' '.join(map(repr, joint.tolist())) +
                  ' 250 200 980 500 0 0 0 1 2' for joint in frame]
    return '\n'.join(map(str, lines))


@pytest.fixture
def folder(tmp_path):
    """Six clips of 25 joints in three formats; two cannot be used."""
    rng = np.random.default_rng(0)
    root = tmp_path / 'recordings'
    (root / 'more').mkdir(parents=True)
    clips = {name: rng.normal(size=(20 + i, 25, 3))
             for i, name in enumerate('abcdef')}
    np.save(root / 'a.npy', clips['a'])
    np.save(root / 'b.npy', np.stack([clips['b'], clips['b'] + 3]))
    for name in 'cd':
        (root / f'more/{name}.json').write_text(
            json.dumps(dict(keypoint=clips[name].tolist())))
    for name in 'ef':
        (root / f'more/{name}.skeleton').write_text(ntu_text(clips[name]))
    (root / 'cut.skeleton').write_text(
        '\n'.join(ntu_text(clips['e']).split('\n')[:26]))
    np.save(root / 'hand.npy', clips['a'][:, :21])
    return root


def dataset(path, split):
    return DATASETS.build(dict(type='PoseDataset', ann_file=str(path),
                               split=split, pipeline=PIPELINE))


def test_three_formats_can_be_trained_on(folder, tmp_path):
    labels = write_labels(tmp_path / 'labels.csv', [
        ('a.npy', 'walk'), ('b', 'sit'), ('more/c', 'sit'),
        ('more/e.skeleton', 'walk'), ('cut', 'sit'), ('lost', 'sit')])
    done = run_forked(
        TOOL, 'recordings', '-o', 'new/mine.pkl', '--labels', labels,
        '--val-ratio', 0.5, '--report', 'report.csv', cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ''
    assert 'skipped: 3 (1 joints, 1 missing, 1 unreadable)' in done.stdout
    assert 'hand.npy      has 21 joints of 3' in done.stdout
    assert done.stdout.endswith(
        'wrote new/mine.pkl and new/mine.classes.txt\n')
    with open(tmp_path / 'report.csv', newline='') as stream:
        report = {row['name']: row for row in csv.DictReader(stream)}
    assert {name: row['kind'] for name, row in report.items()} == {
        'lost': 'missing', 'cut.skeleton': 'unreadable', 'hand.npy': 'joints'}
    assert report['cut.skeleton']['reason'] == (
        'ends after line 26, where joint 22 is expected')

    path = tmp_path / 'new/mine.pkl'
    assert read_classes(str(path.with_suffix('.classes.txt'))) == [
        'sit', 'walk']
    truth = {'a': 1, 'b': 0, 'more/c': 0, 'more/e': 1}
    seen = {}
    for split in ('train', 'val', 'unlabeled'):
        for item in dataset(path, split):
            sample, inputs = item['data_samples'], item['inputs']
            assert inputs.shape == (1, 2, 16, 25, 6)
            assert torch.isfinite(inputs).all() and inputs.any()
            seen.setdefault(split, []).append(
                int(sample.gt_label) if 'gt_label' in sample else None)
    assert sorted(seen['train']) == sorted(seen['val']) == [0, 1]
    assert seen['unlabeled'] == [None, None]
    data = load_pickle(str(path))
    assert {item['frame_dir']: item['label'] for item in data['annotations']
            if 'label' in item} == truth
    assert data['split']['unlabeled'] == ['more/d', 'more/f']


def test_unlabelled_pool(folder, tmp_path, main, capsys):
    output = tmp_path / 'pool.pkl'
    main([str(folder), '-o', str(output)])
    assert 'split unlabeled: 6 clips' in capsys.readouterr().out
    pool = dataset(output, 'unlabeled')
    assert len(pool) == 6
    assert not any('gt_label' in item['data_samples'] for item in pool)
    assert sorted(os.listdir(tmp_path)) == ['pool.pkl', 'recordings']


def test_splits_and_options_of_the_command(folder, tmp_path, main):
    labels = write_labels(
        tmp_path / 'labels.csv',
        [('hand', 'sit', 'test'), ('a', 'sit', 'train')],
        header=('name', 'label', 'split'))
    (tmp_path / 'map.txt').write_text('walk\nsit\n')
    output = tmp_path / 'hands.pkl'
    main([str(folder), '-o', str(output), '--labels', labels, '--classes',
          str(tmp_path / 'map.txt'), '--joints', '21', '--scored',
          '--persons', '1'])
    data = load_pickle(str(output))
    assert data['split'] == dict(test=['hand'])
    hand, = data['annotations']
    assert hand['label'] == 1
    assert hand['keypoint'].shape == (1, 20, 21, 2)
    assert hand['keypoint_score'].shape == (1, 20, 21)


def test_seed_and_ratio_change_the_draw(tmp_path, main):
    for i in range(10):
        np.save(tmp_path / f'clip{i}.npy', np.ones((3, 4, 3)))
    labels = write_labels(tmp_path / 'labels.csv',
                          [(f'clip{i}', 0) for i in range(10)])
    splits = []
    for options in ([], ['--seed', '1'], ['--val-ratio', '0.5'], []):
        output = str(tmp_path / 'out.pkl')
        main([str(tmp_path), '-o', output, '--labels', labels, *options])
        splits.append(load_pickle(output)['split']['val'])
    assert list(map(len, splits)) == [2, 2, 5, 2]
    assert splits[0] == splits[3] != splits[1]


def test_labels_for_the_clips_of_a_pickle(tmp_path, main, capsys):
    pool, output = str(tmp_path / 'pool.pkl'), str(tmp_path / 'mine.pkl')
    write_ntu(pool, 6)
    before = {clip['frame_dir']: clip
              for clip in load_pickle(pool)['annotations']}
    names = list(before)
    write_labels(tmp_path / 'labels.csv', [
        (names[3], 'kick'), (names[1], 'wave'), (names[2], '')])
    main([pool, '-o', output, '--labels', str(tmp_path / 'labels.csv')])
    assert ('splits inside the recordings, not used: train, unlabeled, val, '
            'xsub_train,') in capsys.readouterr().out
    made = load_pickle(output)
    assert {clip['frame_dir']: clip.get('label')
            for clip in made['annotations']} == dict(
                dict.fromkeys(names), **{names[3]: 0, names[1]: 1})
    assert made['split'] == dict(
        train=[names[1], names[3]],
        unlabeled=[name for i, name in enumerate(names) if i not in (1, 3)])
    for clip in made['annotations']:
        np.testing.assert_array_equal(
            clip['keypoint'], before[clip['frame_dir']]['keypoint'])
    with pytest.raises(SystemExit, match=r'pool\.pkl is to be read, but also '
                       'to be written'):
        main([pool, '-o', pool])
    assert load_pickle(pool)['split']
    main([pool, '-o', output, '--split', 'xsub_train'])
    assert load_pickle(output)['split'] == dict(unlabeled=names[:4])
    assert 'not used: train' not in capsys.readouterr().out
    with pytest.raises(SystemExit, match=r"has no clip in a split 'no'; its "
                       'splits are train, unlabeled, val, xsub_train'):
        main([pool, '-o', output, '--split', 'no'])


def test_nothing_to_convert_exits_with_one_sentence(tmp_path, main, capsys):
    (tmp_path / 'in').mkdir()
    (tmp_path / 'in/a.json').write_text('{')
    with pytest.raises(SystemExit) as error:
        main([str(tmp_path / 'in'), '-o', str(tmp_path / 'out.pkl'),
              '--report', str(tmp_path / 'r.csv')])
    assert 'skipped: 1 (1 unreadable)' in capsys.readouterr().out
    assert error.value.code.startswith(
        'no recording could be used; the first of 1 skipped: a.json is not '
        'JSON')
    assert '\n' not in error.value.code
    assert sorted(os.listdir(tmp_path)) == ['in', 'r.csv']
    assert 'a.json,unreadable,' in (tmp_path / 'r.csv').read_text()


@pytest.mark.parametrize('args, message', [
    (['absent', '-o', 'out.pkl'], 'absent does not exist'),
    (['labels.csv', '-o', 'out.pkl'],
     'labels.csv is not a folder, nor a file of several clips (.pkl, .npz, '
     '.npy, .json)'),
    (['in', '-o', 'out.json'], 'out.json must end in .pkl'),
    (['in', '-o', 'out.pkl', '--classes', 'labels.csv'],
     '--classes requires --labels'),
    (['in', '-o', 'out.pkl', '--labels', 'none.csv'],
     'none.csv cannot be read (No such file or directory)'),
    (['in', '-o', 'out.pkl', '--labels', 'labels.csv'],
     "labels.csv, line 3, has the label '-2', but labels start at 0"),
    (['in', '-o', 'out.pkl', '--val-ratio', '2'],
     'val_ratio must be in [0, 1), not 2.0'),
    (['in', '-o', 'labels.csv/out.pkl'], 'labels.csv/out.pkl cannot be writt'),
    (['in', '-o', 'out.pkl', '--report', 'in'], 'in cannot be written: Is a'),
])
def test_invalid_arguments_exit_with_one_sentence(tmp_path, main, monkeypatch,
                                                  args, message):
    (tmp_path / 'in').mkdir()
    np.save(tmp_path / 'in/a.npy', np.ones((3, 4, 3)))
    write_labels(tmp_path / 'labels.csv', [('a', 0), ('b', -2)])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as error:
        main(args)
    assert message in error.value.code
    assert '\n' not in error.value.code and error.value.code.endswith('.')
    assert sorted(os.listdir()) == ['in', 'labels.csv']


def test_real_recordings(nwucla_zip, tmp_path, main, capsys):
    root = tmp_path / 'recordings'
    with zipfile.ZipFile(nwucla_zip) as archive:
        names = [name for name in archive.namelist()
                 if name.endswith('.json') and '_s01_' in name]
        archive.extractall(root, names)
    stems = sorted(Path(name).stem for name in names)
    rows = [(f'all_sqe/{stem}.json',
             nwucla.CLASSES[nwucla.ACTIONS.index(int(stem[1:3]))])
            for stem in stems if stem.endswith(('v01', 'v03'))]
    labels = write_labels(tmp_path / 'labels.csv', rows)
    output = tmp_path / 'mine.pkl'
    main([str(root), '-o', str(output), '--labels', labels])
    assert 'skipped: none' in capsys.readouterr().out
    classes = read_classes(str(tmp_path / 'mine.classes.txt'))
    assert classes == sorted(nwucla.CLASSES)
    data = load_pickle(str(output))
    split = {name: len(clips) for name, clips in data['split'].items()}
    assert split['train'] + split['val'] == len(rows)
    assert split['unlabeled'] == len(names) - len(rows) > 50
    counts = Counter()
    for item in data['annotations']:
        stem = Path(item['frame_dir']).name
        assert ('label' in item) == stem.endswith(('v01', 'v03'))
        if 'label' in item:
            assert classes[item['label']] == nwucla.CLASSES[
                nwucla.ACTIONS.index(int(stem[1:3]))]
            counts[item['label']] += 1
    assert set(counts) == set(range(10))
    for name, count in split.items():
        clips = dataset(output, name)
        assert len(clips) == count
        assert clips[0]['inputs'].shape == (1, 2, 16, 20, 6)
        assert ('gt_label' in clips[0]['data_samples']) == (
            name != 'unlabeled')
