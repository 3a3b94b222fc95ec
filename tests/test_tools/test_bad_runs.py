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
def end(tmp_path, monkeypatch):
    """Runs a tool in this process; gives what it ends with."""

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


@pytest.mark.parametrize('clip, says', [
    (dict(label=-1), 'has label -1'),
    (dict(label=7), 'has label 7, but there are 6 classes'),
    (dict(total_frames=1), 'has total_frames 1'),
])
def test_invalid_clips_end_the_training_in_a_sentence(end, clip, says):
    assert says in end(clip=clip, **{'model.cls_head.num_classes': 6})


def test_a_clip_that_fails_in_training(end):
    told = end(**{'train_dataloader.dataset.dataset.dataset.pipeline.0.zaxis':
                  (0, 99)})
    assert "clip 'S001" in told and 'does not pass the pipeline' in told


def test_bad_split(end):
    told = end(**{'train_dataloader.dataset.dataset.labeled_per_class': 99})
    assert 'fewer than the 99 to be labelled per class' in told


def test_no_config(monkeypatch):
    monkeypatch.setenv('LOCAL_RANK', '0')
    monkeypatch.setattr(sys, 'argv', ['train', 'none.py'])
    with pytest.raises(SystemExit, match='^none.py: .*No such file'):
        run_tool('train', USES['train'])


def test_pickle_with_code(end):
    assert 'contains a pathlib.' in end(clip=dict(label=Path('x')))


def test_bad_config(end):
    """Told before anything is built."""
    assert 'built for num_frames=32' in end(**{
        'model.backbone.temporal': 'attention',
        'model.backbone.num_frames': 32})


def test_a_loss_that_is_not_finite_ends_the_training_in_a_sentence(end):
    """With the hooks of the shipped configs."""
    told = end(**{'optim_wrapper.optimizer.lr': 1e30,
                  'param_scheduler': None})
    assert 'the weights were not updated, none was saved yet' in told
    assert 'clips are finite: labelled S001' in told


def test_workers_that_no_checkpoint_can_hold(end):
    told = end(**{'train_dataloader.num_workers': 1,
                  'train_dataloader.persistent_workers': True})
    assert 'set persistent_workers=False there, or remove the hook' in told


def test_amp_of_a_config_in_bfloat16(end):
    told = end(flags=['--amp'],
               **{'optim_wrapper.type': 'BFloat16OptimWrapper'})
    assert 'has BFloat16OptimWrapper: leave --amp out' in told
