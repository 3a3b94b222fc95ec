"""Which pseudo-labels count: the weight of every unlabelled clip.

Shape legend: U unlabelled clip, K class.
"""
from typing import List

import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from torch import nn

from psp_plugin.errors import InputError


@MODELS.register_module()
class FixedThreshold(nn.Module):
    """A clip counts if its largest probability reaches a threshold.

    Source: FixMatch (arXiv 2001.07685), equation 4.

    Args:
        threshold (float): Tau. Defaults to 0.95.

    Raises:
        InputError: If it is not in [0, 1].
    """

    def __init__(self, threshold: float = 0.95) -> None:
        super().__init__()
        if not 0 <= threshold <= 1:
            raise InputError('threshold of FixedThreshold must be in [0, 1], '
                             f'not {threshold!r}')
        self.threshold = threshold

    def forward(self, probabilities: torch.Tensor,
                samples: List[ActionDataSample]) -> torch.Tensor:
        """Weighs clips.

        Args:
            probabilities (Tensor): (U, K), without gradients.
            samples (list): Not read.

        Returns:
            Tensor: (U, ) of 0 and 1.
        """
        sure = probabilities.max(1).values >= self.threshold
        return sure.to(probabilities)
