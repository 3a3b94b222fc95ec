"""Sampling of visible tokens: Gumbel top-k over scores."""
from fractions import Fraction
from typing import Optional

import torch

from psp_plugin.errors import InputError


class TokenSampler:
    """Samples the visible tokens according to their scores.

    The keys are log softmax(s / (tau max s)) plus Gumbel noise, and the
    tokens of the largest (or smallest) keys stay visible. Large scores are
    thus up to exp(1 / tau) times as likely as small ones.

    Source: HA-CM (arXiv 2409.17951) and MAMP (arXiv 2308.07092), released
    implementations.

    Args:
        mask_ratio (float): Share of masked tokens, in (0, 1); at least one
            token stays visible.
        temperature (float): Tau, positive.
        keep (str): ``'high'`` or ``'low'``: which keys stay visible.

    Raises:
        InputError: If an argument is invalid.
    """

    def __init__(self, mask_ratio: float, temperature: float,
                 keep: str) -> None:
        if not 0 < mask_ratio < 1:
            raise InputError('mask_ratio must be between 0 and 1, not '
                             f'{mask_ratio!r}')
        if not temperature > 0:
            raise InputError('temperature must be positive, not '
                             f'{temperature!r}')
        if keep not in ('high', 'low'):
            raise InputError(f"keep must be 'high' or 'low', not {keep!r}")
        # Exact decimal arithmetic: 0.9 of 70 tokens leaves 7.
        self.visible = 1 - Fraction(str(mask_ratio))
        self.temperature = temperature
        self.keep = keep

    def count(self, num_tokens: int) -> int:
        """Returns how many of ``num_tokens`` tokens stay visible."""
        return max(int(self.visible * num_tokens), 1)

    def __call__(self, scores: torch.Tensor,
                 noise: Optional[torch.Tensor] = None) -> torch.Tensor:
        """Samples the visible tokens.

        Args:
            scores (Tensor): (B, L), not negative, float32 or float64.
            noise (Tensor, optional): (B, L) uniform random numbers in [0, 1).
                Defaults to None: from PyTorch's generator.

        Returns:
            Tensor: (B, K) indices of the visible tokens, best key first.
        """
        keys = self.keys(scores, noise)
        order = keys.argsort(dim=1, descending=self.keep == 'high')
        return order[:, :self.count(scores.size(1))]

    def keys(self, scores: torch.Tensor,
             noise: Optional[torch.Tensor] = None) -> torch.Tensor:
        """Computes the keys, (B, L), see the class."""
        if noise is None:
            noise = torch.rand_like(scores)
        largest = scores.amax(1, keepdim=True)
        scaled = scores / (self.temperature * largest + 1e-10)
        gumbel = -torch.log(-torch.log(noise + 1e-10) + 1e-10)
        return torch.log_softmax(scaled, 1) + gumbel
