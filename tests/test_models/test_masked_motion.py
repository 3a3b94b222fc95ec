"""Decoder and loss of masked pre-training against loops and closed forms."""
import itertools
import math

import pytest
import torch
from mmaction.registry import MODELS
from torch.testing import assert_close

from psp_plugin.models.losses import MaskedMotionLoss
from psp_plugin.models.necks import MaskedMotionDecoder

PATCHES, JOINTS, LENGTH, COORDINATES = 3, 4, 2, 3
TOKENS = PATCHES * JOINTS
SWITCHES = pytest.mark.parametrize(
    'hyperbolic, normalize',
    list(itertools.product([True, False], repeat=2)))


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def clips(b=2, size=1., dtype=torch.float64):
    return size * torch.randn(b, PATCHES * LENGTH, JOINTS, COORDINATES,
                              dtype=torch.float64).to(dtype)


def predicted(b=2, dtype=torch.float64):
    return torch.randn(b, TOKENS, LENGTH * COORDINATES,
                       dtype=torch.float64).to(dtype)


def random_indices(b=2, count=5):
    """Random indices, different for every sequence, not sorted."""
    return torch.stack([torch.randperm(TOKENS)[:count] for _ in range(b)])


# The loss

def slow_target(clip, p, v, hyperbolic, normalize):
    """Target of one token of one clip, (T, V, C) in lists."""
    out = []
    for t in range(p * LENGTH, (p + 1) * LENGTH):
        later = clip[min(t + 1, len(clip) - 1)]
        motion = [b - a for a, b in zip(clip[t][v], later[v])]
        norm = math.sqrt(sum(m * m for m in motion))
        if hyperbolic and norm > 0:
            motion = [m * min(math.tanh(norm), 1 - 1e-5) / norm
                      for m in motion]
        out += motion
    if not normalize:
        return out
    mean = sum(out) / len(out)
    variance = sum((y - mean)**2 for y in out) / (len(out) - 1)
    return [(y - mean) / math.sqrt(variance + 1e-6) for y in out]


@SWITCHES
@pytest.mark.parametrize('size', [1e-3, 1.])
def test_target_equals_the_loop(hyperbolic, normalize, size):
    x = clips(size=size)
    target = MaskedMotionLoss(hyperbolic, normalize).target(x, TOKENS)
    assert target.shape == (2, TOKENS, LENGTH * COORDINATES)
    for b, (p, v) in itertools.product(
            range(2), itertools.product(range(PATCHES), range(JOINTS))):
        expected = slow_target(x[b].tolist(), p, v, hyperbolic, normalize)
        assert target[b, p * JOINTS + v].tolist() == pytest.approx(
            expected, abs=1e-12)


def test_target_of_two_coordinates():
    x = clips()[..., :2]
    target = MaskedMotionLoss().target(x, TOKENS)
    expected = slow_target(x[1].tolist(), 2, 1, True, True)
    assert target[1, 2 * JOINTS + 1].tolist() == pytest.approx(expected)


@SWITCHES
def test_static_clip(hyperbolic, normalize):
    """Its target is 0 and its loss finite."""
    loss_rec = MaskedMotionLoss(hyperbolic, normalize)
    still = clips()[:, :1].expand(-1, PATCHES * LENGTH, -1, -1)
    assert not loss_rec.target(still, TOKENS).any()
    prediction = predicted().requires_grad_()
    loss = loss_rec(prediction, still, random_indices())['loss_rec']
    loss.backward()
    assert loss.isfinite() and prediction.grad.isfinite().all()


@SWITCHES
def test_loss_is_the_mean_over_masked_tokens(hyperbolic, normalize):
    """The mean over the tokens of all clips."""
    x, prediction, visible = clips(), predicted(), random_indices()
    loss = MaskedMotionLoss(hyperbolic, normalize, loss_weight=0.5)(
        prediction, x, visible)
    errors = []
    for b, (p, v) in itertools.product(
            range(2), itertools.product(range(PATCHES), range(JOINTS))):
        if p * JOINTS + v in visible[b].tolist():
            continue
        target = slow_target(x[b].tolist(), p, v, hyperbolic, normalize)
        row = prediction[b, p * JOINTS + v].tolist()
        errors.append(sum((a - t)**2 for a, t in zip(row, target)) / 6)
    assert len(errors) == 2 * (TOKENS - 5)
    assert list(loss) == ['loss_rec']
    assert loss['loss_rec'].item() == pytest.approx(
        0.5 * sum(errors) / len(errors))


def test_loss_is_0_if_masked_tokens_are_right():
    x, visible = clips(), random_indices()
    loss_rec = MODELS.build(dict(type='MaskedMotionLoss'))
    prediction = loss_rec.target(x, TOKENS)
    seen = torch.zeros(2, TOKENS, dtype=bool).scatter(1, visible, True)
    prediction[seen] += 7
    prediction.requires_grad_()
    assert loss_rec(prediction, x, visible)['loss_rec'] == 0
    (loss_rec(prediction + 1, x, visible)['loss_rec']).backward()
    assert not prediction.grad[seen].any()
    assert prediction.grad[~seen].all()


def test_gradient():
    x, visible = clips(), random_indices()
    assert torch.autograd.gradcheck(
        lambda y: MaskedMotionLoss()(y, x, visible)['loss_rec'],
        predicted().requires_grad_())


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
@pytest.mark.parametrize('autocast', [True, False])
def test_half_precision_is_computed_in_float32(dtype, autocast):
    x, visible = clips(dtype=torch.float32), random_indices()
    prediction = predicted(dtype=dtype)
    with torch.autocast('cpu', dtype, enabled=autocast):
        loss = MaskedMotionLoss()(prediction, x, visible)['loss_rec']
    assert loss.dtype == torch.float32
    assert torch.equal(loss, MaskedMotionLoss()(
        prediction.float(), x, visible)['loss_rec'])


# The decoder

def decoder(**kwargs):
    model = MODELS.build(dict(
        type='MaskedMotionDecoder', in_channels=5, out_channels=6,
        num_joints=JOINTS, num_patches=PATCHES,
        **dict(dict(embed_dims=8, depth=2, num_heads=2, mlp_ratio=2),
               **kwargs)))
    model.init_weights()
    return model.double()


def test_every_token_keeps_its_position():
    """All other positions have the mask token."""
    model, visible = decoder(), random_indices()
    tokens = torch.randn(2, 5, 8, dtype=torch.float64)
    out = model.restore(tokens, visible)
    assert out.shape == (2, TOKENS, 8)
    for b, (p, v) in itertools.product(
            range(2), itertools.product(range(PATCHES), range(JOINTS))):
        place, seen = p * JOINTS + v, visible[b].tolist()
        token = (tokens[b, seen.index(place)] if place in seen
                 else model.mask_token[0, 0])
        assert_close(out[b, place], token + model.time_code[0, p, 0] +
                     model.joint_code[0, 0, v], rtol=0, atol=1e-15)


def test_order_of_visible_tokens_changes_nothing():
    """If their indices are permuted in the same way."""
    model, visible = decoder(), random_indices()
    latent = torch.randn(2, 5, 5, dtype=torch.float64)
    order = torch.tensor([3, 1, 4, 0, 2])
    out = model(latent, visible)
    assert out.shape == (2, TOKENS, 6)
    assert_close(model(latent[:, order], visible[:, order]), out)
    assert (model(latent[:, order], visible) - out).abs().max() > 1e-4


@pytest.mark.parametrize('fused', [True, False])
def test_every_parameter_gets_a_gradient(fused):
    model = decoder(fused=fused)
    model(torch.randn(2, 5, 5, dtype=torch.float64),
          random_indices()).square().sum().backward()
    for name, value in model.named_parameters():
        assert value.grad.abs().max() > 1e-9, name


def test_autocast_to_bfloat16():
    model, visible = decoder().float(), random_indices()
    latent = torch.randn(2, 5, 5)
    with torch.autocast('cpu', torch.bfloat16):
        low = model(latent, visible)
    low.float().square().sum().backward()
    assert_close(low.float(), model(latent, visible), rtol=0.1, atol=0.1)
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_initial_embeddings():
    model = MaskedMotionDecoder(5, 6, 20, 20, embed_dims=64)
    for table in (model.mask_token, model.joint_code, model.time_code):
        assert table.std().item() == pytest.approx(0.02, rel=0.4)
        assert table.requires_grad
