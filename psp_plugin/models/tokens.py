"""What a transformer makes of clips before it encodes them."""
from typing import NamedTuple

import torch


class Tokens(NamedTuple):
    """Tokens of B sequences: P patches of frames x V joints, D channels."""
    clips: torch.Tensor
    """(B, T, V, C) coordinates of the joints that are tokens."""
    euclid: torch.Tensor
    """(B, P, V, D) patch embedding with joint and time code."""
    root: torch.Tensor
    """(B, P, D) root of the joint hierarchy, in the Poincare ball."""


def gather_tokens(x: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Takes tokens from their places.

    Args:
        x (Tensor): (B, L, D).
        index (Tensor): (B, K) places.

    Returns:
        Tensor: (B, K, D).
    """
    return x.gather(1, index.unsqueeze(-1).expand(-1, -1, x.size(-1)))
