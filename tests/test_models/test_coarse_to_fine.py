"""The contrastive loss against a loop of equation 10 and closed forms."""
import math
import re

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from torch.testing import assert_close

from psp_plugin.models.losses import CoarseToFineContrastiveLoss
from psp_plugin.models.losses.coarse_to_fine import LEVELS, nt_xent

TAU = pytest.mark.parametrize('tau', [0.07, 0.5, 1.])
LOW = pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])


def pair(n=5, channels=8, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, n, channels, generator=generator,
                       dtype=torch.float64).to(dtype).unbind()


def levels():
    """Joint and motion features of every level, all different."""
    pairs = [pair(seed=seed) for seed in range(len(LEVELS))]
    return (dict(zip(LEVELS, side)) for side in zip(*pairs))


def slow_nt_xent(joint, motion, tau):
    """Equation 10, term by term."""
    u = [row / math.sqrt(sum(c * c for c in row))
         for row in np.concatenate((joint.numpy(), motion.numpy()))]
    n, total = len(joint), 0.
    for i in range(2 * n):
        twin = i + n if i < n else i - n
        below = sum(
            math.exp(float(u[i] @ u[k]) / tau) for k in range(2 * n) if k != i)
        total -= math.log(math.exp(float(u[i] @ u[twin]) / tau) / below)
    return total / (2 * n)


@TAU
@pytest.mark.parametrize('n', [1, 2, 5])
def test_equals_the_loop(tau, n):
    joint, motion = pair(n)
    assert nt_xent(joint, motion, tau).item() == pytest.approx(
        slow_nt_xent(joint, motion, tau), abs=1e-12)


@TAU
def test_one_clip_has_loss_0(tau):
    joint, motion = (x.requires_grad_() for x in pair(n=1))
    loss = nt_xent(joint, motion, tau)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-12)
    assert joint.grad.abs().max() < 1e-12


@TAU
@pytest.mark.parametrize('n', [2, 7])
def test_identical_features(tau, n):
    same = torch.ones(n, 4, dtype=torch.float64)
    assert nt_xent(same, 3 * same, tau).item() == pytest.approx(
        math.log(2 * n - 1))


@TAU
@pytest.mark.parametrize('n', [2, 7])
def test_orthogonal_clips(tau, n):
    """1 with the other stream, 0 with each of 2N - 2 negatives."""
    orthogonal = torch.eye(n, dtype=torch.float64)
    assert nt_xent(orthogonal, orthogonal, tau).item() == pytest.approx(
        math.log1p((2 * n - 2) * math.exp(-1 / tau)))


def test_swapping_streams_changes_nothing():
    joint, motion = pair()
    assert_close(nt_xent(joint, motion, 0.07), nt_xent(motion, joint, 0.07))


def test_shuffling_clips_together_changes_nothing():
    joint, motion = pair()
    order = torch.tensor([3, 0, 4, 2, 1])
    loss = nt_xent(joint, motion, 0.07)
    assert_close(nt_xent(joint[order], motion[order], 0.07), loss)
    assert not torch.isclose(nt_xent(joint[order], motion, 0.07), loss)


def test_length_of_features_changes_nothing():
    joint, motion = pair()
    scale = torch.tensor([1e-3, 1., 20., 3., 0.5], dtype=torch.float64)
    assert_close(nt_xent(joint * scale[:, None], 7 * motion, 0.07),
                 nt_xent(joint, motion, 0.07))


@TAU
@pytest.mark.parametrize('n', [1, 3])
def test_gradient(tau, n):
    inputs = [x.requires_grad_() for x in pair(n, channels=4)]
    assert torch.autograd.gradcheck(lambda j, m: nt_xent(j, m, tau), inputs)


def test_inputs_are_not_modified():
    joint, motion = pair()
    copies = joint.clone(), motion.clone()
    nt_xent(joint, motion, 0.07)
    assert torch.equal(joint, copies[0]) and torch.equal(motion, copies[1])


@LOW
def test_half_precision_is_computed_in_float32(dtype):
    joint, motion = pair(dtype=dtype)
    loss = nt_xent(joint, motion, 0.07)
    assert loss.dtype == torch.float32
    assert torch.equal(loss, nt_xent(joint.float(), motion.float(), 0.07))


@LOW
@pytest.mark.parametrize('inputs', [None, torch.float32])
def test_autocast_is_computed_in_float32(dtype, inputs):
    joint, motion = pair(dtype=inputs or dtype)
    with torch.autocast('cpu', dtype):
        loss = nt_xent(joint, motion, 0.07)
    assert loss.dtype == torch.float32
    assert torch.equal(loss, nt_xent(joint.float(), motion.float(), 0.07))


def test_three_levels():
    joint, motion = levels()
    losses = CoarseToFineContrastiveLoss()(joint, motion)
    assert set(losses) == {f'loss_con_{level}' for level in LEVELS}
    for level in LEVELS:
        assert losses[f'loss_con_{level}'].item() == pytest.approx(
            slow_nt_xent(joint[level], motion[level], 0.07), abs=1e-12)


def test_weights_multiply():
    joint, motion = levels()
    weights = dict(body=0.5, part=2, joint=3)
    losses = CoarseToFineContrastiveLoss(0.3, weights, 0.2)(joint, motion)
    for level, weight in weights.items():
        assert losses[f'loss_con_{level}'].item() == pytest.approx(
            0.2 * weight * slow_nt_xent(joint[level], motion[level], 0.3))


@pytest.mark.parametrize('weights, kept', [
    (dict(body=0, part=1., joint=0.), ['part']),
    (dict(joint=1), ['joint']),
    (dict(joint=1, body=2), ['body', 'joint']),
])
def test_level_of_weight_0_is_neither_computed_nor_logged(weights, kept):
    """Its features may be missing."""
    joint, motion = ({k: x[k] for k in kept} for x in levels())
    losses = CoarseToFineContrastiveLoss(level_weights=weights)(joint, motion)
    assert list(losses) == [f'loss_con_{level}' for level in kept]


@pytest.mark.parametrize('n', [1, 4])
def test_gather_without_other_processes_changes_nothing(n):
    """With others: tests/test_distributed."""
    results = []
    for gather in (False, True):
        sides = pair(n)
        loss = CoarseToFineContrastiveLoss(
            level_weights=dict(joint=1), gather=gather)(
                *(dict(joint=x.requires_grad_()) for x in sides))
        loss['loss_con_joint'].backward()
        results.append([loss['loss_con_joint'], *(x.grad for x in sides)])
    assert_close(*results, rtol=0, atol=0)


def test_gather_is_a_setting_of_the_config():
    loss = MODELS.build(
        dict(type='CoarseToFineContrastiveLoss', gather=True))
    assert loss.gather and not CoarseToFineContrastiveLoss().gather


@pytest.mark.parametrize('n', [1, 3])
def test_gradient_of_gathered_features(n):
    inputs = [x.requires_grad_() for x in pair(n, channels=4)]
    assert torch.autograd.gradcheck(
        lambda j, m: nt_xent(j, m, 0.5, gather=True), inputs)


@LOW
def test_gathered_half_precision_is_computed_in_float32(dtype):
    joint, motion = pair(dtype=dtype)
    assert torch.equal(nt_xent(joint, motion, 0.07, gather=True),
                       nt_xent(joint.float(), motion.float(), 0.07))


def test_level_weights_are_not_modified():
    weights = dict(body=0, joint=1)
    CoarseToFineContrastiveLoss(level_weights=weights)
    assert weights == dict(body=0, joint=1)


@pytest.mark.parametrize('kwargs, sentence', [
    (dict(temperature=0), 'temperature must be positive: 0'),
    (dict(temperature=-0.1), 'temperature must be positive: -0.1'),
    (dict(level_weights=dict(hand=1, body=1)),
     "level_weights names ['hand']; the levels are ['body', 'part', 'joint']"),
    (dict(level_weights=dict(body=-1, part=1)), 'must not be negative'),
    (dict(level_weights=dict(body=0, part=0)),
     'at least one must be positive'),
    (dict(level_weights={}), 'at least one must be positive'),
])
def test_invalid_arguments_raise(kwargs, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        CoarseToFineContrastiveLoss(**kwargs)
