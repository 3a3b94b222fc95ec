"""Killed and resumed runs against uninterrupted ones."""
from itertools import product
from types import SimpleNamespace

import pytest
import torch
from mmengine.runner import Runner
from resumable_runs import (
    assert_as_uninterrupted,
    assert_same,
    load_state,
    logs,
    read_lines,
    resumable_config,
    train,
    train_killed_and_resumed,
)

from psp_plugin.engine.hooks.exact_resume import (
    VALIDATED,
    call_after,
    is_validation_missing,
    seed_iteration,
)


def vary(cfg, variant):
    if variant == 'ema':
        cfg.custom_hooks.append(dict(type='EMAHook', momentum=0.1))
    elif variant == 'amp':
        cfg.optim_wrapper.type = 'BFloat16OptimWrapper'
    return cfg


@pytest.mark.parametrize('loop, workers, variant', product(
    ['epoch', 'iteration'], [0, 2], ['plain', 'ema', 'amp']))
def test_killed_and_resumed_equals_uninterrupted(ann_file, tmp_path, loop,
                                             workers, variant):
    def config(name):
        return vary(resumable_config(ann_file, tmp_path / name, loop, workers),
                    variant)

    assert train(config('reference')) == 0
    train_killed_and_resumed(config('resumed'),
                             at=dict(plain=6, ema=8, amp=9)[variant])
    assert_as_uninterrupted(tmp_path / 'reference', tmp_path / 'resumed')


def test_resume_differs_without_the_hook(ann_file, tmp_path):
    """The comparison detects what MMEngine does not restore."""
    def config(name):
        cfg = resumable_config(ann_file, tmp_path / name)
        cfg.default_hooks.pop('exact_resume')
        return cfg

    assert train(config('reference')) == 0
    train_killed_and_resumed(config('resumed'), at=8)
    with pytest.raises(AssertionError):
        assert_as_uninterrupted(tmp_path / 'reference', tmp_path / 'resumed')
    reference, resumed = (read_lines(tmp_path / name / 'clips.json')
                    for name in ('reference', 'resumed'))
    assert resumed[6] == reference[6]  # before the kill
    assert resumed[-1] != reference[-1]


@pytest.mark.parametrize('kill', [
    dict(at=2),  # before the first checkpoint: it starts again
    dict(val=6),  # the second epoch is saved, but not validated
    dict(val=9),  # in the last validation
], ids=str)
def test_killed_at_any_moment(ann_file, tmp_path, reference, kill):
    train_killed_and_resumed(resumable_config(ann_file, tmp_path), **kill)
    assert_as_uninterrupted(reference, tmp_path)


def test_runs_of_the_same_seed_are_equal(ann_file, tmp_path, reference):
    """Weights, logged values and the order of clips."""
    assert train(resumable_config(ann_file, tmp_path)) == 0
    assert logs(tmp_path) == logs(reference)
    assert read_lines(tmp_path / 'clips.json') == read_lines(
        reference / 'clips.json')
    assert_same(load_state(tmp_path / 'epoch_3.pth'),
                load_state(reference / 'epoch_3.pth'))


def test_random_seed_of_the_run(ann_file, tmp_path):
    """The labelled loader is built before the checkpoint is read."""
    cfg = resumable_config(ann_file, tmp_path / 'resumed', 'iteration', 2)
    cfg.randomness.seed = None
    train_killed_and_resumed(cfg, at=6)
    last = torch.load(tmp_path / 'resumed/iter_9.pth', weights_only=True)
    cfg.work_dir = str(tmp_path / 'reference')
    cfg.randomness.seed = last['meta']['seed']
    assert train(cfg) == 0
    assert_as_uninterrupted(tmp_path / 'reference', tmp_path / 'resumed')


def start(cfg, **options):
    cfg.merge_from_dict(options)
    Runner.from_cfg(cfg).train()


@pytest.mark.parametrize('loader', ['train_dataloader',
                                    'unlabeled_dataloader'])
def test_persistent_workers_raise(ann_file, tmp_path, loader):
    cfg = resumable_config(ann_file, tmp_path, workers=1)
    node = (cfg.train_dataloader if loader == 'train_dataloader' else
            cfg.custom_hooks[0].unlabeled_dataloader)
    node.persistent_workers = True
    with pytest.raises(ValueError, match=f'^{loader} has persistent_workers'):
        start(cfg)


def test_persistent_workers_of_an_infinite_sampler(ann_file, tmp_path):
    cfg = resumable_config(ann_file, tmp_path, 'iteration', 1)
    cfg.train_cfg.max_iters = 1
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.default_hooks.checkpoint.save_best = None
    start(cfg, **{'train_dataloader.persistent_workers': True})


def test_saving_inside_an_epoch_raises(ann_file, tmp_path):
    with pytest.raises(ValueError, match='cannot resume inside an epoch'):
        start(resumable_config(ann_file, tmp_path),
              **{'default_hooks.checkpoint.by_epoch': False})


def test_resuming_with_another_epoch_length_raises(ann_file, tmp_path,
                                                   reference):
    with pytest.raises(ValueError, match='in epoch 1 at iteration 3, but '
                       'epochs of 6 iterations end at 6'):
        start(resumable_config(ann_file, tmp_path), resume=True,
              load_from=str(reference / 'epoch_1.pth'),
              **{'train_dataloader.batch_size': 2})


def test_resuming_from_weights_only_raises(ann_file, tmp_path, reference):
    best, = reference.glob('best_*.pth')
    with pytest.raises(ValueError, match='has no optimiser state'):
        start(resumable_config(ann_file, tmp_path), resume=True,
              load_from=str(best))


def test_seeds_depend_on_seed_rank_and_iteration():
    def draw(seed, rank, iteration, ahead=0):
        seed_iteration(
            SimpleNamespace(seed=seed, rank=rank, iter=iteration), ahead)
        return torch.rand(1).item()

    assert draw(0, 0, 5) == draw(0, 0, 4, ahead=1)
    assert len({draw(*key) for key in product((0, 1), repeat=3)}) == 8


def test_call_after():
    calls = []
    batches = call_after(iter('abcd'), 2, lambda: calls.append(1))
    assert [next(batches), next(batches)] == ['a', 'b'] and not calls
    assert next(batches) == 'c' and calls == [1]
    assert list(batches) == ['d'] and calls == [1]


@pytest.mark.parametrize('epoch, validated, missing', [
    (0, None, False),  # not resumed
    (1, None, False),  # not due
    (2, 3, True),
    (2, 6, False),
    (5, 12, True),  # the last epoch
])
def test_is_validation_missing(epoch, validated, missing):
    loop = SimpleNamespace(epoch=epoch, max_epochs=5, val_begin=2,
                           val_interval=2,
                           _decide_current_val_interval=lambda: None)
    runner = SimpleNamespace(
        train_loop=loop, val_loop=object(), iter=3 * epoch,
        message_hub=SimpleNamespace(get_info={VALIDATED: validated}.get))
    assert is_validation_missing(runner) is missing
