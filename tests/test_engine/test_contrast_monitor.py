"""Diagnostics in the log, a warning at chance, and an unchanged training."""
import json
import math
import random

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from toy import small_config

from psp_plugin.engine.hooks import ContrastMonitorHook, contrast_monitor
from psp_plugin.engine.hooks.contrast_monitor import warm_up_of
from psp_plugin.errors import InputError

LEVELS = ('body', 'part', 'joint')
NAMES = {f'{name}_{level}' for level in LEVELS for name in (
    'alignment', 'uniformity', 'effective_rank', 'saturation')}


def run(work_dir, monitor, name='psp_synthetic_5p.py', epochs=2,
        collapse=False, resume=False, hooks=(), **options):
    """Trains a small model with these arguments of the monitor, or without."""
    cfg = small_config(name, '', work_dir, epochs, **options)
    labeled = cfg.train_dataloader.dataset
    labeled.dataset.dataset.num_clips = 40
    labeled.times = 2
    cfg.train_dataloader.batch_size = 10
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.default_hooks.checkpoint.update(interval=1, save_best=None)
    cfg.param_scheduler = []
    cfg.default_hooks.contrast = monitor and dict(
        type='ContrastMonitorHook', **monitor)
    if not monitor:
        cfg.default_hooks.pop('contrast')
    cfg.resume = resume
    runner = Runner.from_cfg(cfg)
    for hook in ([Collapse()] if collapse else []) + list(hooks):
        runner.register_hook(hook)
    runner.train()
    return runner


class Collapse(Hook):
    """Makes all features identical."""

    def before_train(self, runner):
        for param in runner.model.projector.parameters():
            param.requires_grad_(False)
        torch.nn.init.zeros_(runner.model.projector.mlp[2].weight)
        torch.nn.init.ones_(runner.model.projector.mlp[2].bias)


class Recorder(Hook):
    """Records losses and random states, before ExactResumeHook seeds."""

    priority = 'LOW'

    def before_run(self, runner):
        self.seen = []

    def after_train_iter(self, runner, batch_idx, data_batch, outputs):
        losses = {name: float(value) for name, value in outputs.items()}
        self.seen.append((losses, torch.get_rng_state().tolist(),
                          str(np.random.get_state()), random.getstate()))


class ChangeBatch(Hook):
    """Changes the unlabelled half of the last batch of an epoch, or of all.

    Args:
        change (Callable): Changes inputs and data samples in place.
        last (int): Index of the batch. Defaults to all.
    """

    priority = 'LOW'  # after InterleaveHook

    def __init__(self, change, last=None):
        self.change = change
        self.last = last

    def before_train_iter(self, runner, batch_idx, data_batch):
        if self.last in (None, batch_idx):
            self.change(*(data_batch[key]['unlabeled']
                          for key in ('inputs', 'data_samples')))


def shorten(inputs, samples):
    del inputs[2:], samples[2:]


def set_nan(inputs, samples):
    inputs[0].fill_(math.nan)


def agree(inputs, samples):
    """Replaces motion by the joints' coordinates: positives are equal."""
    for x in inputs:
        x[..., 3:] = x[..., :3]


class Scale(Hook):
    """Multiplies losses by 0.98."""

    def before_train(self, runner):
        runner.model.loss_con.register_forward_hook(
            lambda module, args, losses: {
                name: .98 * loss for name, loss in losses.items()})


def log_of(folder):
    log, = folder.glob('*/*.log')
    return log.read_text()


@pytest.fixture(scope='module')
def healthy(tmp_path_factory):
    folder = tmp_path_factory.mktemp('healthy')
    recorder = Recorder()
    runner = run(folder, dict(interval=2), hooks=[recorder], **{
        'vis_backends': [dict(type='TensorboardVisBackend')],
        'visualizer.vis_backends': [dict(type='LocalVisBackend'),
                                    dict(type='TensorboardVisBackend')]})
    return folder, runner, recorder


def test_diagnostics_are_in_the_log(healthy):
    folder, runner, _ = healthy
    lines = [json.loads(line) for path in folder.glob('*/vis_data/*.json')
             for line in path.read_text().splitlines()]
    logged = [line for line in lines if 'loss' in line]
    assert set(logged[-1]) >= NAMES
    assert 0 <= logged[-1]['saturation_joint'] <= 1
    assert 1 <= logged[-1]['effective_rank_body'] <= 8
    assert logged[-1]['chance'] == pytest.approx(math.log(2 * 4 - 1), abs=1e-3)
    history, _ = runner.message_hub.get_scalar('train/alignment_part').data
    assert len(history) == 4  # every second iteration, the last of an epoch


def test_diagnostics_are_in_tensorboard(healthy):
    from tensorboard.backend.event_processing.event_accumulator import (
        EventAccumulator,
    )
    path, = healthy[0].glob('*/vis_data/events*')
    events = EventAccumulator(str(path))
    events.Reload()
    assert set(events.Tags()['scalars']) >= NAMES


def test_hooks_are_removed_after_training(healthy):
    for module in (healthy[1].model.loss_con, healthy[1].model.neck):
        assert not module._forward_hooks


def test_training_is_bit_equal_without_the_hook(healthy, tmp_path):
    recorder = Recorder()
    plain = run(tmp_path, None, hooks=[recorder])
    assert len(recorder.seen) == 8
    for ours, theirs in zip(healthy[2].seen, recorder.seen):
        assert ours == theirs
    for (name, ours), theirs in zip(healthy[1].model.state_dict().items(),
                                    plain.model.state_dict().values()):
        assert torch.equal(ours, theirs), name
    assert not NAMES & {name.split('/')[-1]
                        for name in plain.message_hub.log_scalars}


def test_collapsed_contrast_warns(tmp_path):
    run(tmp_path, dict(warm_up=0), collapse=True,
        **{'model.stream_norm': None})
    warnings = [line for line in log_of(tmp_path).splitlines()
                if 'learns nothing' in line]
    chance = math.log(2 * 4 - 1)
    assert len(warnings) == 2  # once per epoch
    assert 'WARNING' in warnings[0]
    assert (f'loss_con_body was {chance:.3f} on average over the last 4 '
            f'iterations, which is chance ({chance:.3f})') in warnings[0]
    assert "model.stream_norm=dict(type='StreamNorm')" in warnings[0]


@pytest.mark.parametrize('warm_up, iteration', [(0, 4), (3, 7)])
def test_action_stop_raises(tmp_path, warm_up, iteration):
    with pytest.raises(InputError, match=f'iteration {iteration}: '
                                         'loss_con') as error:
        run(tmp_path, dict(action='stop', warm_up=warm_up), epochs=4,
            collapse=True)
    assert 'stream_norm' not in str(error.value)  # the config has it


def test_resumed_run_uses_the_same_window(tmp_path):
    """The first process ends between two checks."""
    monitor = dict(action='stop', warm_up=0, patience=6)
    run(tmp_path, monitor, epochs=1, collapse=True)
    with pytest.raises(InputError, match='iteration 6: .* the last 6 iter'):
        run(tmp_path, monitor, epochs=2, collapse=True, resume=True)


@pytest.mark.parametrize('hooks', [
    [Scale()], [Scale(), ChangeBatch(shorten, last=3)]],
    ids=['equal batches', 'small last batch'])
def test_losses_beyond_1_percent_do_not_raise(tmp_path, hooks):
    """Losses of 0.98 times chance have not collapsed."""
    run(tmp_path, dict(action='stop', warm_up=0), epochs=1, collapse=True,
        hooks=hooks)


def test_chance_of_a_small_last_batch(tmp_path):
    chance = (3 * math.log(2 * 4 - 1) + math.log(2 * 2 - 1)) / 4
    with pytest.raises(InputError, match=rf'was {chance:.3f} on average .* '
                                         rf'is chance \({chance:.3f}\)'):
        run(tmp_path, dict(action='stop', warm_up=0), epochs=1, collapse=True,
            hooks=[ChangeBatch(shorten, last=3)])


def test_chance_of_gathered_clips(tmp_path, monkeypatch):
    monkeypatch.setattr(contrast_monitor, 'get_world_size', lambda: 3)
    for gather, clips in ((False, 4), (True, 4 * 3)):
        runner = run(tmp_path / str(gather), dict(warm_up=4), epochs=1, **{
            'model.loss_con.gather': gather})
        history, _ = runner.message_hub.get_scalar('train/chance').data
        assert history == pytest.approx(4 * [math.log(2 * clips - 1)])


def test_healthy_contrast_does_not_raise(tmp_path):
    runner = run(tmp_path, dict(action='stop', warm_up=4),
                 hooks=[ChangeBatch(agree)],
                 **{'optim_wrapper.optimizer.lr': 1e-3,
                    'custom_hooks.0.unlabeled_dataloader.batch_size': 8})
    for level in LEVELS:
        history, _ = runner.message_hub.get_scalar(
            f'train/loss_con_{level}').data
        assert history[4:].mean() < .9 * math.log(2 * 8 - 1)


def test_nan_clips_raise_the_same_error(tmp_path):
    """The hook must not fail before StopOnNonFiniteHook names the clips."""
    with pytest.raises(FloatingPointError, match='iteration 2: .* NaN or '
                                                 'infinite coordinates'):
        run(tmp_path, dict(interval=1), epochs=1,
            hooks=[ChangeBatch(set_nan, last=1)])


def test_compiled_and_in_bfloat16(tmp_path):
    runner = run(tmp_path, dict(interval=1), epochs=1, **{
        'optim_wrapper.type': 'BFloat16OptimWrapper',
        'default_hooks.compile': dict(
            type='CompileHook', modules=['neck', 'loss_con'],
            backend='eager')})
    for name in NAMES:
        history, _ = runner.message_hub.get_scalar(f'train/{name}').data
        assert len(history) == 4 and np.isfinite(history).all()


@pytest.mark.parametrize('name, gone', [
    ('supervised_synthetic_5p.py', NAMES),
    ('psp_synthetic_5p.py', {x for x in NAMES if 'saturation' in x})])
def test_missing_parts_are_not_measured(tmp_path, name, gone):
    options = {} if name.startswith('supervised') else {
        'model.neck': dict(_delete_=True, type='PyramidPooling',
                           in_channels=16, layout='nturgb+d')}
    runner = run(tmp_path, dict(interval=1), name, epochs=1, **options)
    logged = {key.split('/')[-1] for key in runner.message_hub.log_scalars}
    assert not gone & logged and NAMES - gone <= logged
    assert ('measures nothing: PSPRecognizer has no loss_con'
            in log_of(tmp_path)) == (gone == NAMES)


def test_level_of_weight_0_is_not_measured(tmp_path):
    runner = run(tmp_path, dict(interval=1), epochs=1, **{
        'model.loss_con.level_weights': dict(joint=1.)})
    logged = {key.split('/')[-1] for key in runner.message_hub.log_scalars}
    assert NAMES & logged == {name for name in NAMES if 'joint' in name}


def test_warm_up_of_the_schedulers(tmp_path):
    cfg = small_config('psp_synthetic_5p.py', '', tmp_path)
    cfg.train_dataloader.dataset.dataset.dataset.num_clips = 40
    runner = Runner.from_cfg(cfg)
    runner.train_loop  # noqa: B018, builds the loader
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    length = len(runner.train_dataloader)
    for scheduler, end in ((dict(type='LinearLR', start_factor=.01, end=2,
                                 convert_to_iter_based=True), 2 * length),
                           (dict(type='ConstantLR', factor=.2, end=3),
                            3 * length),
                           (dict(type='LinearLR', start_factor=.01, end=7,
                                 by_epoch=False), 7),
                           (dict(type='MultiStepLR', milestones=[1]), 0)):
        runner.param_schedulers = runner.build_param_scheduler([scheduler])
        assert warm_up_of(runner, length) == end


@pytest.mark.parametrize('arguments, sentence', [
    (dict(action='shout'), "action must be 'warn' or 'stop', not 'shout'"),
    (dict(interval=0), 'interval must be at least 1, not 0'),
    (dict(patience=0), 'patience must be at least 1, not 0'),
    (dict(warm_up=-1), 'warm_up must be at least 0, not -1')])
def test_wrong_arguments(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        ContrastMonitorHook(**arguments)
