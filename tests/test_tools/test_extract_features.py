"""The tool that writes features: arrays, table and invalid input."""
import csv
import pickle

import numpy as np
import pytest
import torch
from tiny import CLASSES, tiny_config, write_checkpoint, write_model
from toy import load_tool, small_config, write_ntu

from psp_plugin.apis import SkeletonInferencer
from psp_plugin.datasets.synthetic import make_clip

ONE_CLIP = {'test_dataloader.dataset.pipeline.2.num_clips': 1}
NAMES = ('a/b', 'a_b', '../up')  # of clips; a / cannot be in a file name


@pytest.fixture(scope='module')
def main():
    return load_tool('extract_features').main


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    """25 joints, 16 channels of two streams."""
    return write_model(tmp_path_factory.mktemp('model'), **ONE_CLIP)


def rows_of(folder):
    with open(folder / 'table.csv', newline='', encoding='utf-8') as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def data(tmp_path):
    """Three clips of the test set with unusual names; one has no label."""
    clips = [dict(make_clip(index, split='val'), frame_dir=name)
             for index, name in enumerate(NAMES)]
    clips[2]['label'] = -1
    path = tmp_path / 'mine.pkl'
    path.write_bytes(pickle.dumps(dict(
        split=dict(train=['a/b'], val=['a_b', '../up'], all=list(NAMES)),
        annotations=clips)))
    return path


def test_arrays_and_table_of_a_pickle(main, model, data, tmp_path, capsys):
    out = tmp_path / 'new/features'
    main([*model, str(data), '-o', str(out), '--batch-size', '2'])
    assert capsys.readouterr().out == f'wrote {out}/table.csv\n'
    rows = rows_of(out)
    assert [row['name'] for row in rows] == list(NAMES)
    assert [row['label'] for row in rows] == ['0', '1', '']
    assert [row['split'] for row in rows] == ['train all', 'val all',
                                              'val all']
    assert sorted(path.name for path in out.iterdir()) == sorted(
        ['table.csv', 'a_b.npy', 'a_b_1.npy', '.._up.npy'])
    inferencer = SkeletonInferencer(*model)
    for index, row in enumerate(rows):
        clip = make_clip(index, split='val')
        assert int(row['predicted']) == inferencer(clip)[0]['top'][0][0]
        assert row['class'] == CLASSES[int(row['predicted'])]
        features = np.load(out / row['file'])
        assert features.shape == (32, ) and features.dtype == np.float32
        # The mean over clip (1), persons, frames and joints of the encoder.
        inputs = inferencer.prepare(clip)['inputs'][None]
        streams, _ = inferencer.model.extract_feat(inputs)
        expected = np.concatenate([
            stream.detach().numpy().mean((0, 1, 3, 4)) for stream in streams])
        np.testing.assert_allclose(features, expected, atol=1e-6)


def test_features_per_joint_and_of_a_level(main, model, data, tmp_path):
    for name, flags in (('plain', []), ('joints', ['--per-joint']),
                        ('level', ['--level', 'part'])):
        main([*model, f'{data}#a_b', '-o', str(tmp_path / name), *flags])
    joints = np.load(tmp_path / 'joints/a_b.npy')
    assert joints.shape == (25, 32)
    np.testing.assert_allclose(
        joints.mean(0), np.load(tmp_path / 'plain/a_b.npy'), atol=1e-6)
    level = np.load(tmp_path / 'level/a_b.npy')
    assert level.ndim == 1  # each stream of length 1
    assert np.linalg.norm(level) == pytest.approx(2 ** .5)


def test_test_clips_of_the_config(main, model, tmp_path):
    main([*model, '-o', str(tmp_path / 'out')])
    rows = rows_of(tmp_path / 'out')
    assert len(rows) == 20 and {row['split'] for row in rows} == {'val'}
    assert [int(row['label']) for row in rows] == [*range(10)] * 2


def test_another_split_of_the_config(main, tmp_path):
    cfg = small_config('psp_ntu60_xsub_5p.py',
                       write_ntu(tmp_path / 'ntu.pkl', 12), tmp_path,
                       **ONE_CLIP)
    cfg.dump(str(tmp_path / 'config.py'))
    checkpoint = write_checkpoint(cfg, tmp_path / 'a.pth', classes=None)
    main([str(tmp_path / 'config.py'), checkpoint, '-o',
          str(tmp_path / 'out'), '--split', 'train'])
    rows = rows_of(tmp_path / 'out')
    assert [row['name'] for row in rows] == [
        f'S001C001P001R001A{i:03}' for i in range(8)]
    assert rows[0]['class'] == f'class {rows[0]["predicted"]}'


def test_invalid_clips_are_left_out(main, model, tmp_path):
    np.save(tmp_path / 'a.npy', make_clip(0)['keypoint'])
    np.save(tmp_path / 'b.npy', np.ones((1, 9, 17, 3)))
    with pytest.raises(SystemExit) as stop:
        main([*model, str(tmp_path / 'a.npy'), str(tmp_path / 'b.npy'), '-o',
              str(tmp_path / 'out')])
    first, last = stop.value.code.splitlines()
    assert 'b.npy has 17 joints, but the model expects 25.' in first
    assert last == '1 clips were left out.'
    row, = rows_of(tmp_path / 'out')
    assert row['name'] == 'a' and row['label'] == row['split'] == ''


@pytest.mark.parametrize('flags, message', [
    (['-o', '{tmp}'], 'folder {tmp} is not empty: name a new one with -o.'),
    (['-o', '{tmp}/new', '--split', 'test'], "has no split 'test', only"),
])
def test_wrong_arguments_are_one_sentence(main, model, data, tmp_path, flags,
                                          message):
    with pytest.raises(SystemExit) as stop:
        main([*model, str(data), *(flag.format(tmp=tmp_path)
                                   for flag in flags)])
    assert message.format(tmp=tmp_path) in stop.value.code
    assert '\n' not in stop.value.code


def test_level_of_a_model_without_projector(main, data, tmp_path):
    cfg = tiny_config('supervised_synthetic_5p.py')
    cfg.dump(str(tmp_path / 'config.py'))
    checkpoint = write_checkpoint(cfg, tmp_path / 'a.pth')
    with pytest.raises(SystemExit, match='no projected features of level'):
        main([str(tmp_path / 'config.py'), checkpoint, str(data), '-o',
              str(tmp_path / 'out'), '--level', 'joint'])
    assert not (tmp_path / 'out').exists()


def test_weights_that_are_not_finite(main, model, data, tmp_path):
    content = torch.load(model[1])
    name = next(name for name, value in content['state_dict'].items()
                if name.startswith('backbone') and value.ndim > 1)
    content['state_dict'][name][:] = float('nan')
    torch.save(content, tmp_path / 'nan.pth')
    with pytest.raises(SystemExit, match="clip 'a/b' are not finite"):
        main([model[0], str(tmp_path / 'nan.pth'), str(data), '-o',
              str(tmp_path / 'out')])
