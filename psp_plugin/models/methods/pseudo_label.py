"""Pseudo-Label (Lee, ICML Workshops 2013)."""
from typing import Dict, List, Optional, Tuple

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from torch import nn

from ..recognizers.step import Step
from .base import UnlabeledMethod


@MODELS.register_module()
class PseudoLabel(UnlabeledMethod):
    """Cross-entropy with the most probable class as the label.

    Source: Lee (2013), equations 15 and 16, in the form of USB (Wang et al.,
    NeurIPS 2022): clips below a probability threshold have the weight 0, and
    the mean is taken over all clips. Lee's version has no threshold,
    ``mask=dict(type='FixedThreshold', threshold=0)``. Departs from USB in
    encoding unlabelled and labelled clips in one pass, with common batch norm
    statistics.

    Args:
        mask (dict): Computes the weight of every clip from its class
            probabilities. Defaults to ``FixedThreshold``, 0.95.
        loss_weight (float): Defaults to 1.
        ramp (dict, optional): Defaults to ``LinearRamp`` over 40% of the
            training.
    """

    name = 'pseudo_label'
    """Prefix of its losses and logged values."""
    learner = 'weak'
    """The view whose prediction is trained."""

    def __init__(self, mask: dict = dict(type='FixedThreshold'),
                 loss_weight: float = 1.,
                 ramp: Optional[dict] = dict(type='LinearRamp')) -> None:
        super().__init__(loss_weight, ramp)
        self.mask = MODELS.build(mask)

    def attach(self, model: nn.Module) -> None:
        """Passes the number of classes to the mask.

        Args:
            model (SemiSupervisedRecognizer): The model.
        """
        self.mask.attach(model.cls_head.num_classes)

    def forward(self, step: Step) -> Dict[str, torch.Tensor]:
        """Computes ``loss_<name>``.

        Args:
            step (Step): The batch, with the method's views encoded.
        """
        return self.learn(step)[0]

    def learn(self, step: Step) -> Tuple[Dict[str, torch.Tensor],
                                         torch.Tensor]:
        """Computes ``loss_<name>`` and the weights of the clips.

        Args:
            step (Step): The batch, with the method's views encoded.

        Returns:
            tuple[dict[str, Tensor], Tensor]: The loss with values to be
            logged, and the clips' weights (U, ).
        """
        samples = step.samples['weak']
        target = step.logits('weak').detach().softmax(1)
        weights = self.mask(target, samples)
        loss = F.cross_entropy(step.logits(self.learner), target.argmax(1),
                               reduction='none')
        loss = self.weight(step) * (weights * loss).mean()
        return {f'loss_{self.name}': loss, **describe_labels(
            self.name, target, weights, samples)}, weights


def describe_labels(
        method: str, target: torch.Tensor, weights: torch.Tensor,
        samples: List[ActionDataSample]) -> Dict[str, torch.Tensor]:
    """Computes statistics of the pseudo-labels of a batch, to be logged.

    Args:
        method (str): Prefix of the names.
        target (Tensor): (U, classes) probabilities.
        weights (Tensor): (U, ) in [0, 1].
        samples (list): Their data samples.

    Returns:
        dict[str, Tensor]: ``<method>_used_share``, the mean weight;
        ``_used_classes``, the effective number of classes among the used
        labels (the exponential of their entropy, 0 if none is used); if the
        dataset has ``reveal_labels=True``, also ``_accuracy`` of all
        pseudo-labels, and ``_used_and_right``, the mean of the weights, those
        of wrong labels counted as 0.
    """
    classes = target.argmax(1)
    counts = weights.new_zeros(target.size(1)).index_add(0, classes, weights)
    total = counts.sum()
    shares = counts / total.clamp(min=1e-12)
    entropy = torch.special.entr(shares).sum()
    described = dict(used_share=weights.mean(),
                     used_classes=entropy.exp() * (total > 0))
    if samples and all('revealed_label' in x for x in samples):
        truth = classes.new_tensor([x.revealed_label for x in samples])
        right = (classes == truth).to(weights)
        described['accuracy'] = right.mean()
        described['used_and_right'] = (weights * right).mean()
    return {f'{method}_{name}': x for name, x in described.items()}
