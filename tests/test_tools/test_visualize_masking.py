"""The masking tool: files, frames and invalid input."""
from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from PIL import Image
from tiny import write_model
from toy import CONFIGS, load_tool, write_ntu

from psp_plugin.datasets.synthetic import make_clip

FRAMES = 8


@pytest.fixture(scope='module')
def main():
    return load_tool('visualize_masking').main


def write_pretrained(folder, method):
    """A small config of synthetic skeletons and untrained weights."""
    cfg = Config.fromfile(
        str(CONFIGS / f'pretrain/{method}_nwucla_xview_small.py'))
    cfg.model.backbone.update(layout='nturgb+d', num_frames=FRAMES, depth=1)
    cfg.model.decoder.depth = 1
    if method == 'hacm':
        cfg.model.backbone.tokens = 'outer'
    for transform in cfg.test_dataloader.dataset.pipeline:
        if 'num_frames' in transform:
            transform.num_frames = FRAMES
    cfg.dump(str(folder / f'{method}.py'))
    torch.manual_seed(0)
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()),
               folder / f'{method}.pth')
    return str(folder / f'{method}.py'), str(folder / f'{method}.pth')


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return write_pretrained(tmp_path_factory.mktemp('model'), 'hacm')


@pytest.fixture
def clip(tmp_path):
    np.save(tmp_path / 'someone.npy', make_clip(3, split='val')['keypoint'])
    return str(tmp_path / 'someone.npy')


def test_the_command_writes_both_formats(main, model, clip, tmp_path, capsys):
    folder = tmp_path / 'new/pictures'
    main([*model, clip, '-o', str(folder), '--format', 'gif', 'png', '--fps',
          '10'])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(': loss_rec ')[0] for line in lines] == [
        f'wrote {folder}/someone.gif', f'wrote {folder}/someone.png']
    assert 0 < float(lines[0].split()[-1]) < 10
    with Image.open(folder / 'someone.gif') as image:
        assert image.n_frames == FRAMES and image.size == (960, 520)
        assert image.info['duration'] == 100
        frames = []
        for index in range(FRAMES):
            image.seek(index)
            frames.append(np.asarray(image.convert('RGB'), int))
    assert all(np.abs(a - b).any() for a, b in zip(frames, frames[1:]))
    with Image.open(folder / 'someone.png') as image:
        still = np.asarray(image.convert('RGB'), int)
    # The palette of the GIF stays close to one of its frames.
    apart = [np.abs(still - frame).mean() for frame in frames]
    assert min(apart) < 1 < sorted(apart)[1]


def test_the_seed_determines_the_mask(main, model, clip, tmp_path):
    pictures = []
    for seed, name in (('0', 'a'), ('0', 'b'), ('1', 'c')):
        main([*model, clip, clip, '-o', str(tmp_path / name), '--seed', seed,
              '--format', 'png', '--frame', '3'])
        stems = sorted(path.name for path in (tmp_path / name).iterdir())
        assert stems == ['someone.png', 'someone_1.png']
        pictures += [(tmp_path / name / stem).read_bytes() for stem in stems]
    assert len(set(pictures[:4])) == 1 and pictures[4] not in pictures[:4]


def test_mamp_and_a_clip_of_a_pickle(main, tmp_path):
    path = write_ntu(tmp_path / 'ntu.pkl', 2)
    main([*write_pretrained(tmp_path, 'mamp'),
          f'{path}#S001C001P001R001A001', '-o', str(tmp_path), '--format',
          'png'])
    assert (tmp_path / 'S001C001P001R001A001.png').exists()


@pytest.mark.parametrize('clips, options, message', [
    (['absent.npy'], [], 'absent.npy does not exist'),
    (['{tmp}/wrong.npy'], [], 'wrong.npy has 17 joints, but the model expects '
                              '25'),
    (['{tmp}/empty.npy'], [], 'empty.npy has only zeros'),
    # Normalisation moves the common position of all joints to the origin.
    (['{tmp}/point.npy'], [], 'point.npy: the clip has no person: all '),
    ([], ['--frame', '9', '--format', 'png'],
     'there is no frame 9: clips of the model have frames 1 to 8'),
    ([], ['--fps', '0'], '--fps must be positive, not 0.0'),
    ([], ['--device', 'gpu'], "device 'gpu' cannot be used"),
    ([], ['-o', __file__], __file__),
    ([], ['--cfg-options', 'model.backbone.depth=2'], 'does not fit the '
                                                      'config'),
    ([], ['--cfg-options', 'test_dataloader=None'], 'has no pipeline'),
])
def test_wrong_arguments_are_one_sentence(main, model, clip, tmp_path, clips,
                                          options, message):
    np.save(tmp_path / 'wrong.npy', np.ones((1, 9, 17, 3)))
    np.save(tmp_path / 'empty.npy', np.zeros((1, 9, 25, 3)))
    np.save(tmp_path / 'point.npy', np.ones((1, 9, 25, 3)))
    clips = [path.format(tmp=tmp_path) for path in clips] or [clip]
    with pytest.raises(SystemExit) as stop:
        main([*model, *clips, '-o', str(tmp_path / 'out'), *options])
    printed = str(stop.value.code)
    assert message in printed and '\n' not in printed and printed.endswith('.')
    assert not Path(tmp_path / 'out').exists()


def test_a_model_that_masks_nothing_raises(main, clip, tmp_path):
    with pytest.raises(SystemExit, match='has a PSPRecognizer, which masks '
                                         'nothing: use a config of masked'):
        main([*write_model(tmp_path), clip, '-o', str(tmp_path / 'out')])


def test_other_formats_raise(main, model, clip, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([*model, clip, '-o', str(tmp_path), '--format', 'mp4'])
    assert "invalid choice: 'mp4'" in capsys.readouterr().err
