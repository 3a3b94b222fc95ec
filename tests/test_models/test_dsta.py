"""DSTA-Net: its attention against loops, its shapes and its errors."""
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from torch.testing import assert_close

from psp_plugin.models.backbones import DSTANet, dsta

REPOSITORY = Path(__file__).resolve().parents[2]
BLOCKS = [[8, 8, 4, 1], [8, 12, 4, 2], [12, 12, 2, 1], [12, 16, 4, 3]]
BOTH = pytest.mark.parametrize('temporal', ['conv', 'attention'])


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def small(temporal='conv', frames=9, joints=5, **kwargs):
    return DSTANet(num_joints=joints, blocks=BLOCKS, num_heads=2,
                   temporal=temporal, num_frames=frames, **kwargs)


def settle(module):
    """Randomises all constant parameters and sets evaluation mode."""
    for value in [*module.parameters(), *module.buffers()]:
        if value.is_floating_point() and value.std(unbiased=False) == 0:
            value.data.uniform_(0.5, 1.5)
    return module.double().eval()


def array(tensor):
    return tensor.detach().numpy()


def leaky(x):
    return np.where(x > 0, x, 0.1 * x)


def pointwise(sequence, x):
    """Identity, or 1x1 convolution and batch norm, of one (C, L, V)."""
    if isinstance(sequence, torch.nn.Identity):
        return x
    conv, norm = sequence
    y = np.einsum('oc,clv->lvo', array(conv.weight)[:, :, 0, 0], x)
    y = (y + array(conv.bias) - array(norm.running_mean)) / np.sqrt(
        array(norm.running_var) + norm.eps)
    return (y * array(norm.weight) + array(norm.bias)).transpose(2, 0, 1)


def slow_map(module, x):
    """alpha tanh(QK^T / size) + A_0 of one (C, L, V), element by element."""
    heads, (_, length, nodes) = module.num_heads, x.shape
    weight = array(module.query_key.weight)[:, :, 0, 0]
    bias = array(module.query_key.bias)
    alpha, added = array(module.alpha), array(module.global_map)
    code = array(module.position)
    width = len(weight) // (2 * heads)
    out = np.empty((heads, nodes, nodes))
    for s, i, j in np.ndindex(*out.shape):
        score = 0.
        for t in range(length):
            for c in range(s * width, (s + 1) * width):
                k = heads * width + c
                score += ((weight[c] @ (x[:, t, i] + code[:, i]) + bias[c]) *
                          (weight[k] @ (x[:, t, j] + code[:, j]) + bias[k]))
        out[s, i, j] = (alpha[s, 0, 0] * math.tanh(score / (width * length)) +
                        added[s, i, j])
    return out


def slow_unit(unit, x, stride):
    """AttentionUnit of one (C, L, V): every node sums along its column."""
    attention = slow_map(unit.attention, x)
    heads = []
    for one in attention:
        gathered = np.zeros_like(x)
        for i, j in np.ndindex(*one.shape):
            gathered[:, :, j] += x[:, :, i] * one[i, j]
        heads.append(gathered)
    y = leaky(pointwise(unit.residual1, x) +
              pointwise(unit.merge, np.concatenate(heads)))
    x, y = x[:, :, ::stride], y[:, :, ::stride]
    return leaky(pointwise(unit.residual2, x) +
                 pointwise(unit.feed_forward, y))


@pytest.mark.parametrize('channels, length', [(2, 1), (6, 5), (64, 25)])
def test_sinusoidal_code_equals_its_formula(channels, length):
    code = dsta.sinusoidal_code(channels, length)
    assert code.shape == (channels, length)
    for c, position in np.ndindex(channels, length):
        angle = position / 10000**(2 * (c // 2) / channels)
        wave = math.cos(angle) if c % 2 else math.sin(angle)
        assert code[c, position].item() == pytest.approx(wave, abs=1e-5)


@pytest.mark.parametrize('length', [1, 4])
def test_attention_map_equals_loops(length):
    module = settle(dsta.AttentionMap(4, channels=3, num_heads=2, length=5))
    x = torch.randn(2, 4, length, 5, dtype=torch.float64)
    expected = np.stack([slow_map(module, one) for one in array(x)])
    assert_close(array(module(x)), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize('out_channels, project', [(4, False), (6, True)])
@pytest.mark.parametrize('stride', [1, 2])
def test_attention_unit_equals_loops(out_channels, project, stride):
    unit = settle(
        dsta.AttentionUnit(4, out_channels, 3, 2, 5, project, stride))
    x = torch.randn(2, 4, 3, 5, dtype=torch.float64)
    expected = np.stack([slow_unit(unit, one, stride) for one in array(x)])
    assert_close(array(unit(x)), expected, rtol=0, atol=1e-12)


def test_temporal_attention_equals_the_unit_over_frames():
    unit = settle(dsta.TemporalAttention(4, 4, 3, 2, 7, True, stride=3))
    x = torch.randn(2, 4, 7, 5, dtype=torch.float64)
    expected = np.stack([
        slow_unit(unit, one.swapaxes(1, 2), stride=3).swapaxes(1, 2)
        for one in array(x)
    ])
    assert unit(x).shape == (2, 4, 3, 5)
    assert_close(array(unit(x)), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize('stride, project', [(1, False), (2, True)])
def test_temporal_conv_equals_loops(stride, project):
    unit = settle(dsta.TemporalConv(4, stride, project))
    x = torch.randn(1, 4, 7, 5, dtype=torch.float64)
    weight, frames = array(unit.conv[0].weight), range(0, 7, stride)
    y = np.zeros((4, len(frames), 5))
    for t, middle in enumerate(frames):
        for k in range(7):  # seven frames around the middle one
            if 0 <= middle + k - 3 < 7:
                y[:, t] += weight[..., k, 0] @ array(x)[0, :, middle + k - 3]
    norm, bias = unit.conv[1], array(unit.conv[0].bias)
    y = norm(torch.from_numpy(y + bias[:, None, None])[None])[0]
    kept = pointwise(unit.residual, array(x)[0, :, ::stride])
    assert_close(array(unit(x))[0], leaky(kept + array(y)), rtol=0, atol=1e-12)


@BOTH
@pytest.mark.parametrize('frames', [1, 6, 9, 16])
@pytest.mark.parametrize('persons', [1, 2])
def test_shapes(temporal, frames, persons):
    net = small(temporal, frames)
    out = net(torch.randn(2, persons, frames, 5, 3))
    halved = math.ceil(frames / 2)  # the strides are 2 and 3
    assert out.shape == (2, persons, 16, math.ceil(halved / 3), 5)
    assert net.out_channels == 16
    assert out.isfinite().all()


def test_convolution_accepts_any_number_of_frames():
    net = small('conv', frames=None)
    for frames in (4, 7):
        assert net(torch.randn(1, 1, frames, 5, 3)).size(3) == math.ceil(
            frames / 6)


@BOTH
def test_persons_and_clips_do_not_mix(temporal):
    net = settle(small(temporal))
    x = torch.randn(3, 2, 9, 5, 3, dtype=torch.float64)
    out = net(x)
    changed = x.clone()
    changed[1, 1] += 1
    moved = (net(changed) - out).abs().amax((2, 3, 4))
    assert moved[1, 1] > 1e-3
    moved[1, 1] = 0
    assert moved.max() < 1e-12
    assert_close(net(x.flip(0, 1)), out.flip(0, 1), rtol=0, atol=1e-12)


@BOTH
def test_float64(temporal):
    net = small(temporal).eval()
    x = torch.randn(2, 2, 9, 5, 3)
    single, double = net(x), net.double()(x.double())
    assert double.dtype == torch.float64
    assert_close(single.double(), double, rtol=1e-4, atol=1e-4)


@BOTH
def test_autocast_to_bfloat16(temporal):
    net = small(temporal)
    x = torch.randn(2, 2, 9, 5, 3)
    with torch.autocast('cpu', torch.bfloat16):
        out = net(x)
    out.float().mean().backward()
    assert out.dtype == torch.bfloat16
    assert out.isfinite().all()
    assert all(p.grad.isfinite().all() for p in net.parameters())
    net.eval()
    with torch.autocast('cpu', torch.bfloat16):
        low = net(x)
    assert_close(low.float(), net(x), rtol=0.1, atol=0.1)


@BOTH
def test_state_dict_has_no_position_encodings(temporal):
    net = small(temporal)
    codes = [name for name, _ in net.named_buffers() if 'position' in name]
    assert len(codes) == len(BLOCKS) * (1 if temporal == 'conv' else 2)
    assert not any('position' in key for key in net.state_dict())


def test_initial_weights():
    net = small()
    net.init_weights()
    for module in net.modules():
        if isinstance(module, torch.nn.Conv2d):
            fan_out = module.out_channels * math.prod(module.kernel_size)
            spread = module.weight.std().item() * math.sqrt(fan_out / 2)
            assert 0.6 < spread < 1.4
            assert not module.bias.any()
        if isinstance(module, dsta.AttentionMap):
            assert (module.alpha == 1).all()
            assert_close(module.global_map.sum(-1), torch.ones(2, 5))


def test_initial_global_maps():
    """Over joints at 1 / V, over frames at the identity."""
    net = small('attention')
    net.init_weights()
    spatial, temporal = net.layers[::2], net.layers[1::2]
    for unit in spatial:
        assert (unit.attention.global_map == 1 / 5).all()
    for unit, frames in zip(temporal, (9, 9, 5, 5)):
        assert_close(unit.attention.global_map,
                     torch.eye(frames).repeat(2, 1, 1))
        assert unit.attention.global_map.requires_grad


def test_parameters_of_the_released_sizes():
    cfg = Config.fromfile(REPOSITORY / 'configs/psp_ntu60_xsub_5p.py').model
    assert cfg.backbone == dict(type='DSTANet', num_joints=25)
    model = MODELS.build(cfg)
    assert sum(p.numel() for p in model.parameters()) == 5138940


@pytest.mark.parametrize('kwargs, sentence', [
    (dict(temporal='lstm'),
     "temporal must be 'conv' or 'attention', not 'lstm'"),
    (dict(temporal='attention'), "temporal='attention' needs num_frames"),
    (dict(blocks=[[8, 8, 4, 1], [6, 8, 4, 1]]),
     'block 1 of blocks has 6 input channels, but its input has 8: set them '
     'to 8'),
    (dict(blocks=[[8, 7, 4, 1], [7, 8, 4, 1]]),
     'needs an even number of channels, not 7'),
])
def test_invalid_arguments_raise(kwargs, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        DSTANet(**kwargs)


@pytest.mark.parametrize('temporal, shape, sentence', [
    ('conv', (1, 1, 9, 4, 3), 'built for 5 joints, the data has 4: '
     'set num_joints=4'),
    ('attention', (1, 1, 8, 5, 3), 'built for 9 frames, the clip has 8: '
     'set num_frames=8'),
])
def test_invalid_clips_raise(temporal, shape, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        small(temporal)(torch.randn(shape))
