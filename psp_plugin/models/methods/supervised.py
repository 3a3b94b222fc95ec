"""Labels only, with the loaders of the other methods."""
from typing import Dict

import torch
from mmaction.registry import MODELS

from ..recognizers.step import Step
from .base import UnlabeledMethod


@MODELS.register_module()
class SupervisedOnly(UnlabeledMethod):
    """Leaves the unlabelled clips alone, whether the batch has some or not.

    Source: "supervised only" of PSP Learning (arXiv 2302.02327), table 4.
    """

    views = ()

    def forward(self, step: Step) -> Dict[str, torch.Tensor]:
        """Gives no loss.

        Args:
            step (Step): Not read.
        """
        return {}
