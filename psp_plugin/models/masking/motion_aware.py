"""The masking of MAMP, by motion.

Shape legend: B sequence (one person of one clip), P patch of frames, V joint,
C coordinate.
"""
from typing import List, Optional, Sequence

import torch
from mmaction.registry import MODELS
from torch import nn

from ..precision import at_least_float32
from ..tokens import Tokens
from .gumbel import TokenSampler


@MODELS.register_module()
class MotionAwareMasking(nn.Module):
    """Masks preferably the tokens whose joint moves most.

    The motion of a token is the mean absolute difference to the frames of the
    previous patch; the first patch has the motion of the second.

    Source: MAMP (Mao et al., ICCV 2023, arXiv 2308.07092), released
    implementation. Departs from it in the number of visible tokens, which is
    computed without rounding errors: a tenth of 750 tokens is 75, not 74.

    Args:
        mask_ratio (float): Share of masked tokens. Defaults to 0.9.
        temperature (float): Tau of the sampling. Defaults to 0.8.

    Attributes:
        group_names (tuple[str]): Name of the group of tokens.

    Raises:
        InputError: If an argument is out of range.
    """
    group_names = ('visible', )

    def __init__(self, mask_ratio: float = 0.9,
                 temperature: float = 0.8) -> None:
        super().__init__()
        self.sample = TokenSampler(mask_ratio, temperature, keep='low')

    @torch.no_grad()
    def forward(
            self,
            tokens: Tokens,
            noise: Optional[Sequence[torch.Tensor]] = None
    ) -> List[torch.Tensor]:
        """Chooses the tokens that stay visible.

        Args:
            tokens (Tokens): The encoder's tokens.
            noise (Sequence[Tensor], optional): One tensor (B, P V) of uniform
                random numbers in [0, 1). Defaults to None: from PyTorch's
                generator.

        Returns:
            list[Tensor]: One group, the indices p V + v of the visible
            tokens, (B, K).
        """
        scores = self.scores(tokens).flatten(1)
        return [self.sample(scores, None if noise is None else noise[0])]

    def scores(self, tokens: Tokens) -> torch.Tensor:
        """Computes the motion of tokens, (B, P, V), at least float32."""
        patches = tokens.euclid.size(1)
        clips = at_least_float32(tokens.clips)
        x = clips.unflatten(1, (patches, -1))  # B, P, p, V, C
        motion = x.diff(dim=1).abs().mean((2, 4))
        if patches == 1:
            return motion.new_zeros(len(x), 1, x.size(3))
        return torch.cat((motion[:, :1], motion), 1)
