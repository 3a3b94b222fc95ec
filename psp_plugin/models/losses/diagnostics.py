"""What tells a contrast that learns from one that has collapsed.

All take features before normalisation, in any precision, and compute in at
least float32 without gradient. Shape legend: N clip, C' channel.
"""
import torch
import torch.nn.functional as F

SATURATED = 0.99  # of a tanh, which ends at 1


def _unit(features: torch.Tensor) -> torch.Tensor:
    """Features (N, C') of length 1, in at least float32."""
    features = features.detach()
    features = features.to(torch.promote_types(features.dtype, torch.float32))
    return F.normalize(features, dim=1)


def alignment(joint: torch.Tensor, motion: torch.Tensor) -> torch.Tensor:
    """Mean squared distance of positives; 0 if both streams agree, at most 4.

    Source: Wang and Isola, "Understanding Contrastive Representation Learning
    through Alignment and Uniformity on the Hypersphere", ICML 2020.

    Args:
        joint (Tensor): (N, C').
        motion (Tensor): (N, C'), of the same clips.
    """
    return (_unit(joint) - _unit(motion)).square().sum(1).mean()


def uniformity(features: torch.Tensor) -> torch.Tensor:
    """Logarithm of the mean of exp(-2 d^2) over pairs of clips.

    0 if all features are one, the lower the more they are spread (about -4
    for uniform ones in many dimensions).

    Source: Wang and Isola, ICML 2020.

    Args:
        features (Tensor): (N, C') of one stream, N of at least 2.
    """
    return torch.pdist(_unit(features)).square().mul(-2).exp().mean().log()


def effective_rank(features: torch.Tensor) -> torch.Tensor:
    """How many directions the features of length 1 use, 1 to min(N, C').

    The exponential of the entropy of their singular values, not centred: 1 if
    all features are one, NaN if one is not finite.

    Source: Roy and Vetterli, "The effective rank: A measure of effective
    dimensionality", EUSIPCO 2007.

    Args:
        features (Tensor): (N, C').
    """
    unit = _unit(features)
    # The decomposition refuses NaN with an error of its own.
    values = torch.linalg.svdvals(unit.nan_to_num())
    # Features of zeros stay zeros, and count as one direction.
    shares = values / values.sum().clamp_min(torch.finfo(values.dtype).tiny)
    rank = torch.special.entr(shares).sum().exp()
    return torch.where(unit.isfinite().all(), rank, torch.nan)


def saturation(attention: torch.Tensor) -> torch.Tensor:
    """Share of entries of a tanh map beyond 0.99, where gradients vanish.

    Args:
        attention (Tensor): A level's own map, equation 4, of any shape.
    """
    return (attention.detach().abs() > SATURATED).float().mean()
