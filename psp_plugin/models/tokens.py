"""Tokens: the input of a transformer encoder."""
from typing import NamedTuple

import torch


class Tokens(NamedTuple):
    """Tokens of B sequences: P patches of frames x V joints, D channels."""
    clips: torch.Tensor
    """(B, T, V, C) coordinates of the joints that are tokens."""
    euclid: torch.Tensor
    """(B, P, V, D) patch embedding with joint and time embedding."""
    root: torch.Tensor
    """(B, P, D) root of the joint hierarchy, in the Poincare ball."""


def gather_tokens(x: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Selects tokens by index.

    Args:
        x (Tensor): (B, L, D).
        index (Tensor): (B, K) indices.

    Returns:
        Tensor: (B, K, D).
    """
    return x.gather(1, index.unsqueeze(-1).expand(-1, -1, x.size(-1)))
