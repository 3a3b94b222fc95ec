"""The t-SNE tool: files, legend, determinism and invalid input."""
import csv

import pytest
from forked import run_forked
from tiny import CLASSES, tiny_config, write_checkpoint, write_model
from toy import CONFIGS, load_tool, small_config, write_ntu

from psp_plugin.datasets.synthetic import make_clip

ONE_CLIP = {'test_dataloader.dataset.pipeline.2.num_clips': 1}


@pytest.fixture(scope='module')
def main():
    return load_tool('visualize_features').main


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    """Ten classes, two test clips of each."""
    return write_model(tmp_path_factory.mktemp('model'), **ONE_CLIP)


def rows_of(path):
    with open(path, newline='', encoding='utf-8') as stream:
        return list(csv.DictReader(stream))


def test_the_command_writes_figure_and_points(model, tmp_path):
    picture, points = tmp_path / 'new/tsne.svg', tmp_path / 'new/tsne.csv'
    done = run_forked(
        CONFIGS.parent / 'tools/visualize_features.py', *model, '-o', picture,
        '--csv', points, '--title', 'synthetic clips')
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f'wrote {picture}', f'wrote {points}']
    texts = picture.read_text()
    assert 'synthetic clips' in texts and 'perplexity 6.33, seed 0' in texts
    for name in CLASSES:
        assert f'{name} (2)' in texts
    rows = rows_of(points)
    assert len({(row['x'], row['y']) for row in rows}) == 20
    for index, row in enumerate(rows):
        clip = make_clip(index, split='val')
        assert row['clip'] == clip['frame_dir']
        assert int(row['label']) == clip['label']
        assert row['class'] == CLASSES[clip['label']]


def test_a_seed_gives_the_same_files(main, model, tmp_path):
    for name, seed in (('a', '1'), ('b', '1'), ('c', '2')):
        main([*model, '-o', str(tmp_path / f'{name}.svg'), '--csv',
              str(tmp_path / f'{name}.csv'), '--seed', seed, '--max-clips',
              '14', '--level', 'part'])
    for kind in ('svg', 'csv'):
        first, second, third = (
            (tmp_path / f'{name}.{kind}').read_bytes() for name in 'abc')
        assert first == second != third
    assert len(rows_of(tmp_path / 'a.csv')) == 14


def test_chosen_classes_of_the_other_split(main, model, tmp_path):
    main([*model, '-o', str(tmp_path / 'a.png'), '--csv',
          str(tmp_path / 'a.csv'), '--split', 'val', '--classes', 'kick', '0',
          '--max-clips', '12', '--perplexity', '4'])
    rows = rows_of(tmp_path / 'a.csv')
    assert len(rows) == 12
    assert {row['class'] for row in rows} == {'kick', CLASSES[0]}
    assert (tmp_path / 'a.png').read_bytes().startswith(b'\x89PNG')


def test_an_annotation_file_and_numbers_for_names(main, tmp_path):
    """For a checkpoint and a dataset without class names."""
    data = write_ntu(tmp_path / 'ntu.pkl', num_clips=60, num_classes=6)
    cfg = small_config('psp_ntu60_xsub_5p.py', data, tmp_path,
                       **ONE_CLIP)
    cfg.test_dataloader.dataset.pop('metainfo', None)
    cfg.dump(str(tmp_path / 'config.py'))
    checkpoint = write_checkpoint(cfg, tmp_path / 'tiny.pth', classes=None)
    arguments = [str(tmp_path / 'config.py'), checkpoint, '-o',
                 str(tmp_path / 'a.svg'), '--classes', '0', '2', '5']
    main(arguments)
    texts = (tmp_path / 'a.svg').read_text()
    assert 'class 2 (3)' in texts or 'class 2 (4)' in texts
    # Without --classes it draws those with clips, six of sixty.
    main([*arguments[:4], '--csv', str(tmp_path / 'a.csv')])
    assert {row['class'] for row in rows_of(tmp_path / 'a.csv')} == {
        f'class {label}' for label in range(6)}
    with pytest.raises(SystemExit) as stop:
        main([*arguments, '7'])
    assert stop.value.code == ('the dataset has no clip of class 7: choose '
                               'other classes.')
    with pytest.raises(SystemExit) as stop:
        main([*arguments, '--cfg-options',
              'test_dataloader.dataset.pipeline.0.zaxis=[0,99]'])
    error = stop.value.code
    assert error.startswith("clip 'S001C001P001R001A") and '\n' not in error
    assert 'does not pass the pipeline' in error and error.endswith('.')
    with pytest.raises(SystemExit, match='annotation file absent.pkl does not '
                                         'exist'):
        main([*arguments, '--cfg-options',
              'test_dataloader.dataset.ann_file=absent.pkl'])


def test_labels_beyond_the_model_raise(main, tmp_path):
    data = write_ntu(tmp_path / 'ntu.pkl', num_clips=60, num_classes=6)
    cfg = small_config('psp_ntu60_xsub_5p.py', data, tmp_path,
                       **ONE_CLIP)
    cfg.model.cls_head.num_classes = 4
    cfg.dump(str(tmp_path / 'config.py'))
    checkpoint = write_checkpoint(cfg, tmp_path / 'tiny.pth', classes=None)
    with pytest.raises(SystemExit, match='clips of class [45], but the model '
                                         'has only classes 0 to 3'):
        main([str(tmp_path / 'config.py'), checkpoint, '-o', 'a.png'])


@pytest.mark.parametrize('options, message', [
    (['-o', 'a.pdf'], 'a.pdf is neither .png nor .svg'),
    (['--classes', 'swim'], "there is no class 'swim': give numbers from 0 to "
                            '9 or names, which are wave, throw'),
    (['--classes', '1', '2'], 't-SNE of 4 clips is not meaningful'),
    (['--max-clips', '9'], 't-SNE of 9 clips is not meaningful'),
    (['--max-clips', '0'], 'max_clips must be at least 1, not 0'),
    (['--perplexity', '20'], 'perplexity must be from 1 to less than 20'),
    (['--dpi', '-1'], '--dpi must be positive, not -1.0'),
    (['--cfg-options', 'test_dataloader=None'], 'has no test_dataloader'),
])
def test_wrong_arguments_are_one_sentence(main, model, tmp_path, options,
                                          message):
    with pytest.raises(SystemExit) as stop:
        main([*model, '-o', str(tmp_path / 'a.png'), *options])
    printed = str(stop.value.code)
    assert message in printed and '\n' not in printed and printed.endswith('.')
    assert not list(tmp_path.iterdir())


def test_a_model_without_projector_raises(main, tmp_path):
    cfg = tiny_config('supervised_synthetic_5p.py', **ONE_CLIP)
    cfg.dump(str(tmp_path / 'config.py'))
    checkpoint = write_checkpoint(cfg, tmp_path / 'tiny.pth')
    with pytest.raises(SystemExit, match='has no projector'):
        main([str(tmp_path / 'config.py'), checkpoint, '-o', 'a.png',
              '--level', 'body'])
