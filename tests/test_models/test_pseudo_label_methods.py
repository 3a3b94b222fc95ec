"""Losses from pseudo-labels, against slow NumPy versions."""
import re
from math import exp

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from numpy.testing import assert_allclose
from torch.testing import assert_close
from unlabeled import (
    CLASSES,
    attached,
    cross_entropy,
    samples,
    softmax,
    step_of,
)

from psp_plugin.errors import InputError
from psp_plugin.models.methods.pseudo_label import describe_labels

U = 7
HALF = dict(type='FixedThreshold', threshold=0.5)
NEVER = dict(type='FixedThreshold', threshold=1.)
PSEUDO_LABEL = dict(type='PseudoLabel', mask=HALF)
FIXMATCH = dict(type='FixMatch', mask=HALF)
FREEMATCH = dict(type='FreeMatch', mask=dict(
    type='FreeMatchThreshold', decay=0.2), fairness_weight=0.3)
ENTROPY = dict(type='EntropyMinimization', loss_weight=1.)
ALL = pytest.mark.parametrize(
    'cfg', [PSEUDO_LABEL, FIXMATCH, FREEMATCH, ENTROPY],
    ids=lambda cfg: cfg['type'])


def draw_logits(seed=0):
    """Logits of both views; about half of the clips are confident."""
    generator = torch.Generator().manual_seed(seed)
    return {view: (2 * torch.randn(
        U, CLASSES, generator=generator, dtype=torch.float64)).requires_grad_()
        for view in ('weak', 'strong')}


def losses_of(out):
    return {name: x for name, x in out.items() if 'loss' in name}


def array(x):
    return x.detach().numpy()


def sure(weak, threshold=0.5):
    """Pseudo-labels, None below the threshold."""
    return [int(np.argmax(row)) if max(row) >= threshold else None
            for row in softmax(array(weak))]


def labelled_loss(logits, labels):
    """Mean over all clips; those without a label contribute 0."""
    return sum(cross_entropy(array(row), label) for row, label
               in zip(logits, labels) if label is not None) / len(labels)


def labelled_gradient(logits, labels):
    """(softmax - one-hot) / U of the clips with a label."""
    gradient = np.zeros((len(labels), CLASSES))
    for i, label in enumerate(labels):
        if label is not None:
            gradient[i] = softmax(array(logits))[i] / len(labels)
            gradient[i, label] -= 1 / len(labels)
    return gradient


# Pseudo-Label and FixMatch

@pytest.mark.parametrize('cfg, learns, loss_name', [
    (PSEUDO_LABEL, 'weak', 'loss_pseudo_label'),
    (FIXMATCH, 'strong', 'loss_fixmatch')],
    ids=['PseudoLabel', 'FixMatch'])
def test_loss_and_gradient(cfg, learns, loss_name):
    """The mean over all clips; the view that the labels are of has no
    gradient, unless it learns itself."""
    logits = draw_logits()
    labels = sure(logits['weak'])
    assert 1 < sum(x is not None for x in labels) < U
    out = attached(cfg)(step_of(**logits))
    assert list(losses_of(out)) == [loss_name]
    assert_allclose(out[loss_name].item(),
                    labelled_loss(logits[learns], labels), rtol=1e-9)
    out[loss_name].backward()
    assert_allclose(array(logits[learns].grad),
                    labelled_gradient(logits[learns], labels), atol=1e-9)
    if learns == 'strong':
        assert logits['weak'].grad is None
    assert not any(out[name].requires_grad for name in out
                   if 'loss' not in name)


def test_pseudo_label_of_lee_has_no_threshold():
    logits = draw_logits()
    method = attached(dict(PSEUDO_LABEL, mask=dict(HALF, threshold=0)))
    loss = method(step_of(**logits))['loss_pseudo_label']
    labels = sure(logits['weak'], 0)
    assert_allclose(loss.item(), labelled_loss(logits['weak'], labels))


@pytest.mark.parametrize('cfg', [PSEUDO_LABEL, FIXMATCH],
                         ids=lambda cfg: cfg['type'])
def test_soft_weights(cfg):
    """Weights of SoftMatch, which are computed once per step."""
    logits = draw_logits()
    mask = dict(type='SoftMatchWeight', decay=0.)
    method = attached(dict(cfg, mask=mask))
    out = method(step_of(**logits))
    mask_only = MODELS.build(mask)
    mask_only.attach(CLASSES)
    weights = mask_only(logits['weak'].detach().softmax(1), samples(U))
    assert len(weights.unique()) > 2
    learner = logits['weak' if cfg is PSEUDO_LABEL else 'strong']
    expected = sum(w * cross_entropy(array(row), label) for w, row, label in
                   zip(weights.tolist(), learner,
                       sure(logits['weak'], 0))) / U
    loss, = losses_of(out).values()
    assert_allclose(loss.item(), expected, rtol=1e-6)
    assert_close(method.mask.state_dict(), mask_only.state_dict())


def test_default_thresholds():
    for kind in ('PseudoLabel', 'FixMatch'):
        assert attached(dict(type=kind)).mask.threshold == 0.95


# FreeMatch

def slow_fairness(strong, used, prediction, histogram):
    """FreeMatch, equations 9 and 11: the classes that nothing was put into
    count 0, as in the released code."""
    probabilities = softmax(array(strong))
    mean, counts = np.zeros(CLASSES), np.zeros(CLASSES)
    for row, u in zip(probabilities, used):
        if u:
            mean += row / sum(used)  # Eq. 9
            counts[np.argmax(row)] += 1 / sum(used)

    def sum_norm(p, h):
        q = [p[c] / h[c] if h[c] > 0 else 0 for c in range(CLASSES)]
        return np.array(q) / sum(q)

    wanted = sum_norm(prediction, histogram)
    given = sum_norm(mean, counts)
    return sum(w * np.log(g + 1e-12) for w, g in zip(wanted, given))  # -H


def test_freematch():
    """Two batches: averages are updated, and the fairness loss uses them."""
    method = attached(FREEMATCH, loss_weight=2.)
    p = h = np.full(CLASSES, 1 / CLASSES)
    tau = 1 / CLASSES
    for seed in (0, 1):
        logits = draw_logits(seed)
        q = softmax(array(logits['weak']))
        tau = 0.2 * tau + 0.8 * q.max(1).mean()
        p = 0.2 * p + 0.8 * q.mean(0)
        h = 0.2 * h + 0.8 * np.bincount(
            q.argmax(1), minlength=CLASSES) / U
        used = [max(row) >= tau * p[row.argmax()] / max(p) for row in q]
        assert 1 < sum(used) < U
        labels = [int(row.argmax()) if u else None for row, u in zip(q, used)]
        out = method(step_of(**logits))
        assert set(losses_of(out)) == {'loss_freematch', 'loss_fairness'}
        assert_allclose(out['loss_freematch'].item(),
                        2 * labelled_loss(logits['strong'], labels),
                        rtol=1e-6)
        assert_allclose(
            out['loss_fairness'].item(),
            2 * 0.3 * slow_fairness(logits['strong'], used, p, h), rtol=1e-5)
        out['loss_freematch'].backward(retain_graph=True)
        assert_allclose(array(logits['strong'].grad),
                        2 * labelled_gradient(logits['strong'], labels),
                        atol=1e-9)
        logits['strong'].grad = None
        out['loss_fairness'].backward()
        moved = logits['strong'].grad.abs().sum(1) > 0
        assert moved.tolist() == used
        assert logits['weak'].grad is None


def test_gradient_of_the_fairness_loss():
    """Through the mean; the histogram is constant."""
    method, logits = attached(FREEMATCH), draw_logits()['strong']
    method.mask.double()
    assert torch.autograd.gradcheck(
        lambda x: method.fairness(x.softmax(1)), [logits])


def test_fairness_increases_rarer_classes():
    """All clips are predicted as class 0, but half are expected in 1."""
    method = attached(FREEMATCH)
    method.mask.prediction.copy_(torch.tensor([.5, .5, 0, 0, 0]))
    method.mask.histogram.copy_(torch.tensor([.5, .5, 0, 0, 0]))
    logits = torch.zeros(2, CLASSES)
    logits[:, 0], logits[0, 1], logits[1, 1] = 1, 0.5, 1.5
    logits.requires_grad_()
    method.fairness(logits.softmax(1)).backward()
    assert logits.grad.isfinite().all()
    assert logits.grad.abs().max() > 0


def test_freematch_without_fairness_is_fixmatch():
    mask = FREEMATCH['mask']
    first = attached(FREEMATCH, fairness_weight=0.)
    second = attached(dict(type='FixMatch', mask=mask))
    for seed in range(3):
        logits = draw_logits(seed)
        one, other = first(step_of(**logits)), second(step_of(**logits))
        assert_close(one.pop('loss_freematch'), other.pop('loss_fixmatch'),
                     rtol=0, atol=0)
        assert_close(list(one.values()), list(other.values()), rtol=0, atol=0)


def test_fairness_without_freematch_threshold_raises():
    with pytest.raises(InputError, match=re.escape(
            'the fairness loss of FreeMatch needs mask=dict(type='
            "'FreeMatchThreshold'), not FixedThreshold")):
        MODELS.build(dict(type='FreeMatch', mask=HALF))
    MODELS.build(dict(type='FreeMatch', mask=HALF, fairness_weight=0))


# Entropy minimization

def test_entropy():
    logits = draw_logits()
    out = attached(ENTROPY)(step_of(**logits))
    assert set(out) == {'loss_entropy', 'predicted_classes'}
    p = softmax(array(logits['weak']))
    expected = -sum(x * np.log(x) for row in p for x in row) / U
    assert_allclose(out['loss_entropy'].item(), expected, rtol=1e-9)
    mean = p.mean(0)
    assert_allclose(out['predicted_classes'].item(),
                    np.exp(-(mean * np.log(mean)).sum()), rtol=1e-6)
    assert not out['predicted_classes'].requires_grad
    out['loss_entropy'].backward()
    # d/dz_k of H is -p_k (log p_k + H).
    entropies = -(p * np.log(p)).sum(1, keepdims=True)
    assert_allclose(array(logits['weak'].grad),
                    -p * (np.log(p) + entropies) / U, atol=1e-9)
    assert logits['strong'].grad is None


def test_entropy_of_certain_clips():
    """A probability of 0 gives no NaN."""
    logits = torch.tensor([[500., 0, 0, 0, -500]], requires_grad=True)
    out = attached(ENTROPY)(step_of(weak=logits))
    out['loss_entropy'].backward()
    assert out['loss_entropy'] == 0 and out['predicted_classes'] == 1
    assert logits.grad.isfinite().all()


# All methods

@pytest.mark.parametrize('cfg', [
    dict(PSEUDO_LABEL, mask=NEVER), dict(FIXMATCH, mask=NEVER), FREEMATCH],
    ids=lambda cfg: cfg['type'])
def test_no_clip_is_used(cfg):
    method, logits = attached(cfg), draw_logits()
    if cfg is FREEMATCH:
        method.mask.decay = 1.
        method.mask.certainty.fill_(1.)
        method.mask.prediction.fill_(1.)
    out = method(step_of(**logits))
    for loss in losses_of(out).values():
        assert loss == 0
    sum(losses_of(out).values()).backward()
    learner = logits['weak' if cfg['type'] == 'PseudoLabel' else 'strong']
    assert (learner.grad == 0).all()
    for name in ('used_share', 'used_classes'):
        assert out[f'{log_name(cfg)}_{name}'] == 0


@ALL
def test_weight_of_the_loss(cfg):
    """After the ramp."""
    logits = draw_logits()
    weight = cfg.get('loss_weight', 1.)
    one = attached(cfg)(step_of(**logits))
    three = attached(cfg, loss_weight=3 * weight)(step_of(**logits))
    for name, value in one.items():
        factor = 3 if 'loss' in name else 1
        assert_close(three[name], factor * value)


@ALL
@pytest.mark.parametrize('ramp, factors', [
    (None, [1, 1, 1, 1]),
    (dict(type='LinearRamp'), [0, 0.5, 1, 1]),
    (dict(type='SigmoidRamp', end=0.2), [exp(-5), 1, 1, 1])])
def test_ramp(cfg, ramp, factors):
    logits = draw_logits()
    full = losses_of(attached(cfg, ramp=None)(step_of(**logits)))
    for progress, factor in zip((0., 0.2, 0.4, 1.), factors):
        out = losses_of(attached(cfg, ramp=ramp)(
            step_of(progress, **logits)))
        for name, value in full.items():
            assert_close(out[name], factor * value)


@pytest.mark.parametrize('kind, ramp', [
    ('PseudoLabel', 'LinearRamp'), ('EntropyMinimization', 'LinearRamp'),
    ('MeanTeacher', 'SigmoidRamp'), ('FixMatch', None), ('FreeMatch', None)])
def test_default_ramps(kind, ramp):
    given = MODELS.build(dict(type=kind)).ramp
    assert ramp == (given and type(given).__name__)
    assert given is None or given.end == 0.4


@pytest.mark.parametrize('progress, linear, sigmoid', [
    (0, 0, exp(-5)), (0.125, 0.25, exp(-5 * 0.75**2)),
    (0.25, 0.5, exp(-1.25)), (0.5, 1, 1), (0.75, 1, 1), (1, 1, 1)])
def test_ramps(progress, linear, sigmoid):
    for kind, value in (('LinearRamp', linear), ('SigmoidRamp', sigmoid)):
        ramp = MODELS.build(dict(type=kind, end=0.5))
        assert ramp(progress) == pytest.approx(value)


@pytest.mark.parametrize('end', [0, -1, 1.5, float('nan')])
def test_invalid_ramp_ends_raise(end):
    with pytest.raises(InputError, match=re.escape(
            'end of LinearRamp must be a share of the training in (0, 1]')):
        MODELS.build(dict(type='LinearRamp', end=end))


@ALL
@pytest.mark.parametrize('weight', [-1, float('nan')])
def test_invalid_loss_weights_raise(cfg, weight):
    with pytest.raises(InputError, match=f'loss_weight of {cfg["type"]} must '
                       'be at least 0'):
        MODELS.build(dict(cfg, loss_weight=weight))


# Logged statistics of pseudo-labels

def test_describe_labels():
    target = torch.eye(CLASSES)[[0, 0, 1, 2, 3]]
    weights = torch.tensor([1., 0.5, 0.5, 0., 0.])
    out = describe_labels('x', target, weights, samples(5))
    assert set(out) == {'x_used_share', 'x_used_classes'}
    assert out['x_used_share'].item() == pytest.approx(0.4)
    shares = np.array([0.75, 0.25])
    assert out['x_used_classes'].item() == pytest.approx(
        np.exp(-(shares * np.log(shares)).sum()))


def test_uniform_labels():
    out = describe_labels('x', torch.eye(CLASSES),
                          torch.full((CLASSES, ), 0.1), samples(CLASSES))
    assert out['x_used_classes'].item() == pytest.approx(CLASSES)


def test_describe_labels_without_used_labels():
    out = describe_labels('x', torch.eye(CLASSES), torch.zeros(CLASSES),
                          samples(CLASSES))
    assert out['x_used_share'] == 0 and out['x_used_classes'] == 0


def test_revealed_labels():
    """Classes 0 to 3 are taken for, the second and third are wrong."""
    target = torch.eye(CLASSES)[[0, 1, 2, 3]]
    weights = torch.tensor([1., 1., 0., 0.5])
    out = describe_labels('x', target, weights,
                          samples(4, revealed_label=[0, 2, 0, 3]))
    assert out['x_accuracy'].item() == 0.5
    assert out['x_used_and_right'].item() == pytest.approx(1.5 / 4)


@pytest.mark.parametrize('cfg', [PSEUDO_LABEL, FIXMATCH, FREEMATCH],
                         ids=lambda cfg: cfg['type'])
def test_revealed_labels_change_no_loss(cfg):
    logits = draw_logits()
    hidden = attached(cfg)(step_of(**logits))
    shown = attached(cfg)(step_of(**logits, data_samples=samples(
        U, revealed_label=sure(logits['weak'], 0))))
    name = log_name(cfg)
    assert shown.keys() - hidden.keys() == {
        f'{name}_accuracy', f'{name}_used_and_right'}
    assert_close({name: shown[name] for name in hidden}, hidden,
                 rtol=0, atol=0)
    assert shown[f'{name}_accuracy'] == 1
    assert_close(shown[f'{name}_used_and_right'], shown[f'{name}_used_share'])


def log_name(cfg):
    return cfg['type'].replace('PseudoLabel', 'pseudo_label').lower()
