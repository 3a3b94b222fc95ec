"""Pyramid attention against loops of equations 2 to 9; the projector."""
import math
import re

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from psp_plugin.models.necks import PooledMLP, PyramidPolymerizingAttention
from psp_plugin.models.necks.ppa import LEVELS
from psp_plugin.skeletons import get_pyramid

JOINTS = {'nturgb+d': 25, 'nwucla': 20}
LAYOUT = pytest.mark.parametrize('layout', JOINTS)
PAPER = dict(body_to_part=0.2, part_to_joint=0.12, body_to_joint=0.24)
PLAIN = dict.fromkeys(PAPER, 0.)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def build(layout='nturgb+d', channels=4, heads=2, **kwargs):
    """A neck with random batch norms, in evaluation mode and float64."""
    neck = PyramidPolymerizingAttention(channels, layout, heads, **kwargs)
    for level in neck.levels.values():
        norm = level.feed_forward[1]
        for value in (norm.weight, norm.bias, norm.running_mean,
                      norm.running_var):
            value.data.uniform_(0.5, 1.5)
    return neck.double().eval()


def features(layout='nturgb+d', n=2, m=2, channels=4, frames=3):
    return torch.randn(n, m, channels, frames, JOINTS[layout],
                       dtype=torch.float64)


def array(tensor):
    return tensor.detach().numpy()


def owner(groups, member):
    """Phi: the group of a member."""
    return next(i for i, group in enumerate(groups) if member in group)


def slow_own_map(level, x, heads, scale):
    """Equations 3 and 4 of one (C, T, K): its map and its values V."""
    channels, frames, nodes = x.shape
    weight = array(level.query_key_value.weight)[:, :, 0, 0]
    bias = array(level.query_key_value.bias)
    query, key, value = (
        np.stack([[weight[c] @ x[:, t] + bias[c] for t in range(frames)]
                  for c in range(start, start + channels)])
        for start in (0, channels, 2 * channels))
    width = channels // heads  # C_e
    size = frames * width
    attention = np.empty((heads, nodes, nodes))
    for s, i, j in np.ndindex(*attention.shape):
        score = sum(query[c, t, i] * key[c, t, j]
                    for c in range(s * width, (s + 1) * width)
                    for t in range(frames))
        attention[s, i, j] = math.tanh(
            score / (math.sqrt(size) if scale == 'sqrt' else size))
    return attention, value


def slow_output(level, x, attention, value):
    """Equations 5, 6 and 8: sigma(Psi(concat(A V)) + x)."""
    width = len(x) // len(attention)
    heads = np.zeros_like(x)
    for s, i, j in np.ndindex(*attention.shape):
        own = slice(s * width, (s + 1) * width)
        heads[own, :, i] += attention[s, i, j] * value[own, :, j]
    linear, norm = level.feed_forward
    out = np.empty_like(x)
    for c in range(len(x)):
        y = sum(linear.weight[c, k, 0, 0].item() * heads[k]
                for k in range(len(x))) + linear.bias[c].item()
        y = (y - norm.running_mean[c].item()) / math.sqrt(
            norm.running_var[c].item() + norm.eps)
        y = y * norm.weight[c].item() + norm.bias[c].item() + x[c]
        out[c] = np.where(y > 0, y, 0.1 * y)
    return out


def slow_ppa(neck, x, layout, heads, scale, body_from, body_to_part,
             part_to_joint, body_to_joint):
    """Equations 2 to 9 for one person of one clip, (C, T, V)."""
    pyramid = get_pyramid(layout)
    parts, bodies = pyramid.parts, pyramid.bodies
    part = np.stack([sum(x[..., v] for v in group) / len(group)
                     for group in parts], -1)
    if body_from == 'part':
        body = np.stack([sum(part[..., p] for p in group) / len(group)
                         for group in bodies], -1)
    else:
        groups = [[v for p in group for v in parts[p]] for group in bodies]
        body = np.stack([sum(x[..., v] for v in group) / len(group)
                         for group in groups], -1)
    inputs = dict(body=body, part=part, joint=x)
    own = {level: slow_own_map(neck.levels[level], inputs[level], heads, scale)
           for level in LEVELS}
    maps = {level: own[level][0].copy() for level in LEVELS}
    for s, i, j in np.ndindex(*maps['part'].shape):
        maps['part'][s, i, j] += body_to_part * own['body'][0][
            s, owner(bodies, i), owner(bodies, j)]
    for s, i, j in np.ndindex(*maps['joint'].shape):
        p, q = owner(parts, i), owner(parts, j)
        maps['joint'][s, i, j] += (
            part_to_joint * own['part'][0][s, p, q] + body_to_joint *
            own['body'][0][s, owner(bodies, p), owner(bodies, q)])
    return {
        level: (slow_output(neck.levels[level], inputs[level], maps[level],
                            own[level][1]), maps[level])
        for level in LEVELS
    }


@LAYOUT
@pytest.mark.parametrize('scale', ['sqrt', 'full'])
@pytest.mark.parametrize('body_from', ['part', 'joint'])
def test_equals_equations(layout, scale, body_from):
    neck = build(layout, scale=scale, body_from=body_from)
    x = features(layout, n=1)
    out, maps = neck(x, return_attention=True)
    for m in range(2):
        expected = slow_ppa(neck, array(x[0, m]), layout, 2, scale, body_from,
                            **PAPER)
        for level in LEVELS:
            for ours, slow in zip((out, maps), expected[level]):
                assert_close(array(ours[level][0, m]), slow, rtol=0,
                             atol=1e-10)


@LAYOUT
def test_coefficients_of_the_equations(layout):
    """With coefficients that cannot be mistaken for each other."""
    values = dict(body_to_part=0.3, part_to_joint=0.5, body_to_joint=0.7)
    neck, x = build(layout, **values), features(layout, n=1, m=1)
    out, maps = neck(x, return_attention=True)
    expected = slow_ppa(neck, array(x[0, 0]), layout, 2, 'sqrt', 'part',
                        **values)
    for level in LEVELS:
        for ours, slow in zip((out, maps), expected[level]):
            assert_close(array(ours[level][0, 0]), slow, rtol=0, atol=1e-10)


@LAYOUT
@pytest.mark.parametrize('body_from', ['part', 'joint'])
def test_order_of_joints_in_a_part_changes_nothing(layout, body_from):
    neck, x = build(layout, body_from=body_from), features(layout)
    order = list(range(JOINTS[layout]))
    for part in get_pyramid(layout).parts:
        for joint, other in zip(part, part[1:] + part[:1]):
            order[joint] = other
    out, maps = neck(x, return_attention=True)
    moved, moved_maps = neck(x[..., order], return_attention=True)
    out['joint'] = out['joint'][..., order]
    maps['joint'] = maps['joint'][..., order, :][..., order]
    assert_close(moved, out, rtol=0, atol=1e-12)
    assert_close(moved_maps, maps, rtol=0, atol=1e-12)


@pytest.mark.parametrize('body_from, same', [('joint', True), ('part', False)])
def test_body_from(body_from, same):
    """Joints 0 and 2 are in the torso, in a part of three and one of two."""
    neck, x = build(body_from=body_from), features()
    order = [2, 1, 0, *range(3, 25)]
    gap = (neck.pooling(x)['body'] - neck.pooling(x[..., order])['body'])
    assert (gap.abs().max() < 1e-12) == same
    assert not torch.allclose(neck(x)['part'], neck(x[..., order])['part'])


def test_joint_map_adds_the_own_part_map():
    """Lambda changes A_{h,z}, but not the A_h in A_{g,h,z}."""
    neck, x = build(body_to_part=0.), features()
    out, maps = neck(x, return_attention=True)
    neck.body_to_part = 5.
    changed, changed_maps = neck(x, return_attention=True)
    for one, other in ((out, changed), (maps, changed_maps)):
        assert torch.equal(one['body'], other['body'])
        assert torch.equal(one['joint'], other['joint'])
        assert not torch.allclose(one['part'], other['part'])


def test_coefficients_of_0_leave_plain_attention():
    neck, x = build(**PLAIN), features()
    out, maps = neck(x, return_attention=True)
    for level, inputs in neck.pooling(x.flatten(0, 1)).items():
        attention, value = neck.levels[level].attend(inputs)
        plain = neck.levels[level].polymerize(inputs, value, attention)
        assert torch.equal(maps[level].flatten(0, 1), attention)
        assert torch.equal(out[level].flatten(0, 1), plain)


@LAYOUT
@pytest.mark.parametrize('n, m, channels, frames, heads', [
    (1, 1, 4, 1, 1), (1, 2, 6, 1, 3), (2, 1, 8, 5, 8), (3, 2, 4, 2, 4)])
def test_shapes(layout, n, m, channels, frames, heads):
    neck = build(layout, channels, heads)
    x = features(layout, n, m, channels, frames)
    out, maps = neck(x, return_attention=True)
    for level, nodes in zip(LEVELS, (5, 10, JOINTS[layout])):
        assert out[level].shape == (n, m, channels, frames, nodes)
        assert maps[level].shape == (n, m, heads, nodes, nodes)
        assert torch.equal(neck(x)[level], out[level])
    assert list(out) == list(maps) == list(LEVELS)


def test_persons_and_clips_do_not_mix():
    neck, x = build(), features()
    for level, full in neck(x).items():
        for n, m in np.ndindex(2, 2):
            single = neck(x[n:n + 1, m:m + 1])[level][0, 0]
            assert_close(full[n, m], single, rtol=0, atol=1e-12)


def test_index_tables_are_not_in_the_state_dict():
    keys = build().state_dict()
    assert all(key.startswith('levels.') for key in keys)


def test_autocast_to_bfloat16():
    neck = PyramidPolymerizingAttention(4, 'nturgb+d', 2).eval()
    x = features().float()
    with torch.autocast('cpu', torch.bfloat16):
        low = neck(x)
    for level, full in neck(x).items():
        assert_close(low[level].float(), full, rtol=0.1, atol=0.1)


@pytest.mark.parametrize('kwargs, sentence', [
    (dict(num_heads=3), 'num_heads=3 does not divide in_channels=4'),
    (dict(scale='root'), "scale must be 'sqrt' or 'full', not 'root'"),
    (dict(body_from='arm'), "body_from must be 'part' or 'joint', not 'arm'"),
    (dict(layout='kinect'), "unknown skeleton layout 'kinect'"),
])
def test_invalid_arguments_raise(kwargs, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        PyramidPolymerizingAttention(
            **{**dict(in_channels=4, layout='nwucla'), **kwargs})


def test_joints_of_another_layout_raise():
    with pytest.raises(ValueError, match="layout 'nturgb.d' has 25 joints, "
                                         'the features have 20'):
        build()(features('nwucla'))


@pytest.mark.parametrize('hidden, outputs', [(None, None), (7, 3)])
def test_projector_by_hand(hidden, outputs):
    """Linear-ReLU-Linear of the mean over persons, frames and nodes."""
    projector = PooledMLP(4, hidden, outputs).double()
    (first, bias), (last, shift) = (
        (array(projector.mlp[i].weight), array(projector.mlp[i].bias))
        for i in (0, 2))
    assert (len(first), len(last)) == (hidden or 4, outputs or 4)
    x = features(frames=2)
    for n, out in enumerate(array(projector(x))):
        pooled = sum(array(x)[n, m, :, t, v] for m, t, v in np.ndindex(
            2, 2, 25)) / 100
        expected = last @ np.maximum(first @ pooled + bias, 0) + shift
        assert_close(out, expected, rtol=0, atol=1e-12)
