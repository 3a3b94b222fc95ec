"""Diagnostics of the contrast: closed forms and plain loops."""
import math

import numpy as np
import pytest
import torch

from psp_plugin.models.losses.diagnostics import (
    alignment,
    effective_rank,
    saturation,
    uniformity,
)

N, C = 7, 5


@pytest.fixture
def pair():
    torch.manual_seed(0)
    return torch.randn(2, N, C).unbind()


def unit(x):
    x = x.double().numpy()
    return [row / math.sqrt(sum(v * v for v in row)) for row in x]


def distance(a, b):
    return sum((x - y)**2 for x, y in zip(a, b))


def test_alignment_against_a_loop(pair):
    joint, motion = map(unit, pair)
    expected = sum(distance(*each) for each in zip(joint, motion)) / N
    assert alignment(*pair).item() == pytest.approx(expected, rel=1e-5)


def test_uniformity_against_a_loop(pair):
    x = unit(pair[0])
    values = [math.exp(-2 * distance(x[i], x[j]))
              for i in range(N) for j in range(i)]
    expected = math.log(sum(values) / len(values))
    assert uniformity(pair[0]).item() == pytest.approx(expected, rel=1e-5)


def test_effective_rank_against_numpy(pair):
    values = np.linalg.svd(np.array(unit(pair[0])), compute_uv=False)
    shares = values / values.sum()
    expected = math.exp(-sum(p * math.log(p) for p in shares))
    assert effective_rank(pair[0]).item() == pytest.approx(expected, rel=1e-5)


def test_identical_features():
    x = torch.ones(N, C)
    assert alignment(x, 3 * x).item() == pytest.approx(0, abs=1e-6)
    assert uniformity(x).item() == pytest.approx(0, abs=1e-5)
    assert effective_rank(x).item() == pytest.approx(1, abs=1e-2)


def test_orthogonal_features():
    x = torch.eye(C)
    assert alignment(x, -x).item() == pytest.approx(4)
    assert uniformity(x).item() == pytest.approx(-4)
    assert effective_rank(x).item() == pytest.approx(C)


def test_features_of_zeros():
    x = torch.zeros(N, C)
    assert alignment(x, x) == uniformity(x) == 0
    assert effective_rank(x) == 1


def test_non_finite_features(pair):
    pair[0][1, 2] = torch.nan
    for value in (alignment(*pair), uniformity(pair[0]),
                  effective_rank(pair[0])):
        assert value.isnan()


def test_autocast_changes_nothing(pair):
    with torch.autocast('cpu', torch.bfloat16):
        values = alignment(*pair), uniformity(pair[0]), effective_rank(pair[0])
    assert values == (alignment(*pair), uniformity(pair[0]),
                      effective_rank(pair[0]))


def test_saturation():
    maps = torch.tensor([[.5, -.5], [.995, -1.]])
    assert saturation(maps).item() == .5
    assert saturation(maps / 2).item() == 0


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_single(pair, dtype):
    half = [x.to(dtype).requires_grad_() for x in pair]
    for value in (alignment(*half), uniformity(half[0]),
                  effective_rank(half[0])):
        assert value.dtype == torch.float32 and not value.requires_grad
    assert alignment(*half).item() == pytest.approx(
        alignment(*pair).item(), rel=.05)
