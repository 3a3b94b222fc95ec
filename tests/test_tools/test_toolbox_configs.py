"""The configs of docs/guides/toolbox.md, trained on top of a small one."""
import math
import pickle
import re
from pathlib import Path

import pytest
import torch
from mmaction.registry import MODELS
from page import CONFIGS, logs, newest, run, working_in

LOSSES = ('loss_cls', 'loss_con_body', 'loss_con_part', 'loss_con_joint')


@pytest.fixture(autouse=True)
def folder(tmp_path):
    with working_in(tmp_path):
        yield


def write(name: str) -> str:
    text, count = re.subn("(?m)^_base_ = 'psp_synthetic_5p.py'$",
                          "_base_ = 'config.py'", CONFIGS[name])
    assert count == 1
    Path(f'{name}.py').write_text(text)
    return f'{name}.py'


def train(config: str, options: str = 'train_cfg.max_epochs=1',
          more: str = '') -> str:
    return run(f'python tools/train.py {config} --seed 0 {more} --cfg-options '
               + options)


def test_tensorboard():
    from tensorboard.backend.event_processing.event_accumulator import (
        EventAccumulator,
    )
    train(write('tensorboard'))
    (log, ) = logs('tensorboard')
    folder = newest('work_dirs/tensorboard/*/vis_data')
    board = EventAccumulator(str(folder)).Reload()
    for key in ('loss', *LOSSES):
        drawn = [event.value for event in board.Scalars(key)]
        assert drawn == pytest.approx([line[key] for line in log])
    assert len(board.Scalars('acc/top1')) == 1


def test_moving_average():
    config = write('ema')
    train(config)
    run(f'python tools/train.py {config} --resume')
    first, resumed = logs('ema')
    checkpoint = 'work_dirs/ema/epoch_2.pth'
    state = torch.load(checkpoint)
    average, newest_weights = state['state_dict'], state['ema_state_dict']
    assert newest_weights['steps'] == len(first) + len(resumed)
    key = 'cls_head.fc.weight'
    assert not torch.equal(average[key], newest_weights[f'module.{key}'])
    scores = []
    for name in (config, 'config.py'):  # with the hook, and without it
        run(f'python tools/test.py {name} {checkpoint} --dump {name}.pkl')
        with open(f'{name}.pkl', 'rb') as stream:
            scores.append([s['pred_score'] for s in pickle.load(stream)])
    torch.testing.assert_close(*scores, rtol=0, atol=0)


def test_iterations():
    """The log, and a run that is stopped halfway and resumed."""
    config = write('iterations')
    options = ('train_cfg.max_iters={} train_cfg.val_interval=4 '
               'default_hooks.checkpoint.interval=4 param_scheduler.0.end=4')
    output = train(config, options.format(8), '--work-dir work_dirs/full')
    assert re.search(r'Iter\(train\) \[8/8\].* loss_con_joint: ', output)
    assert output.count('acc/top1: ') == 2
    train(config, options.format(4), '--work-dir work_dirs/parts')
    train(config, options.format(8), '--work-dir work_dirs/parts --resume')
    (full, ), (first, rest) = logs('full'), logs('parts')
    assert [line['iter'] for line in full] == list(range(1, 9))
    assert 'epoch' not in full[0]
    for line in full + first + rest:
        del line['time'], line['data_time']
    assert first + rest == full


def test_mixed_precision_on_a_cpu(monkeypatch):
    """MMEngine's AMP wrapper, with a mocked GPU, trains our model."""
    half = torch.float16 if torch.cuda.is_available() else torch.bfloat16
    monkeypatch.setattr(
        'mmengine.optim.optimizer.amp_optimizer_wrapper.is_cuda_available',
        lambda: True)
    seen = set()

    def note(module, inputs, output):
        if isinstance(module, MODELS.get('DSTANet')):
            seen.add((module.training, output.dtype))

    handle = torch.nn.modules.module.register_module_forward_hook(note)
    train('config.py', more='--amp --work-dir work_dirs/amp')
    handle.remove()
    assert seen == {(True, half), (False, torch.float32)}
    train('config.py', more='--work-dir work_dirs/plain')
    (amp, ), (plain, ) = logs('amp'), logs('plain')
    for key in LOSSES:
        assert amp[0][key] == pytest.approx(plain[0][key], rel=.02)
        assert amp[0][key] != plain[0][key]
    assert all(math.isfinite(line['loss']) for line in amp)
