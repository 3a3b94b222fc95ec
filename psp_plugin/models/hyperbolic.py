"""The Poincare ball of curvature -1: exponential map and distances.

Always computed in at least float32, since half precision rounds points close
to the boundary, whose norm is 1, onto it.
"""
import torch

from .precision import at_least_float32

# Largest norm of a point. Float32 cannot resolve distances beyond it.
MAX_NORM = 1 - 1e-5


def exponential_map(x: torch.Tensor) -> torch.Tensor:
    """Maps vectors into the ball, tanh(|x|) / |x| x.

    Source: HA-CM (arXiv 2409.17951), released implementation: the exponential
    map at the origin. Departs from it in clamping norms to 1 - 1e-5; the
    released code keeps norms between 1 - 1e-5 and 1, whose distances are
    wrong by up to a third in float32.

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

    The inverse of :func:`exponential_map`. Norms are clamped to 1 - 1e-5, so
    the norm of the result is at most 6.1.

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
    """Computes distances between points of the ball.

    d(a, b) = arcosh(1 + 2 |a - b|^2 / ((1 - |a|^2) (1 - |b|^2)))

    Args:
        a (Tensor): (..., I, D) points, norms below 1.
        b (Tensor): (..., J, D) points.
        factor (float): Factor of the fraction. 2 is the distance; the
            released HA-CM uses 4. Defaults to 2.

    Returns:
        Tensor: (..., I, J), at least float32.
    """
    with torch.autocast(a.device.type, enabled=False):
        a, b = at_least_float32(a), at_least_float32(b)
        # Without the matrix product, whose cancellation errors the small
        # denominators would amplify.
        squared = torch.cdist(
            a, b, compute_mode='donot_use_mm_for_euclid_dist').square()
        inside = ((1 - a.square().sum(-1))[..., :, None] *
                  (1 - b.square().sum(-1))[..., None, :])
        return torch.acosh(1 + factor * squared / inside)
