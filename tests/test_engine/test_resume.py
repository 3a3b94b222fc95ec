"""Runs that are killed and resumed, against runs that were left alone."""
from itertools import product
from types import SimpleNamespace

import pytest
import torch
from lives import (
    assert_as_uninterrupted,
    assert_same,
    life_config,
    live_twice,
    load_state,
    logs,
    read_lines,
    train,
)
from mmengine.runner import Runner

from psp_plugin.engine.hooks.exact_resume import (
    VALIDATED,
    call_after,
    seed_iteration,
    is_validation_missing,
)


def vary(cfg, variant):
    if variant == 'ema':
        cfg.custom_hooks.append(dict(type='EMAHook', momentum=0.1))
    elif variant == 'amp':
        cfg.optim_wrapper.type = 'BFloat16OptimWrapper'
    return cfg


@pytest.mark.parametrize('loop, workers, variant', product(
    ['epoch', 'iteration'], [0, 2], ['plain', 'ema', 'amp']))
def test_killed_and_resumed_is_uninterrupted(ann_file, tmp_path, loop,
                                             workers, variant):
    def config(name):
        return vary(life_config(ann_file, tmp_path / name, loop, workers),
                    variant)

    assert train(config('whole')) == 0
    live_twice(config('parts'), at=dict(plain=6, ema=8, amp=9)[variant])
    assert_as_uninterrupted(tmp_path / 'whole', tmp_path / 'parts')


def test_without_the_hook_it_is_not(ann_file, tmp_path):
    """What MMEngine leaves out, which is what the comparison must see."""
    def config(name):
        cfg = life_config(ann_file, tmp_path / name)
        cfg.default_hooks.pop('exact_resume')
        return cfg

    assert train(config('whole')) == 0
    live_twice(config('parts'), at=8)
    with pytest.raises(AssertionError):
        assert_as_uninterrupted(tmp_path / 'whole', tmp_path / 'parts')
    whole, parts = (read_lines(tmp_path / name / 'clips.json')
                    for name in ('whole', 'parts'))
    assert parts[6] == whole[6]  # the first life
    assert parts[-1] != whole[-1]


@pytest.mark.parametrize('death', [
    dict(at=2),  # before the first checkpoint: it starts anew
    dict(val=6),  # the second epoch is saved, but not validated
    dict(val=9),  # all epochs are done, the last validation is not
], ids=str)
def test_any_moment_will_do(ann_file, tmp_path, whole, death):
    live_twice(life_config(ann_file, tmp_path), **death)
    assert_as_uninterrupted(whole, tmp_path)


def test_two_runs_of_one_seed_are_the_same(ann_file, tmp_path, whole):
    """Weights, logged numbers and the order of clips."""
    assert train(life_config(ann_file, tmp_path)) == 0
    assert logs(tmp_path) == logs(whole)
    assert read_lines(tmp_path / 'clips.json') == read_lines(
        whole / 'clips.json')
    assert_same(load_state(tmp_path / 'epoch_3.pth'),
                load_state(whole / 'epoch_3.pth'))


def test_a_seed_that_the_run_drew_itself(ann_file, tmp_path):
    """The labelled loader is built before the checkpoint brings the seed."""
    cfg = life_config(ann_file, tmp_path / 'parts', 'iteration', 2)
    cfg.randomness.seed = None
    live_twice(cfg, at=6)
    last = torch.load(tmp_path / 'parts/iter_9.pth', weights_only=True)
    cfg.work_dir = str(tmp_path / 'whole')
    cfg.randomness.seed = last['meta']['seed']
    assert train(cfg) == 0
    assert_as_uninterrupted(tmp_path / 'whole', tmp_path / 'parts')


def start(cfg, **options):
    cfg.merge_from_dict(options)
    Runner.from_cfg(cfg).train()


@pytest.mark.parametrize('loader', ['train_dataloader',
                                    'unlabeled_dataloader'])
def test_workers_that_live_on_are_refused(ann_file, tmp_path, loader):
    cfg = life_config(ann_file, tmp_path, workers=1)
    node = (cfg.train_dataloader if loader == 'train_dataloader' else
            cfg.custom_hooks[0].unlabeled_dataloader)
    node.persistent_workers = True
    with pytest.raises(ValueError, match=f'^{loader} has persistent_workers'):
        start(cfg)


def test_workers_of_an_endless_sampler_may_live_on(ann_file, tmp_path):
    cfg = life_config(ann_file, tmp_path, 'iteration', 1)
    cfg.train_cfg.max_iters = 1
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.default_hooks.checkpoint.save_best = None
    start(cfg, **{'train_dataloader.persistent_workers': True})


def test_saving_inside_an_epoch_is_refused(ann_file, tmp_path):
    with pytest.raises(ValueError, match='cannot go on inside an epoch'):
        start(life_config(ann_file, tmp_path),
              **{'default_hooks.checkpoint.by_epoch': False})


def test_going_on_with_other_epochs_is_refused(ann_file, tmp_path, whole):
    with pytest.raises(ValueError, match='epoch 1 and iteration 3, but epochs '
                       'of 6 iterations end at 6'):
        start(life_config(ann_file, tmp_path), resume=True,
              load_from=str(whole / 'epoch_1.pth'),
              **{'train_dataloader.batch_size': 2})


def test_weights_alone_are_refused(ann_file, tmp_path, whole):
    best, = whole.glob('best_*.pth')
    with pytest.raises(ValueError, match='holds no optimiser'):
        start(life_config(ann_file, tmp_path), resume=True,
              load_from=str(best))


def test_seeds_follow_from_seed_rank_and_iteration():
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


@pytest.mark.parametrize('epoch, validated, owed', [
    (0, None, False),  # not resumed
    (1, None, False),  # not due
    (2, 3, True),
    (2, 6, False),
    (5, 12, True),  # the last epoch
])
def test_validation_is_owed(epoch, validated, owed):
    loop = SimpleNamespace(epoch=epoch, max_epochs=5, val_begin=2,
                           val_interval=2,
                           _decide_current_val_interval=lambda: None)
    runner = SimpleNamespace(
        train_loop=loop, val_loop=object(), iter=3 * epoch,
        message_hub=SimpleNamespace(get_info={VALIDATED: validated}.get))
    assert is_validation_missing(runner) is owed
