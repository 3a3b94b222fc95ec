"""FixMatch (Sohn et al., NeurIPS 2020) and what differs by the mask alone."""
from typing import Dict, Optional

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from torch import nn

from psp_plugin.models.recognizers.step import Step

from .base import UnlabeledMethod
from .pseudo_label import describe_labels


@MODELS.register_module()
class FixMatch(UnlabeledMethod):
    """Labels the weakly augmented clip, learns from the strongly augmented.

    Source: Sohn et al. (arXiv 2001.07685), equation 4 and algorithm 1. The
    labelled clips and both views go through the encoder as one batch.
    Departure: what is tested is the student; the published average of its
    weights is ``EMAHook``.

    With ``mask=dict(type='FlexMatchThreshold', num_clips=...)`` it is
    FlexMatch (Zhang et al., NeurIPS 2021), with ``SoftMatchWeight`` SoftMatch
    (Chen et al., ICLR 2023).

    Args:
        mask (dict): The weight of every clip, from its probabilities. Defaults
            to ``FixedThreshold``, 0.95.
        loss_weight (float): Lambda_u. Defaults to 1.
        ramp (dict, optional): Defaults to None, as published.
    """

    views = ('weak', 'strong')

    def __init__(self, mask: dict = dict(type='FixedThreshold'),
                 loss_weight: float = 1.,
                 ramp: Optional[dict] = None) -> None:
        super().__init__(loss_weight, ramp)
        self.mask = MODELS.build(mask)

    def attach(self, model: nn.Module) -> None:
        """Tells the mask the number of classes.

        Args:
            model (SemiSupervisedRecognizer): The model.
        """
        self.mask.attach(model.cls_head.num_classes)

    def forward(self, step: Step) -> Dict[str, torch.Tensor]:
        """Computes ``loss_fixmatch``.

        Args:
            step (Step): The batch, both views encoded.
        """
        target = step.logits('weak').detach().softmax(1)  # q_b
        weights = self.mask(target, step.samples['weak'])
        loss = F.cross_entropy(  # Eq. 4
            step.logits('strong'), target.argmax(1), reduction='none')
        return dict(loss_fixmatch=self.weight(step) * (weights * loss).mean(),
                    **describe_labels('fixmatch', target, weights,
                                      step.samples['weak']))
