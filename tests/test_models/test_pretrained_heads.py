"""Classifiers on a pre-trained encoder: closed forms, loops, errors."""
import re

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from torch.testing import assert_close

CLASSES, CHANNELS, JOINTS = 5, 4, 3
HEADS = {
    'linear': dict(type='LinearProbeHead', num_classes=CLASSES,
                   in_channels=CHANNELS),
    'mlp': dict(type='JointMLPHead', num_classes=CLASSES, hidden_channels=6,
                in_channels=CHANNELS, num_joints=JOINTS),
}
BOTH = pytest.mark.parametrize('name', HEADS)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def build(name, **kwargs):
    """A head with weights that are not close to 0, in float64."""
    head = MODELS.build(dict(HEADS[name], **kwargs)).double()
    for value in head.parameters():
        torch.nn.init.normal_(value)
    return head


def features(n=4, m=2, frames=3, dtype=torch.float64):
    return torch.randn(n, m, CHANNELS, frames, JOINTS,
                       dtype=torch.float64).to(dtype)


def slow_linear(head, x):
    """In training mode, normalised by the clips of the batch."""
    n, m, c, t, v = x.shape
    mean = np.zeros((n, c))
    for i, p, f, j in np.ndindex(n, m, t, v):
        mean[i] += x[i, p, :, f, j] / (m * t * v)
    y = (mean - mean.mean(0)) / np.sqrt(mean.var(0) + 1e-6)
    return y @ head.fc.weight.detach().numpy().T + head.fc.bias.tolist()


def slow_mlp(head, x):
    n, m, c, t, v = x.shape
    flat = np.zeros((n, v * c))
    for i, p, f, j in np.ndindex(n, m, t, v):
        flat[i, j * c:(j + 1) * c] += x[i, p, :, f, j] / (m * t)
    w0, b0, gain, shift, w1, b1 = (
        value.detach().numpy() for value in head.parameters())
    y = flat @ w0.T + b0
    y = (y - y.mean(0)) / np.sqrt(y.var(0) + 1e-5) * gain + shift
    return np.maximum(y, 0) @ w1.T + b1


def test_linear_equals_the_loop():
    head, x = build('linear'), features()
    assert_close(head(x).detach().numpy(), slow_linear(head, x.numpy()))
    assert [name for name, _ in head.named_parameters()] == ['fc.weight',
                                                             'fc.bias']


def test_linear_closed_form():
    """Two clips of opposite features become 1 and -1 in each channel."""
    head = build('linear')
    x = torch.ones(2, 1, CHANNELS, 2, JOINTS, dtype=torch.float64)
    x[1] = -x[0]
    weight = head.fc.weight.sum(1)
    expected = torch.stack([weight, -weight]) + head.fc.bias
    assert_close(head(x), expected, rtol=0, atol=1e-5)


def test_mlp_equals_the_loop():
    head, x = build('mlp', dropout=0), features()
    assert_close(head(x).detach().numpy(), slow_mlp(head, x.numpy()))


def test_mlp_closed_form():
    """Each joint has its own hidden units, and all joints contribute."""
    head = build('mlp', dropout=0, hidden_channels=JOINTS).eval()
    with torch.no_grad():
        hidden = head.hidden[0]
        hidden.weight.zero_()
        hidden.bias.zero_()
        for v in range(JOINTS):  # unit v adds up the channels of joint v
            hidden.weight[v, v * CHANNELS:(v + 1) * CHANNELS] = 1
        head.hidden[1].weight.fill_((1 + 1e-5)**0.5)
        head.hidden[1].bias.zero_()
    x = features()
    units = x.mean((1, 3)).sum(1).relu()  # N, V
    assert_close(head(x), units @ head.fc.weight.t() + head.fc.bias)


def test_dropout_only_in_training():
    head, x = build('mlp', dropout=0.5), features()
    assert not torch.equal(head(x), head(x))
    head.eval()
    assert torch.equal(head(x), head(x))
    # With dropout p, the rest is scaled by 1 / (1 - p).
    kept = head.train().dropout(torch.ones(10000)).unique()
    assert kept.tolist() == [0, 2]


@BOTH
def test_order_of_persons_and_frames_changes_nothing(name):
    head, x = build(name).eval(), features()
    logits = head(x)
    for dim in (1, 3):
        assert_close(head(x.flip(dim)), logits)
    assert torch.allclose(head(x.flip(4)), logits) is (name == 'linear')


@BOTH
def test_loss_and_predictions(name):
    head, x = build(name, label_smooth_eps=0.1), features()
    samples = [ActionDataSample().set_gt_label(i) for i in range(4)]
    losses = head.loss(x, samples)
    losses['loss_cls'].backward()
    assert set(losses) == {'loss_cls', 'top1_acc', 'top5_acc'}
    assert all(p.grad.isfinite().all() for p in head.parameters())
    head.eval()
    predicted = head.predict(x, samples[:2])  # two clips a sample
    expected = head(x).softmax(1).view(2, 2, -1).mean(1)
    assert_close(torch.stack([s.pred_score for s in predicted]), expected)


@BOTH
def test_logits_are_float32_under_autocast(name):
    head, x = build(name).float(), features(dtype=torch.bfloat16)
    samples = [ActionDataSample().set_gt_label(i) for i in range(4)]
    with torch.autocast('cpu', torch.bfloat16):
        logits = head(x)
        losses = head.loss(x, samples)
    assert logits.dtype == losses['loss_cls'].dtype == torch.float32
    assert losses['loss_cls'].isfinite()


@pytest.mark.parametrize('name, std', [('linear', 0.01), ('mlp', 0.02)])
def test_initial_weights(name, std):
    head = MODELS.build(dict(HEADS[name], num_classes=200, in_channels=50))
    head.init_weights()
    for module in head.modules():
        if isinstance(module, torch.nn.Linear):
            assert module.weight.std().item() == pytest.approx(std, rel=0.2)
            assert not module.bias.any()


@pytest.mark.parametrize('joints', [2, 4])
def test_other_joints_raise(joints):
    x = torch.randn(4, 2, CHANNELS, 3, joints)
    with pytest.raises(ValueError, match=re.escape(
            f'this JointMLPHead was built for 3 joints, the features have '
            f'{joints}: set cls_head=dict(num_joints={joints})')):
        MODELS.build(HEADS['mlp'])(x)
