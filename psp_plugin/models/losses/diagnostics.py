"""Diagnostics of a contrast, which show whether its features collapse.

All functions accept features before normalisation, in any precision, and
compute in at least float32 without gradient. Shape legend: N clip, C'
channel.
"""
import torch
import torch.nn.functional as F

SATURATED = 0.99  # output of a tanh, which is below 1


def _unit(features: torch.Tensor) -> torch.Tensor:
    """Normalises features (N, C') to length 1, in at least float32."""
    features = features.detach()
    features = features.to(torch.promote_types(features.dtype, torch.float32))
    return F.normalize(features, dim=1)


def alignment(joint: torch.Tensor, motion: torch.Tensor) -> torch.Tensor:
    """Mean squared distance of positives: 0 if both streams agree, at most 4.

    Source: Wang and Isola, "Understanding Contrastive Representation Learning
    through Alignment and Uniformity on the Hypersphere", ICML 2020.

    Args:
        joint (Tensor): (N, C').
        motion (Tensor): (N, C'), of the same clips.
    """
    return (_unit(joint) - _unit(motion)).square().sum(1).mean()


def uniformity(features: torch.Tensor) -> torch.Tensor:
    """Logarithm of the mean of exp(-2 d^2) over pairs of clips.

    0 if all features are identical, and lower the more they spread (about -4
    for a uniform distribution in many dimensions).

    Source: Wang and Isola, ICML 2020.

    Args:
        features (Tensor): (N, C') of one stream, N of at least 2.
    """
    return torch.pdist(_unit(features)).square().mul(-2).exp().mean().log()


def effective_rank(features: torch.Tensor) -> torch.Tensor:
    """Effective number of dimensions of the features, 1 to min(N, C').

    The exponential of the entropy of the singular values of the normalised,
    not centred features: 1 if all features are identical, NaN if one is not
    finite.

    Source: Roy and Vetterli, "The effective rank: A measure of effective
    dimensionality", EUSIPCO 2007.

    Args:
        features (Tensor): (N, C').
    """
    unit = _unit(features)
    # svdvals raises an error for NaN.
    values = torch.linalg.svdvals(unit.nan_to_num())
    # Features of zeros stay zeros, and count as one dimension.
    shares = values / values.sum().clamp_min(torch.finfo(values.dtype).tiny)
    rank = torch.special.entr(shares).sum().exp()
    return torch.where(unit.isfinite().all(), rank, torch.nan)


def saturation(attention: torch.Tensor) -> torch.Tensor:
    """Share of entries of a tanh map beyond 0.99, where gradients vanish.

    Args:
        attention (Tensor): A level's own map, equation 4, of any shape.
    """
    return (attention.detach().abs() > SATURATED).float().mean()
