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
    """Uses the class that the model is confident of as the label.

    Source: Lee (2013), equations 15 and 16, in the form of USB (Wang et al.,
    NeurIPS 2022): only clips whose probability reaches a threshold count, of
    all the average is taken. Lee's own has no threshold, which is
    ``mask=dict(type='FixedThreshold', threshold=0)``. Departure from USB: the
    clips share the pass and the batch norm statistics of the labelled ones.

    Args:
        mask (dict): The weight of every clip, from its probabilities. Defaults
            to ``FixedThreshold``, 0.95.
        loss_weight (float): Defaults to 1.
        ramp (dict, optional): Defaults to ``LinearRamp`` over 40% of the
            training.
    """

    name = 'pseudo_label'
    """What its losses and logged numbers are called."""
    learner = 'weak'
    """The view that learns the label."""

    def __init__(self, mask: dict = dict(type='FixedThreshold'),
                 loss_weight: float = 1.,
                 ramp: Optional[dict] = dict(type='LinearRamp')) -> None:
        super().__init__(loss_weight, ramp)
        self.mask = MODELS.build(mask)

    def attach(self, model: nn.Module) -> None:
        """Tells the mask the number of classes.

        Args:
            model (SemiSupervisedRecognizer): The model.
        """
        self.mask.attach(model.cls_head.num_classes)

    def forward(self, step: Step) -> Dict[str, torch.Tensor]:
        """Computes ``loss_<name>``.

        Args:
            step (Step): The batch, the method's views encoded.
        """
        return self.learn(step)[0]

    def learn(self, step: Step) -> Tuple[Dict[str, torch.Tensor],
                                         torch.Tensor]:
        """Computes ``loss_<name>``, and tells which clips are used.

        Args:
            step (Step): The batch, the method's views encoded.

        Returns:
            tuple[dict[str, Tensor], Tensor]: The loss with what to log, and
            the clips' weights (U, ).
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
    """What to log of the pseudo-labels of a batch.

    Args:
        method (str): What the names begin with.
        target (Tensor): (U, classes) probabilities.
        weights (Tensor): (U, ) in [0, 1].
        samples (list): Their data samples.

    Returns:
        dict[str, Tensor]: ``<method>_used_share``, the mean weight;
        ``_used_classes``, the number of classes that the used labels are of
        (the exponential of their entropy, 0 if none is used); where the
        dataset was told to ``reveal_labels``, also ``_accuracy``, of all
        pseudo-labels, and ``_used_and_right``, the mean weight of the right
        ones.
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
