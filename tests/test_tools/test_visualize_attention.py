"""The attention tool: files, titles and invalid input."""
import json
from pathlib import Path

import numpy as np
import pytest
from forked import run_forked
from PIL import Image
from tiny import tiny_config, write_checkpoint, write_model
from toy import CONFIGS, load_tool

from psp_plugin.apis import SkeletonInferencer
from psp_plugin.datasets.synthetic import make_clip


@pytest.fixture(scope='module')
def main():
    return load_tool('visualize_attention').main


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp('model'),
                       **{'test_dataloader.dataset.pipeline.2.num_clips': 1})


@pytest.fixture
def clip(tmp_path):
    np.save(tmp_path / 'someone.npy', make_clip(3, split='val')['keypoint'])
    return str(tmp_path / 'someone.npy')


def svg_texts(path):
    """The texts of a picture: matplotlib writes each in a comment."""
    return [part.split('-->')[0].strip()
            for part in path.read_text().split('<!--')[1:]]


def test_the_command_writes_both_formats(model, clip, tmp_path):
    folder = tmp_path / 'new/pictures'
    done = run_forked(
        CONFIGS.parent / 'tools/visualize_attention.py', *model, clip, '-o',
        folder, '--format', 'png', 'svg', '--dpi', 50, '--frame', 2,
        '--stream', 'motion')
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f'wrote {folder}/someone.png', f'wrote {folder}/someone.svg']
    with Image.open(folder / 'someone.png') as image:
        assert image.size == (650, 245)
    texts = svg_texts(folder / 'someone.svg')
    (_, best, score), = SkeletonInferencer(*model)(clip, top_k=1)[0]['top']
    assert f'someone: predicted {best} ({score:.2f})' in texts
    frames = np.load(clip).shape[1]
    assert f'Frame 2 of {frames}' in texts
    assert {'left arm', 'right hand', 'right thumb 24',
            'importance of the joint'} <= set(texts)


def test_the_same_clip_is_the_same_file(main, model, clip, tmp_path):
    other = tmp_path / 'other'
    other.mkdir()
    (other / 'someone.json').write_text(json.dumps(np.load(clip).tolist()))
    main([*model, clip, clip, str(other / 'someone.json'), '-o',
          str(tmp_path / 'out'), '--format', 'svg'])
    pictures = sorted((tmp_path / 'out').iterdir())
    assert [path.name for path in pictures] == [
        'someone.svg', 'someone_1.svg', 'someone_2.svg']
    assert pictures[0].read_bytes() == pictures[1].read_bytes()


def test_streams_and_names_make_a_difference(main, model, clip, tmp_path):
    names = tmp_path / 'names.txt'
    names.write_text('\n'.join(f'Aktion {i}' for i in range(10)))
    pictures = []
    for stream in ('joint', 'motion'):
        main([*model, clip, '-o', str(tmp_path / stream), '--stream', stream,
              '--format', 'svg', '--classes', str(names)])
        pictures.append(tmp_path / stream / 'someone.svg')
        assert 'predicted Aktion' in pictures[-1].read_text()
    first, second = (
        path.read_text().split('<image')[1].split('/>')[0]
        for path in pictures)
    assert first != second


@pytest.mark.parametrize('clips, options, message', [
    (['absent.npy'], [], 'absent.npy does not exist'),
    (['{tmp}/wrong.npy'], [], 'wrong.npy has 17 joints, but the model expects '
                              '25'),
    ([], ['--frame', '0'], 'there is no frame 0: the clip has frames 1 to'),
    ([], ['--dpi', '0'], '--dpi must be positive, not 0.0'),
    ([], ['--device', 'gpu'], "device 'gpu' cannot be used"),
    ([], ['-o', __file__], __file__),
])
def test_wrong_arguments_are_one_sentence(main, model, clip, tmp_path, clips,
                                          options, message):
    np.save(tmp_path / 'wrong.npy', np.ones((1, 9, 17, 3)))
    clips = [path.format(tmp=tmp_path) for path in clips] or [clip]
    with pytest.raises(SystemExit) as stop:
        main([*model, *clips, '-o', str(tmp_path / 'out'), *options])
    printed = str(stop.value.code)
    assert message in printed and '\n' not in printed and printed.endswith('.')
    assert not Path(tmp_path / 'out').exists()


def test_a_model_without_attention_raises(main, clip, tmp_path):
    cfg = tiny_config('supervised_synthetic_5p.py')
    cfg.dump(str(tmp_path / 'config.py'))
    checkpoint = write_checkpoint(cfg, tmp_path / 'tiny.pth')
    with pytest.raises(SystemExit, match='has no neck, thus no attention'):
        main([str(tmp_path / 'config.py'), checkpoint, clip, '-o', 'out'])
