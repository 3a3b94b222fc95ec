"""Visible tokens: scores against loops, samples against probabilities."""
import math
import re

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from torch.testing import assert_close

from psp_plugin.errors import InputError
from psp_plugin.models.hyperbolic import exponential_map, poincare_distance
from psp_plugin.models.masking import CrossMasking, MotionAwareMasking
from psp_plugin.models.masking.cross import global_indices
from psp_plugin.models.masking.gumbel import TokenSampler
from psp_plugin.models.tokens import Tokens

JOINTS, CHANNELS, FRAMES = 3, 4, 2  # frames a patch
KEEP = pytest.mark.parametrize('keep', ['high', 'low'])
PATCHES = pytest.mark.parametrize('patches', [2, 3, 4, 5])
MASKINGS = {'cross': dict(type='CrossMasking', embed_dims=CHANNELS),
            'motion-aware': dict(type='MotionAwareMasking')}
BOTH = pytest.mark.parametrize('name', MASKINGS)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def tokens(b=2, patches=4, joints=JOINTS, dtype=torch.float64):
    """Random tokens; root and coordinates need not match them."""
    return Tokens(*(x.to(dtype) for x in (
        torch.randn(b, patches * FRAMES, joints, 3, dtype=torch.float64),
        torch.randn(b, patches, joints, CHANNELS, dtype=torch.float64),
        exponential_map(torch.randn(b, patches, CHANNELS,
                                    dtype=torch.float64)))))


def build(name, **kwargs):
    model = MODELS.build(dict(MASKINGS[name], **kwargs))
    if name == 'cross':
        model.init_weights()
        for layer in (model.query, model.key):
            torch.nn.init.normal_(layer.bias)
    return model.double()


def noise_for(name, x, dtype=torch.float64):
    """Uniform random numbers for every group of a masking."""
    b, patches, joints = x.euclid.shape[:3]
    rows = ([patches - patches // 2, patches // 2] if name == 'cross'
            else [patches])
    return [torch.rand(b, r * joints, dtype=torch.float64).to(dtype)
            for r in rows]


# Sampling

@pytest.mark.parametrize('mask_ratio, tokens, visible', [
    (0.9, 216, 21), (0.9, 70, 7), (0.9, 10, 1), (0.9, 9, 1), (0.9, 1, 1),
    (0.8, 65, 13), (0.7, 10, 3), (0.6, 5, 2), (0.3, 10, 7), (0.1, 10, 9),
    (0.95, 20, 1), (0.01, 3, 2), (1e-5, 100, 99)])
def test_number_of_visible_tokens(mask_ratio, tokens, visible):
    """In floats, 1 - 0.9 of 70 tokens is 6.999."""
    sample = TokenSampler(mask_ratio, 1., 'high')
    assert sample.count(tokens) == visible
    assert sample(torch.rand(2, tokens)).shape == (2, visible)


@pytest.mark.parametrize('percent', [10, 60, 75, 90])
def test_counts_equal_integer_arithmetic(percent):
    sample = TokenSampler(percent / 100, 1., 'high')
    for tokens in range(1, 500):
        assert sample.count(tokens) == max(
            tokens * (100 - percent) // 100, 1)


def slow_keys(scores, noise, temperature):
    """Keys of one sequence."""
    scaled = [s / (temperature * max(scores) + 1e-10) for s in scores]
    total = sum(math.exp(s) for s in scaled)
    return [math.log(math.exp(s) / total) -
            math.log(-math.log(u + 1e-10) + 1e-10)
            for s, u in zip(scaled, noise)]


@pytest.mark.parametrize('temperature', [0.3, 0.9])
@KEEP
def test_keys_and_choice_equal_the_loop(temperature, keep):
    sample = TokenSampler(0.7, temperature, keep)
    scores, noise = torch.rand(2, 4, 10, dtype=torch.float64)
    keys, kept = sample.keys(scores, noise), sample(scores, noise)
    for i, (s, u) in enumerate(zip(scores.tolist(), noise.tolist())):
        expected = slow_keys(s, u, temperature)
        assert keys[i].tolist() == pytest.approx(expected)
        order = sorted(range(10), key=lambda j: expected[j],  # noqa: B023
                       reverse=keep == 'high')
        assert kept[i].tolist() == order[:3]


@pytest.mark.parametrize('noise', [0., 1 - 2**-24])
def test_extreme_noise(noise):
    keys = TokenSampler(0.9, 0.9, 'high').keys(
        torch.rand(2, 5), torch.full((2, 5), noise))
    assert keys.isfinite().all()


@pytest.mark.parametrize('value', [0., 1e-30, 3., 1e30])
def test_equal_scores_have_no_effect(value):
    """Such as those of a clip without motion: only noise decides."""
    noise = torch.rand(4, 10)
    kept = TokenSampler(0.7, 0.8, 'low')(torch.full((4, 10), value), noise)
    assert torch.equal(kept, noise.argsort(1)[:, :3])


def test_scale_of_scores_has_no_effect():
    sample = TokenSampler(0.7, 0.8, 'high')
    scores, noise = torch.rand(2, 4, 10, dtype=torch.float64)
    assert_close(sample.keys(1000 * scores, noise), sample.keys(scores, noise))


@KEEP
def test_samples_follow_their_distribution(keep):
    """One of two tokens is sampled: softmax(s / (tau max s))."""
    scores, n = torch.tensor([1., 3.]).double(), 20000
    kept = TokenSampler(0.5, 0.9, keep)(scores.expand(n, 2))
    odds = math.exp(2 / 3 / 0.9)
    share = odds / (1 + odds)
    expected = share if keep == 'high' else 1 - share
    deviation = math.sqrt(share * (1 - share) / n)
    assert abs((kept == 1).double().mean() - expected) < 4 * deviation


@KEEP
def test_samples_of_several_tokens_follow_the_scores(keep):
    """Visibility follows the rank of the score; none is certain."""
    n, scores = 20000, torch.arange(8.)
    kept = TokenSampler(0.75, 0.5, keep)(scores.expand(n, 8))
    assert kept.shape == (n, 2) and (kept[:, 0] != kept[:, 1]).all()
    share = kept.flatten().bincount(minlength=8) / n
    assert share.sum() == pytest.approx(2) and share.min() > 0.01
    steps = share.diff() * (1 if keep == 'high' else -1)
    assert (steps > 0).all()
    # The probability of being sampled first is the softmax.
    if keep == 'high':
        first = kept[:, 0].bincount(minlength=8) / n
        assert_close(first, (scores / 3.5).softmax(0), rtol=0, atol=0.015)


def test_samples_use_the_generator_and_differ_between_sequences():
    sample, scores = TokenSampler(0.5, 0.9, 'high'), torch.ones(30, 20)
    draws = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        draws.append(sample(scores))
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert len({tuple(row) for row in draws[0].sort(1).values.tolist()}) > 25


# HA-CM

def softmax(values):
    total = sum(math.exp(v) for v in values)
    return [math.exp(v) / total for v in values]


def slow_attention(masking, x, scale, over):
    """Score of one sequence, (R, V, D), element by element."""
    rows, joints, channels = x.shape
    q, k = (np.einsum('tvd,ed->tve', x, layer.weight.numpy()) +
            layer.bias.numpy() for layer in (masking.query, masking.key))
    factor = {'mul': math.sqrt(channels), 'div': 1 / math.sqrt(channels)}
    a = np.empty((joints, rows, rows))
    for v, t, u in np.ndindex(*a.shape):
        a[v, t, u] = factor[scale] * sum(
            q[t, v, d] * k[u, v, d] for d in range(channels))
    out = np.zeros((rows, joints))
    for u, v, t in np.ndindex(rows, joints, rows):
        if over == 'joint':
            out[u, v] += softmax(a[:, t, u])[v]
        else:
            out[u, v] += softmax(a[v, t, :])[u]
    return out


@pytest.mark.parametrize('scale', ['mul', 'div'])
@pytest.mark.parametrize('over', ['joint', 'time'])
def test_attention_score_equals_the_loop(scale, over):
    masking = build('cross', scale=scale, softmax_over=over)
    x = torch.randn(2, 5, JOINTS, CHANNELS, dtype=torch.float64)
    score = masking.attention_score(x)
    for one, expected in zip(score, x.numpy()):
        assert_close(one.numpy(), slow_attention(masking, expected, scale,
                                                 over))
    if over == 'joint':
        assert_close(score.sum((1, 2)), torch.full((2, ), 25.).double())
    else:  # every query row gives 1 to each joint
        assert_close(score.sum((1, 2)), torch.full((2, ), 15.).double())


@pytest.mark.parametrize('factor', [2., 4.])
@pytest.mark.parametrize('weight', [0., 0.01, 3.])
def test_hierarchy_score_equals_the_loop(factor, weight):
    masking = build('cross', distance_factor=factor, root_weight=weight)
    x = exponential_map(torch.randn(2, 5, JOINTS, CHANNELS).double())
    root = exponential_map(torch.randn(2, 5, CHANNELS).double())
    score = masking.hierarchy_score(x, root)
    assert score.shape == (2, 5, JOINTS)
    for b, t, v in np.ndindex(*score.shape):
        expected = weight * slow_distance(root[b, t], x[b, t, v], factor)
        expected += sum(slow_distance(x[b, t, i], x[b, t, v], factor)
                        for i in range(JOINTS))
        assert score[b, t, v].item() == pytest.approx(expected)


def slow_distance(a, b, factor):
    """Tested against its definition in test_hyperbolic.py."""
    return poincare_distance(a[None], b[None], factor).item()


@PATCHES
def test_scores_of_the_two_groups(patches):
    """Even rows use Euclidean tokens, odd ones those in the ball."""
    masking, x = build('cross'), tokens(patches=patches)
    temporal, spatial = masking.scores(x)
    even, odd = (range(first, patches, 2) for first in (0, 1))
    assert_close(temporal, masking.attention_score(
        torch.stack([x.euclid[:, row] for row in even], 1)))
    assert_close(spatial, masking.hierarchy_score(
        exponential_map(torch.stack([x.euclid[:, row] for row in odd], 1)),
        torch.stack([x.root[:, row] for row in odd], 1)))


@PATCHES
def test_indices_of_the_groups(patches):
    """Each token is in one group, with its index p V + v."""
    everything = []
    for first in (0, 1):
        expected = [p * JOINTS + v for p in range(first, patches, 2)
                    for v in range(JOINTS)]
        kept = torch.arange(len(expected)).expand(2, -1)
        found = global_indices(kept, first, JOINTS)
        assert found.tolist() == [expected] * 2
        everything += expected
    assert sorted(everything) == list(range(patches * JOINTS))


@PATCHES
@KEEP
def test_chosen_indices_equal_the_loop(patches, keep):
    masking = build('cross', mask_ratio=0.6, keep=keep)
    x = tokens(patches=patches)
    noise = noise_for('cross', x)
    groups = masking(x, noise)
    for first, (scores, u, kept) in enumerate(zip(
            masking.scores(x), noise, groups)):
        for b in range(2):
            keys = slow_keys(scores[b].flatten().tolist(), u[b].tolist(), 0.9)
            rows = range(first, patches, 2)
            order = sorted(
                zip(keys, [(p, v) for p in rows for v in range(JOINTS)]),
                reverse=keep == 'high')
            count = max(len(keys) * 4 // 10, 1)
            assert kept[b].tolist() == [
                p * JOINTS + v for _, (p, v) in order[:count]]


def test_outlying_joints_tend_to_stay_visible():
    """In odd patches; with keep='low' they tend to be masked."""
    x = tokens(b=2000, joints=10)
    x.euclid.mul_(0.1)[:, :, 7] += 3
    share = []
    for keep in ('high', 'low'):
        _, kept = build('cross', keep=keep)(x)
        share.append((kept % 10 == 7).double().mean().item())
    assert share[0] > 0.2 > 0.1 > share[1] + 0.03


def test_one_patch_raises():
    with pytest.raises(InputError, match='needs two patches of frames or '
                       'more: give the encoder more frames, or fewer '
                       'frames_per_token$'):
        build('cross')(tokens(patches=1))


def test_projections_are_not_trained():
    masking, x = build('cross'), tokens()
    x.euclid.requires_grad_()
    assert not any(p.requires_grad for p in masking.parameters())
    assert len(list(masking.parameters())) == 4
    assert not any(s.requires_grad for s in masking(x))


def test_initial_projections():
    """Xavier's uniform distribution, biases of 0."""
    masking = CrossMasking(embed_dims=64)
    masking.init_weights()
    for layer in (masking.query, masking.key):
        limit = math.sqrt(6 / 128)
        assert 0.95 * limit < layer.weight.abs().max() <= limit
        assert not layer.bias.any()


# MAMP

def slow_motion(clips, patches):
    """Motion of one sequence, (T, V, C)."""
    frames, joints, coordinates = clips.shape
    length = frames // patches
    out = np.zeros((patches, joints))
    for p, v in np.ndindex(patches, joints):
        q = max(p, 1)  # the first has the second's
        total = 0.
        for t, c in np.ndindex(length, coordinates):
            total += abs(clips[q * length + t, v, c] -
                         clips[(q - 1) * length + t, v, c])
        out[p, v] = total / (length * coordinates)
    return out


@PATCHES
def test_motion_equals_the_loop(patches):
    x = tokens(patches=patches)
    score = MotionAwareMasking().scores(x)
    for one, clip in zip(score, x.clips.numpy()):
        assert_close(one.numpy(), slow_motion(clip, patches))


def test_one_patch_has_no_motion():
    x = tokens(patches=1)
    masking = MotionAwareMasking(mask_ratio=0.5)
    assert masking.scores(x).tolist() == [[[0.] * JOINTS]] * 2
    noise = torch.rand(2, JOINTS, dtype=torch.float64)
    kept, = masking(x, [noise])
    assert torch.equal(kept, noise.argsort(1)[:, :1])


@PATCHES
def test_motion_aware_choice_equals_the_loop(patches):
    masking, x = MotionAwareMasking(0.6, 0.5), tokens(patches=patches)
    noise, = noise_for('motion-aware', x)
    kept, = masking(x, [noise])
    for b, clip in enumerate(x.clips.numpy()):
        keys = slow_keys(slow_motion(clip, patches).flatten().tolist(),
                         noise[b].tolist(), 0.5)
        order = np.argsort(keys)[:patches * JOINTS * 4 // 10]
        assert kept[b].tolist() == order.tolist()


def test_moving_joint_is_masked():
    x = tokens(b=2000, joints=10)
    x.clips[..., [0, 1, 2, 4, 5, 6, 7, 8, 9], :] *= 0.01
    kept, = MotionAwareMasking()(x)
    assert (kept % 10 == 3).double().mean() < 0.07


# HA-CM and MAMP

@BOTH
def test_noise_differs_between_tokens_and_sequences(name):
    masking, x = build(name), tokens()
    torch.manual_seed(5)
    found = masking(x)
    torch.manual_seed(5)
    given = masking(x, noise_for(name, x))
    assert [g.tolist() for g in found] == [g.tolist() for g in given]


@BOTH
def test_autocast_changes_nothing(name):
    """Neither scores nor choice."""
    masking = build(name, mask_ratio=0.01).float()
    x = tokens(200, 8, dtype=torch.float32)
    noise = noise_for(name, x, torch.float32)
    plain = masking(x, noise)
    scores = masking.scores(x)
    with torch.autocast('cpu', torch.bfloat16):
        low = masking(x, noise)
    assert all(map(torch.equal, low, plain))
    for score in scores if name == 'cross' else [scores]:
        assert score.dtype == torch.float32


@BOTH
def test_half_precision_is_scored_in_float32(name):
    masking, x = build(name).float(), tokens(4, dtype=torch.bfloat16)
    noise = noise_for(name, x, torch.float32)
    wide = Tokens(*(part.float() for part in x))
    assert all(map(torch.equal, masking(x, noise), masking(wide, noise)))
    scores = masking.scores(x)
    for score in scores if name == 'cross' else [scores]:
        assert score.dtype == torch.float32 and score.isfinite().all()


@pytest.mark.parametrize('kwargs, sentence', [
    (dict(mask_ratio=0), 'mask_ratio must be between 0 and 1, not 0'),
    (dict(mask_ratio=1.), 'mask_ratio must be between 0 and 1, not 1.0'),
    (dict(temperature=0), 'temperature must be positive, not 0'),
    (dict(keep='none'), "keep must be 'high' or 'low', not 'none'"),
    (dict(softmax_over='v'), "must be 'joint' or 'time', not 'v'"),
    (dict(scale='none'), "scale must be 'mul' or 'div', not 'none'"),
])
def test_invalid_arguments_raise(kwargs, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        CrossMasking(**kwargs)
    if set(kwargs) < {'mask_ratio', 'temperature'}:
        with pytest.raises(InputError, match=re.escape(sentence)):
            MotionAwareMasking(**kwargs)
