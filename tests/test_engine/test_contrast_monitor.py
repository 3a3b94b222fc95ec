"""Diagnostics in the log, a warning at chance, and a training left alone."""
import json
import math

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from toy import small_config

from psp_plugin.engine.hooks import ContrastMonitorHook
from psp_plugin.engine.hooks.contrast_monitor import warm_up_of
from psp_plugin.errors import InputError

LEVELS = ('body', 'part', 'joint')
NAMES = {f'{name}_{level}' for level in LEVELS for name in (
    'alignment', 'uniformity', 'effective_rank', 'saturation')}


def run(work_dir, monitor, name='psp_synthetic_5p.py', epochs=2,
        collapse=False, resume=False, hooks=(), **options):
    """A small training with the monitor of these arguments, or without."""
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
    """Makes all features one point."""

    def before_train(self, runner):
        for param in runner.model.projector.parameters():
            param.requires_grad_(False)
        torch.nn.init.zeros_(runner.model.projector.mlp[2].weight)
        torch.nn.init.ones_(runner.model.projector.mlp[2].bias)


@pytest.fixture(scope='module')
def healthy(tmp_path_factory):
    folder = tmp_path_factory.mktemp('healthy')
    runner = run(folder, dict(interval=2), **{
        'vis_backends': [dict(type='TensorboardVisBackend')],
        'visualizer.vis_backends': [dict(type='LocalVisBackend'),
                                    dict(type='TensorboardVisBackend')]})
    return folder, runner


def test_numbers_are_in_the_log(healthy):
    folder, runner = healthy
    lines = [json.loads(line) for path in folder.glob('*/vis_data/*.json')
             for line in path.read_text().splitlines()]
    logged = [line for line in lines if 'loss' in line]
    assert set(logged[-1]) >= NAMES
    assert 0 <= logged[-1]['saturation_joint'] <= 1
    assert 1 <= logged[-1]['effective_rank_body'] <= 8
    history, _ = runner.message_hub.get_scalar('train/alignment_part').data
    assert len(history) == 4  # every second iteration, the last of an epoch


def test_numbers_are_in_tensorboard(healthy):
    from tensorboard.backend.event_processing.event_accumulator import (
        EventAccumulator,
    )
    path, = healthy[0].glob('*/vis_data/events*')
    events = EventAccumulator(str(path))
    events.Reload()
    assert set(events.Tags()['scalars']) >= NAMES


def test_nothing_is_left_in_the_model(healthy):
    for module in (healthy[1].model.loss_con, healthy[1].model.neck):
        assert not module._forward_hooks


def test_training_is_bit_equal_without_it(healthy, tmp_path):
    plain = run(tmp_path, None)
    for (name, ours), theirs in zip(healthy[1].model.state_dict().items(),
                                    plain.model.state_dict().values()):
        assert torch.equal(ours, theirs), name
    assert not NAMES & {name.split('/')[-1]
                        for name in plain.message_hub.log_scalars}


def test_a_collapsed_contrast_is_told(tmp_path):
    run(tmp_path, dict(warm_up=0), collapse=True)
    log, = tmp_path.glob('*/*.log')
    told = [line for line in log.read_text().splitlines()
            if 'learns nothing' in line]
    chance = math.log(2 * 4 - 1)
    assert len(told) == 2  # once an epoch
    assert 'WARNING' in told[0]
    assert (f'loss_con_body was {chance:.3f} on average over the last 4 '
            f'iterations, which is chance ({chance:.3f})') in told[0]
    assert "model.stream_norm=dict(type='StreamNorm')" in told[0]


@pytest.mark.parametrize('warm_up, iteration', [(0, 4), (3, 7)])
def test_it_stops(tmp_path, warm_up, iteration):
    with pytest.raises(InputError, match=f'iteration {iteration}: loss_con'):
        run(tmp_path, dict(action='stop', warm_up=warm_up), epochs=4,
            collapse=True)


def test_a_resumed_run_judges_alike(tmp_path):
    """The first life ends between two judgements."""
    monitor = dict(action='stop', warm_up=0, patience=6)
    run(tmp_path, monitor, epochs=1, collapse=True)
    with pytest.raises(InputError, match='iteration 6: .* the last 6 iter'):
        run(tmp_path, monitor, epochs=2, collapse=True, resume=True)


def test_within_1_percent(tmp_path):
    """Losses of 0.98 times chance are none that have collapsed."""
    class Scale(Hook):
        def before_train(self, runner):
            runner.model.loss_con.register_forward_hook(
                lambda module, args, losses: {
                    name: .98 * loss for name, loss in losses.items()})

    monitor = dict(action='stop', warm_up=0)
    run(tmp_path, monitor, collapse=True, hooks=[Scale()])


@pytest.mark.parametrize('name, gone', [
    ('supervised_synthetic_5p.py', NAMES),
    ('psp_synthetic_5p.py', {x for x in NAMES if 'saturation' in x})])
def test_what_is_not_there_is_not_measured(tmp_path, name, gone):
    options = {} if name.startswith('supervised') else {
        'model.neck': dict(_delete_=True, type='PyramidPooling',
                           in_channels=16, layout='nturgb+d')}
    runner = run(tmp_path, dict(interval=1), name, epochs=1, **options)
    logged = {key.split('/')[-1] for key in runner.message_hub.log_scalars}
    assert not gone & logged and NAMES - gone <= logged


def test_level_of_weight_0_is_not_measured(tmp_path):
    runner = run(tmp_path, dict(interval=1), epochs=1, **{
        'model.loss_con.level_weights': dict(joint=1.)})
    logged = {key.split('/')[-1] for key in runner.message_hub.log_scalars}
    assert 'alignment_joint' in logged and 'alignment_body' not in logged


def test_warm_up_is_that_of_the_schedulers(tmp_path):
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
