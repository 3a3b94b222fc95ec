"""tools/train.py and tools/test.py on bad input: one line, no traceback."""
import pickle
import sys
from pathlib import Path

import pytest
from toy import small_config, write_ntu

from psp_plugin.commands.toolbox import run_tool

USES = dict(train=('train_dataloader', 'custom_hooks', 'val_dataloader'),
            test=('test_dataloader', ))


@pytest.fixture
def fail(tmp_path, monkeypatch):
    """Runs a tool that exits with an error; returns its message."""

    def run(tool='train', clip=None, flags=(), **options):
        path = Path(write_ntu(tmp_path / 'ntu60_3d.pkl'))
        data = pickle.loads(path.read_bytes())
        data['annotations'][4].update(clip or {})
        path.write_bytes(pickle.dumps(data))
        config = tmp_path / 'config.py'
        small_config('psp_ntu60_xsub_5p.py', str(path), tmp_path / 'work',
                     **options).dump(str(config))
        monkeypatch.setenv('LOCAL_RANK', '0')
        monkeypatch.setattr(sys, 'argv', [
            tool, str(config), *(['none.pth'] if tool == 'test' else []),
            *flags])
        with pytest.raises(SystemExit) as error:
            run_tool(tool, USES[tool])
        assert error.value.code.startswith(f'{config}: ')
        assert '\n' not in error.value.code
        return error.value.code

    return run


@pytest.mark.parametrize('clip, sentence', [
    (dict(label=-2), 'has label -2'),
    (dict(label=7), 'has label 7, but there are 6 classes'),
    (dict(total_frames=1), 'has total_frames 1'),
])
def test_invalid_clips_exit_with_one_sentence(fail, clip, sentence):
    assert sentence in fail(clip=clip, **{'model.cls_head.num_classes': 6})


def test_clip_that_fails_in_training(fail):
    text = fail(**{'train_dataloader.dataset.dataset.dataset.pipeline.0.zaxis':
                   (0, 99)})
    assert "clip 'S001" in text and 'does not pass the pipeline' in text


def test_invalid_split(fail):
    text = fail(**{'train_dataloader.dataset.dataset.labeled_per_class': 99})
    assert 'fewer than the 99 to be labelled per class' in text


def test_missing_config(monkeypatch):
    monkeypatch.setenv('LOCAL_RANK', '0')
    monkeypatch.setattr(sys, 'argv', ['train', 'none.py'])
    with pytest.raises(SystemExit, match='^none.py: .*No such file'):
        run_tool('train', USES['train'])


def test_pickle_with_code(fail):
    assert 'contains a pathlib.' in fail(clip=dict(label=Path('x')))


def test_invalid_config(fail):
    """Raised before anything is built."""
    assert 'built for num_frames=32' in fail(**{
        'model.backbone.temporal': 'attention',
        'model.backbone.num_frames': 32})


def test_non_finite_loss_exits_with_one_sentence(fail):
    """With the hooks of the shipped configs."""
    text = fail(**{'optim_wrapper.optimizer.lr': 1e30,
                   'param_scheduler': None})
    assert 'the weights were not updated, none was saved yet' in text
    assert 'clips are finite: labelled S001' in text


def test_persistent_workers_with_resumable_sampling(fail):
    text = fail(**{'train_dataloader.num_workers': 1,
                   'train_dataloader.persistent_workers': True})
    assert 'set persistent_workers=False there, or remove the hook' in text


def test_amp_of_a_config_in_bfloat16(fail):
    text = fail(flags=['--amp'],
                **{'optim_wrapper.type': 'BFloat16OptimWrapper'})
    assert 'has BFloat16OptimWrapper: leave --amp out' in text
