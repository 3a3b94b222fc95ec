"""Supervised baseline with the dataloaders of the other methods."""
from typing import Dict

import torch
from mmaction.registry import MODELS

from ..recognizers.step import Step
from .base import UnlabeledMethod


@MODELS.register_module()
class SupervisedOnly(UnlabeledMethod):
    """Ignores the unlabelled clips, if the batch has any.

    Source: "supervised only" of PSP Learning (arXiv 2302.02327), table 4.
    """

    views = ()

    def forward(self, step: Step) -> Dict[str, torch.Tensor]:
        """Returns no loss.

        Args:
            step (Step): Not read.
        """
        return {}
