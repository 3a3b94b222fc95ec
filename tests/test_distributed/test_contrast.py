"""Two and four ranks against one process on the entire batch, in float64."""
import pytest
import torch
from cases import (
    Contrast,
    add_up,
    build_recognizer,
    differentiate,
    draw_batch,
    draw_features,
    share_of,
    take_steps,
)
from torch.testing import assert_close

from psp_plugin.skeletons import LEVELS

KEYS = {'loss_cls', *(f'loss_con_{level}' for level in LEVELS)}
EXACT = dict(rtol=0, atol=1e-9)  # the project asks for 1e-6


def numbers(ranks, case):
    """Mean of the ranks' losses; the gradient, the same on all ranks."""
    losses, gradients = zip(*(rank['contrast'][case] for rank in ranks))
    for other in gradients[1:]:
        assert_close(other, gradients[0], rtol=0, atol=0)
    keys = KEYS & losses[0].keys()
    return ({key: torch.stack([x[key] for x in losses]).mean()
             for key in keys}, gradients[0])


def single_process(model, world_size):
    """Losses and gradients of one process on the batch of all ranks."""
    losses, gradients = differentiate(
        model, **draw_batch(world_size), mode='loss')
    return {key: losses[key] for key in KEYS}, gradients


def norm_of(gradients):
    return torch.cat([x.flatten() for x in gradients.values()]).norm()


def test_projector_and_loss(ranks):
    """Losses of each process's clips against those of all processes."""
    joint, motion = draw_features(len(ranks))
    expected = differentiate(Contrast(False), joint=joint, motion=motion)
    assert_close(numbers(ranks, 'features, gather=True'), expected, **EXACT)
    assert norm_of(expected[1]) > 0.1
    local = numbers(ranks, 'features, gather=False')
    for key, loss in expected[0].items():
        assert local[0][key] < loss - 0.1  # fewer negatives


@pytest.mark.parametrize('norm', ['none', 'frozen'])
def test_recognizer_without_batch_statistics(ranks, norm):
    model = build_recognizer(norm, False, len(ranks))
    expected = single_process(model, len(ranks))
    assert_close(numbers(ranks, norm), expected, **EXACT)
    assert norm_of(expected[1]) > 0.1


def test_rank_logs_its_own_loss(ranks):
    """Not the loss of the entire batch, which is the mean over ranks."""
    values = {float(rank['contrast']['none'][0]['loss_con_joint'])
              for rank in ranks}
    assert len(values) == len(ranks)


def test_weights_after_three_steps(ranks):
    """Through MMEngine's wrapper and optimiser."""
    model = build_recognizer('none', False)
    expected = take_steps(model, draw_batch(len(ranks)))
    start = dict(build_recognizer('none', False).named_parameters())
    assert norm_of({k: expected[k] - x for k, x in start.items()}) > 0.1
    for rank in ranks:
        assert_close(rank['contrast']['steps'], expected, **EXACT)


def test_level_of_weight_0(ranks):
    """Needs find_unused_parameters; the result is the same."""
    model = build_recognizer('none', False, level_weights=dict(part=0, body=1))
    expected = take_steps(model, draw_batch(len(ranks)))
    for rank in ranks:
        assert_close(rank['contrast']['left-out level'], expected, **EXACT)


def with_own_statistics(model, shares):
    """One process that encodes every rank's share separately, then contrasts.

    Returns losses and gradients, as ``single_process`` does.
    """
    sides = []
    handle = model.loss_con.register_forward_pre_hook(
        lambda _, args, kwargs: sides.append(kwargs), with_kwargs=True)
    passed = [model(**share, mode='loss') for share in shares]
    handle.remove()
    losses = model.loss_con(**{
        stream: {level: torch.cat([side[stream][level] for side in sides])
                 for level in LEVELS} for stream in ('joint', 'motion')})
    losses['loss_cls'] = sum(x['loss_cls'] for x in passed) / len(shares)
    add_up(losses).backward()
    return ({key: x.detach() for key, x in losses.items()},
            {name: x.grad for name, x in model.named_parameters()})


def test_batch_norm_uses_each_ranks_own_statistics(ranks):
    """This is the only difference from one process."""
    got = numbers(ranks, 'batch')
    size = len(ranks)
    shares = [share_of(draw_batch(size), rank, size) for rank in range(size)]
    expected = with_own_statistics(
        build_recognizer('batch', False), shares)
    assert_close(got, expected, **EXACT)

    losses, gradients = single_process(build_recognizer('batch', False), size)
    assert all((got[0][key] - losses[key]).abs() > 1e-3 for key in KEYS)
    difference = norm_of({k: x - got[1][k] for k, x in gradients.items()})
    assert difference > 0.1 * norm_of(gradients)


def test_unequal_shares_raise_on_every_rank(ranks):
    counts = [2] + [3] * (len(ranks) - 1)
    for rank in ranks:
        assert f'have {counts}: set drop_last=True' in (
            rank['contrast']['unequal'])


def test_sync_batch_norm_on_a_cpu(two_ranks):
    """MMEngine converts every norm; PyTorch runs them on GPUs only."""
    model = build_recognizer('batch', False)
    norms = [module for module in model.modules()
             if isinstance(module, torch.nn.BatchNorm2d)]
    for rank in two_ranks.values():
        got = rank['sync_batch_norm']
        assert got['converted'] == ['SyncBatchNorm'] * len(norms)
        assert 'expected input tensor to be on GPU' in got['step']
        assert 'only work with GPU modules' in got['wrapped']
