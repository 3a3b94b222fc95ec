"""The Poincare ball of curvature -1: the map into it, distances in it.

Always computed in at least float32, since points close to the boundary, of
norm 1, cannot be told from it in half precision.
"""
import torch

from .precision import at_least_float32

# The largest norm of a point. Float32 cannot resolve distances beyond it.
MAX_NORM = 1 - 1e-5


def exponential_map(x: torch.Tensor) -> torch.Tensor:
    """Maps vectors into the ball, tanh(|x|) / |x| x.

    Source: HA-CM (arXiv 2409.17951), released implementation: the exponential
    map at the origin. Departs from it in one thing: norms end at 1 - 1e-5,
    while the released code lets those between 1 - 1e-5 and 1 stand, whose
    distances float32 gets wrong by up to a third.

    Args:
        x (Tensor): (..., D). Zero stays zero.

    Returns:
        Tensor: (..., D), norms below 1, at least float32.
    """
    with torch.autocast(x.device.type, enabled=False):
        x = at_least_float32(x)
        norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        norm = norm.clamp_min(1e-12)
        return x * (torch.tanh(norm).clamp_max(MAX_NORM) / norm)


def logarithmic_map(x: torch.Tensor) -> torch.Tensor:
    """Maps points of the ball back, artanh(|x|) / |x| x.

    Source: the inverse of :func:`exponential_map`. Departs from it in that
    points beyond norm 1 - 1e-5 are taken for points at it: vectors end at
    norm 6.1.

    Args:
        x (Tensor): (..., D). Zero stays zero.

    Returns:
        Tensor: (..., D), at least float32.
    """
    with torch.autocast(x.device.type, enabled=False):
        x = at_least_float32(x)
        norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        norm = norm.clamp_min(1e-12)
        return x * (torch.atanh(norm.clamp_max(MAX_NORM)) / norm)


def poincare_distance(a: torch.Tensor, b: torch.Tensor,
                      factor: float = 2.) -> torch.Tensor:
    """Distances between points of the ball.

    d(a, b) = arcosh(1 + 2 |a - b|^2 / ((1 - |a|^2) (1 - |b|^2)))

    Args:
        a (Tensor): (..., I, D) points, norms below 1.
        b (Tensor): (..., J, D) points.
        factor (float): 2 is the distance; the released HA-CM has 4. Defaults
            to 2.

    Returns:
        Tensor: (..., I, J), at least float32.
    """
    with torch.autocast(a.device.type, enabled=False):
        a, b = at_least_float32(a), at_least_float32(b)
        # Not by the matrix product, whose cancellation the small denominators
        # would blow up.
        apart = torch.cdist(
            a, b, compute_mode='donot_use_mm_for_euclid_dist').square()
        inside = ((1 - a.square().sum(-1))[..., :, None] *
                  (1 - b.square().sum(-1))[..., None, :])
        return torch.acosh(1 + factor * apart / inside)
