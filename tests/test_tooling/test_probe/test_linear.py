"""The linear layer: against loops, on separable clips, and random state."""
import math

import numpy as np
import pytest
import torch

from psp_plugin.errors import InputError
from psp_plugin.tooling.probe import fit_linear


def clusters(num_clips=60, classes=3, width=8, spread=.1, seed=0):
    """Clips around one point per class."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(num_clips) % classes
    centres = torch.randn(classes, width, generator=generator).double()
    noise = torch.randn(num_clips, width, generator=generator).double()
    return centres[labels] + spread * noise, labels


def slow(features, labels, classes, seed, epochs, lr):
    """The same logits by loops over clips, with PyTorch's random numbers."""
    generator = torch.Generator().manual_seed(seed)
    n, width = features.shape
    weight = torch.empty(classes, width).normal_(
        0, .01, generator=generator).double().numpy()
    bias = np.zeros(classes)
    speed = [np.zeros_like(weight), np.zeros_like(bias)]
    mean, variance = np.zeros(width), np.ones(width)
    x, y = features.numpy(), labels.numpy()
    batches = math.ceil(n / 256)
    for step in range(epochs * batches):
        if step % batches == 0:
            order = torch.randperm(n, generator=generator).numpy()
        chosen = np.array_split(order, batches)[step % batches]
        batch = x[chosen]
        mean = .9 * mean + .1 * batch.mean(0)
        variance = .9 * variance + .1 * batch.var(0, ddof=1)
        normal = (batch - batch.mean(0)) / np.sqrt(batch.var(0) + 1e-6)
        slopes = [np.zeros_like(weight), np.zeros_like(bias)]
        for row, label in zip(normal, y[chosen]):
            score = np.exp(weight @ row + bias)
            gap = score / score.sum() - np.eye(classes)[label]
            slopes[0] += np.outer(gap, row) / len(chosen)
            slopes[1] += gap / len(chosen)
        rate = lr / 2 * (1 + math.cos(math.pi * step / (epochs * batches)))
        for i, slope in enumerate(slopes):
            speed[i] = .9 * speed[i] + slope
        weight, bias = weight - rate * speed[0], bias - rate * speed[1]
    return (x - mean) / np.sqrt(variance + 1e-6) @ weight.T + bias


@pytest.mark.parametrize('num_clips', [13, 257])
def test_equals_loops(num_clips):
    """One batch; two, one of which would contain a single clip."""
    features, labels = clusters(num_clips, spread=1)
    layer = fit_linear(features, labels, 4, seed=3, epochs=7, lr=.2)
    np.testing.assert_allclose(
        layer(features).numpy(), slow(features, labels, 4, 3, 7, .2),
        rtol=1e-9, atol=1e-9)


def test_separable_classes_are_classified():
    features, labels = clusters()
    fresh, truth = clusters(spread=.2)
    layer = fit_linear(features.float() * 1e-3, labels, 3)
    assert (layer(fresh.float() * 1e-3).argmax(1) == truth).all()
    assert not layer.training and not any(
        p.requires_grad for p in layer.parameters())


def test_a_seed_determines_the_layer_and_the_global_state_stays():
    features, labels = clusters(spread=2)
    state = torch.get_rng_state()
    first, again, other = (
        fit_linear(features, labels, 3, seed, epochs=5)[1].weight
        for seed in (0, 0, 1))
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_a_class_without_clips_is_allowed():
    features, labels = clusters(classes=2)
    predicted = fit_linear(features, labels + 1, 4)(features).argmax(1)
    assert torch.equal(predicted, labels + 1)


@pytest.mark.parametrize('num_clips, lr, message', [
    (1, .1, 'to a single labelled clip, as batch norm needs two'),
    (9, 0, 'learning rate must be positive, not 0'),
    (9, math.nan, 'learning rate must be positive, not nan'),
    (9, 1e308, 'has diverged with learning rate 1e.308: lower it'),
])
def test_invalid_arguments_raise(num_clips, lr, message):
    features, labels = clusters(num_clips, spread=3)
    with pytest.raises(InputError, match=message):
        fit_linear(features, labels, 3, lr=lr)
