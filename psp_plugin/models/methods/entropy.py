"""Entropy minimization (Grandvalet and Bengio, NeurIPS 2004)."""
from typing import Dict, Optional

import torch
from mmaction.registry import MODELS

from ..recognizers.step import Step
from .base import UnlabeledMethod


@MODELS.register_module()
class EntropyMinimization(UnlabeledMethod):
    """Minimises the entropy of the predictions for unlabelled clips.

    Together with ``VAT`` it is the tables' "VAT + EntMin". Without other
    methods and with few labels, all clips can collapse into one class: watch
    ``predicted_classes``.

    Source: Grandvalet and Bengio (2004), conditional entropy. Departs from
    USB in ramping the weight, and in encoding unlabelled and labelled clips
    in one pass, with common batch norm statistics.

    Args:
        loss_weight (float): Defaults to 0.06, which USB (Wang et al.,
            NeurIPS 2022) uses together with VAT; Miyato et al. use 1.
        ramp (dict, optional): Defaults to ``LinearRamp`` over 40% of the
            training.
    """

    def __init__(self, loss_weight: float = 0.06,
                 ramp: Optional[dict] = dict(type='LinearRamp')) -> None:
        super().__init__(loss_weight, ramp)

    def forward(self, step: Step) -> Dict[str, torch.Tensor]:
        """Computes ``loss_entropy``.

        Args:
            step (Step): The batch, with the view ``weak`` encoded.

        Returns:
            dict[str, Tensor]: The loss, and ``predicted_classes``, the
            exponential of the mean prediction's entropy.
        """
        logits = step.logits('weak')
        probabilities = logits.softmax(1)
        entropy = -(probabilities * logits.log_softmax(1)).sum(1).mean()
        spread = torch.special.entr(probabilities.detach().mean(0)).sum()
        return dict(loss_entropy=self.weight(step) * entropy,
                    predicted_classes=spread.exp())
