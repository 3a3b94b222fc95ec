"""The hook, then in the unmodified runner."""
import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmaction.registry import HOOKS
from mmengine.hooks import Hook, IterTimerHook
from mmengine.runner import Runner, get_priority
from torch.utils.data import DataLoader
from toy import small_config

from psp_plugin.engine.hooks.interleave import (
    InterleaveHook,
    cycle,
    find_labeled,
)

CONFIG = 'psp_ntu60_xsub_5p.py'
TIMES = ('time', 'data_time', 'eta', 'memory')


class Recorder(Hook):
    """Records the labelled and unlabelled clips of every iteration."""
    priority = 'LOW'

    def __init__(self):
        self.batches = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.batches.append({
            branch: [float(clip.double().sum()) for clip in clips]
            for branch, clips in data_batch['inputs'].items()
        })


def train(cfg, stop_at=None):
    """Trains; returns the recorded batches and the logged scalars."""
    recorder = Recorder()
    runner = Runner.from_cfg(cfg)
    runner.register_hook(recorder)
    runner.train()
    log = Path(runner.log_dir) / 'vis_data/scalars.json'
    scalars = [json.loads(line) for line in log.read_text().splitlines()]
    return recorder.batches, [{
        key: value
        for key, value in line.items() if key not in TIMES
    } for line in scalars]


def test_batch_is_changed_in_place():
    hook = InterleaveHook(dict())
    hook._batches = iter([dict(inputs=[3], data_samples=['c'])])
    batch = same = dict(inputs=[1, 2], data_samples=['a', 'b'])
    hook.before_train_iter(SimpleNamespace(), 0, batch)
    assert same == dict(
        inputs=dict(labeled=[1, 2], unlabeled=[3]),
        data_samples=dict(labeled=['a', 'b'], unlabeled=['c']))


def test_runs_before_the_timer():
    assert get_priority(InterleaveHook.priority) < get_priority(
        IterTimerHook.priority)
    assert HOOKS.get('InterleaveHook') is InterleaveHook


def test_cycle_shuffles_every_pass_and_starts_at_any_epoch():
    from mmengine.dataset import DefaultSampler
    data = list(range(7))
    loader = DataLoader(data, 2, sampler=DefaultSampler(data, seed=0))
    stream, late = cycle(loader), cycle(loader, epoch=1)
    passes = [[next(stream).tolist() for _ in range(4)] for _ in range(2)]
    assert passes[0] != passes[1]
    assert all(sorted(sum(p, [])) == data for p in passes)
    assert [next(late).tolist() for _ in range(4)] == passes[1]


def test_missing_semi_supervised_dataset_raises():
    with pytest.raises(ValueError, match='found no SemiSupervisedDataset'):
        find_labeled([1, 2])


def test_epoch_loop(ann_file, tmp_path):
    batches, scalars = train(small_config(CONFIG, ann_file, tmp_path))
    assert len(batches) == 2 * 3  # 12 labelled clips, 4 a batch, twice
    assert all(len(b['labeled']) == len(b['unlabeled']) == 4 for b in batches)
    losses = {'loss', 'loss_cls', 'loss_con_body', 'loss_con_part',
              'loss_con_joint'}
    assert losses <= set(scalars[0])
    assert scalars[0]['loss'] == pytest.approx(
        sum(scalars[0][key] for key in losses - {'loss'}), rel=1e-5)


def test_unlabeled_clips_are_disjoint_and_complete(ann_file, tmp_path):
    cfg = small_config(CONFIG, ann_file, tmp_path, epochs=3)
    clip = dict(type='UniformSamplePose', clip_len=8, test_mode=True)
    node = cfg.train_dataloader.dataset.dataset.dataset
    node.pipeline = [clip if t.type == clip['type'] else t
                     for t in node.pipeline]
    batches, _ = train(cfg)
    labeled, unlabeled = (sum((b[k] for b in batches), [])
                          for k in ('labeled', 'unlabeled'))
    assert not set(labeled) & set(unlabeled)
    assert len(set(unlabeled[:28])) == 28  # one pass: 40 - 12 clips


def test_iter_loop(ann_file, tmp_path):
    cfg = small_config(CONFIG, ann_file, tmp_path)
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=8,
                         val_interval=4)
    cfg.log_processor.by_epoch = False
    cfg.default_hooks.checkpoint.update(by_epoch=False, interval=4)
    cfg.param_scheduler = None
    batches, scalars = train(cfg)
    assert len(batches) == 8
    assert sum('acc/top1' in line for line in scalars) == 2


def test_dataset_of_the_hook(ann_file, tmp_path):
    cfg = small_config(CONFIG, ann_file, tmp_path, epochs=1)
    own = cfg.train_dataloader.dataset.dataset.copy()
    own.update(subset='unlabeled', include_labeled=True)
    cfg.custom_hooks[0].unlabeled_dataloader.dataset = own
    batches, _ = train(cfg)
    assert len(batches) == 3


def test_gradient_accumulation(ann_file, tmp_path):
    cfg = small_config(CONFIG, ann_file, tmp_path, epochs=1)
    cfg.optim_wrapper.accumulative_counts = 2
    batches, scalars = train(cfg)
    assert len(batches) == 3
    assert all(math.isfinite(line['loss']) for line in scalars
               if 'loss' in line)


@pytest.mark.parametrize('sampler', ['DefaultSampler', 'InfiniteSampler'])
def test_resume_continues_with_the_same_clips_and_values(
        ann_file, tmp_path, sampler):
    """Three epochs in one run, and with a stop after the second."""

    def config(folder, epochs):
        cfg = small_config(CONFIG, ann_file, tmp_path / folder, epochs)
        cfg.custom_hooks[0].unlabeled_dataloader.sampler.type = sampler
        for loader in (cfg.train_dataloader,
                       cfg.custom_hooks[0].unlabeled_dataloader):
            # Workers are seeded in every epoch; the random states of the main
            # process are not saved.
            loader.num_workers = 1
        return cfg

    reference, numbers = train(config('reference', 3))
    train(config('resumed', 2))
    cfg = config('resumed', 3)
    cfg.resume = True
    rest, rest_numbers = train(cfg)
    assert rest == reference[6:]
    assert rest_numbers == numbers[-len(rest_numbers):]


def test_unlabeled_loader_without_a_batch_raises(ann_file, tmp_path):
    cfg = small_config(CONFIG, ann_file, tmp_path)
    cfg.custom_hooks[0].unlabeled_dataloader.batch_size = 64
    with pytest.raises(ValueError, match='has 28 clips in each '
                       'process, fewer than one batch of 64'):
        Runner.from_cfg(cfg).train()


def test_no_unlabeled_clip_raises(ann_file, tmp_path):
    cfg = small_config(CONFIG, ann_file, tmp_path)
    own = cfg.train_dataloader.dataset.dataset.copy()
    own.dataset = dict(own.dataset, split='xsub_val')
    own.update(subset='unlabeled', labeled_per_class=3, seed=0)
    own.dataset['indices'] = 18
    cfg.custom_hooks[0].unlabeled_dataloader.dataset = own
    with pytest.raises(ValueError, match='has no clips, since all are '
                       'labelled'):
        Runner.from_cfg(cfg).train()


@pytest.mark.parametrize('absent, message', [
    ('hook', 'add InterleaveHook to custom_hooks'),
    ('neck', 'neck, projector and loss_con must be set together'),
])
def test_incomplete_contrast_raises(ann_file, tmp_path, absent, message):
    cfg = small_config(CONFIG, ann_file, tmp_path)
    if absent == 'hook':
        cfg.custom_hooks = []
    else:
        cfg.model.neck = None
    with pytest.raises(ValueError, match=message):
        Runner.from_cfg(cfg).train()


class Draws(torch.utils.data.Dataset):
    """Random numbers of the workers."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return np.random.rand()


def test_worker_seeds_differ_between_passes():
    """With MMEngine only, they are the same in every pass."""
    cfg = dict(dataset=Draws(), batch_size=2, num_workers=2,
               collate_fn=dict(type='default_collate'),
               sampler=dict(type='DefaultSampler', shuffle=True))

    def passes(epoch, count):
        batches = cycle(Runner.build_dataloader(cfg, seed=0), epoch)
        return [sorted(torch.cat([next(batches), next(batches)]).tolist())
                for _ in range(count)]

    first, second, third = passes(0, 3)
    assert len({*first, *second, *third}) == 12
    assert passes(1, 2) == [second, third]  # as after a resume
    loader = Runner.build_dataloader(cfg, seed=0)
    plain = [sorted(torch.cat(list(loader)).tolist()) for _ in range(2)]
    assert plain[0] == plain[1]


def test_labeled_worker_seeds_differ_between_epochs(ann_file, tmp_path):
    cfg = small_config(CONFIG, ann_file, tmp_path, epochs=2)
    cfg.train_dataloader.num_workers = 1
    runner, seeds = Runner.from_cfg(cfg), []

    class Look(Hook):

        def before_train_iter(self, runner, batch_idx, data_batch=None):
            init = runner.train_dataloader.worker_init_fn
            seeds.append((runner.epoch, init.keywords['seed']))

    runner.register_hook(Look())
    runner.train()
    assert len(set(seeds)) == len({seed for _, seed in seeds}) == 2
