"""The Poincare ball: its map and distance against loops and identities."""
import math

import pytest
import torch
from torch.testing import assert_close

from psp_plugin.models.hyperbolic import (
    MAX_NORM,
    exponential_map,
    poincare_distance,
)

EXACT = dict(rtol=0, atol=1e-12)


def vectors(*shape, size=1., seed=0):
    generator = torch.Generator().manual_seed(seed)
    return size * torch.randn(*shape, generator=generator,
                              dtype=torch.float64)


def slow_map(x):
    """tanh(|x|) / |x| x of one vector, of norm 1 - 1e-5 at most."""
    norm = math.sqrt(sum(c * c for c in x))
    return [c * min(math.tanh(norm), 1 - 1e-5) / norm for c in x]


def slow_distance(a, b, factor=2.):
    distance = sum((i - j)**2 for i, j in zip(a, b))
    inside = (1 - sum(i * i for i in a)) * (1 - sum(j * j for j in b))
    return math.acosh(1 + factor * distance / inside)


@pytest.mark.parametrize('size', [1e-6, 0.1, 1., 5., 100.])
def test_map_equals_the_loop(size):
    x = vectors(2, 3, 4, size=size)
    expected = torch.tensor([slow_map(row) for row in x.view(-1, 4).tolist()],
                            dtype=torch.float64)
    assert_close(exponential_map(x).view(-1, 4), expected, **EXACT)


@pytest.mark.parametrize('dtype', [torch.float32, torch.float64])
def test_zero_stays_zero_and_its_gradient_is_the_identity(dtype):
    x = torch.zeros(2, 3, dtype=dtype, requires_grad=True)
    out = exponential_map(x)
    out.sum().backward()
    assert not out.any()
    assert torch.equal(x.grad, torch.ones_like(x))


@pytest.mark.parametrize('size', [1e-3, 1., 6., 20., 1e4])
def test_points_are_inside_the_ball_in_float32(size):
    """Otherwise distances would be infinite."""
    x = vectors(500, 64, size=size).float()
    y = exponential_map(x)
    norm = y.double().norm(dim=-1)
    assert norm.max() < MAX_NORM + 1e-6
    assert_close(torch.nn.functional.cosine_similarity(x, y),
                 torch.ones(500))
    assert poincare_distance(y, -y).isfinite().all()


@pytest.mark.parametrize('size', [0.3, 3., 30.])
def test_gradient_of_the_map(size):
    """Also beyond 1 - 1e-5, where the norm is constant."""
    x = vectors(3, 4, size=size).requires_grad_()
    assert torch.autograd.gradcheck(exponential_map, x)


@pytest.mark.parametrize('factor', [2., 4.])
def test_distance_equals_the_loop(factor):
    a = exponential_map(vectors(2, 3, 4))
    b = exponential_map(vectors(2, 5, 4, seed=1))
    out = poincare_distance(a, b, factor)
    assert out.shape == (2, 3, 5)
    for n, i, j in torch.cartesian_prod(*map(torch.arange, out.shape)):
        expected = slow_distance(a[n, i].tolist(), b[n, j].tolist(), factor)
        assert out[n, i, j].item() == pytest.approx(expected, rel=1e-12)


def test_distance_equals_that_of_moebius_addition():
    """2 artanh |-a + b|, the metric's other form."""
    a, b = (exponential_map(vectors(6, 4, seed=seed)) for seed in (0, 1))
    dot, x, y = -(a * b).sum(-1), a.square().sum(-1), b.square().sum(-1)
    added = ((1 + 2 * dot + y)[:, None] * -a + (1 - x)[:, None] * b)
    norm = added.norm(dim=-1) / (1 + 2 * dot + x * y)
    assert_close(poincare_distance(a, b).diagonal(), 2 * torch.atanh(norm))


def test_distance_from_the_origin_is_twice_the_length():
    x = vectors(8, 5)
    out = poincare_distance(torch.zeros(1, 5).double(), exponential_map(x))
    assert_close(out[0], 2 * x.norm(dim=-1))


@pytest.mark.parametrize('size', [0.1, 1., 10.])
def test_distance_in_float32_close_to_the_boundary(size):
    """Exactly symmetric with a zero diagonal; the error is at most 1%."""
    points = exponential_map(vectors(40, 32, size=size).float())
    out = poincare_distance(points, points)
    assert out.dtype == torch.float32
    assert torch.equal(out, out.t())
    assert not out.diagonal().any()
    exact = poincare_distance(points.double(), points.double())
    assert_close(out.double(), exact, rtol=0.01, atol=0)
    assert out[~torch.eye(40, dtype=bool)].min() > 0.01


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(dtype):
    x, y = (vectors(6, 4, seed=seed).to(dtype) for seed in (0, 1))
    points = exponential_map(x)
    assert points.dtype == torch.float32
    assert torch.equal(points, exponential_map(x.float()))
    low = points.to(dtype), (y / 10)
    distance = poincare_distance(*low)
    assert distance.dtype == torch.float32
    assert torch.equal(distance, poincare_distance(*(p.float() for p in low)))


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_autocast_changes_nothing(dtype):
    x, y = (vectors(6, 4, seed=seed).float() for seed in (0, 1))
    with torch.autocast('cpu', dtype):
        points = exponential_map(x)
        distance = poincare_distance(points, exponential_map(y))
    assert points.dtype == distance.dtype == torch.float32
    assert torch.equal(points, exponential_map(x))
    assert torch.equal(distance,
                       poincare_distance(points, exponential_map(y)))
