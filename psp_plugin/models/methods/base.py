"""Base class of the methods for unlabelled clips."""
from typing import Dict, Optional, Tuple

import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import nn

from psp_plugin.errors import InputError

from ..recognizers.step import Step


class UnlabeledMethod(BaseModule):
    """Base class: computes losses from unlabelled clips.

    A subclass names the views that it needs in ``views`` and computes its
    losses in :meth:`forward`. State that a resumed training needs belongs in
    buffers and sub-modules. Subclasses detach their targets themselves.

    Args:
        loss_weight (float): Weight of the method's losses; with 0 it is left
            out of the training. Defaults to 1.
        ramp (dict, optional): How the weight grows during training,
            ``LinearRamp`` or ``SigmoidRamp``. Defaults to None: constant.

    Raises:
        InputError: If the weight is negative.
    """

    views: Tuple[str, ...] = ('weak', )
    """Views of the unlabelled clips that a batch must have."""
    encoded: Optional[Tuple[str, ...]] = None
    """The views that are encoded with gradients; None for all."""
    has_teacher = False
    """Whether the method has a teacher that predicts."""

    def __init__(self, loss_weight: float = 1.,
                 ramp: Optional[dict] = None) -> None:
        super().__init__()
        if not loss_weight >= 0:
            raise InputError(f'loss_weight of {type(self).__name__} must be '
                             f'at least 0, not {loss_weight!r}')
        self.loss_weight = loss_weight
        self.ramp = MODELS.build(ramp) if ramp else None

    def attach(self, model: nn.Module) -> None:
        """Builds modules that depend on the recognizer, which calls it once.

        Args:
            model (SemiSupervisedRecognizer): It has encoder and head, but no
                methods yet.
        """

    def views_to_encode(
            self, clips: Dict[str, torch.Tensor]) -> Dict[str, torch.Tensor]:
        """Selects the clips to be encoded with gradients, in one common pass.

        Args:
            clips (dict[str, Tensor]): ``labeled`` and the views,
                (B, num_clips, M, T, V, 2C) each.

        Returns:
            dict[str, Tensor]: Clips by the key of their features in
            ``step.features``. Methods that use the same key share them.
        """
        names = self.views if self.encoded is None else self.encoded
        return {view: clips[view] for view in names}

    def forward(self, step: Step) -> Dict[str, torch.Tensor]:
        """Computes the losses of a step.

        Args:
            step (Step): The batch and its features.

        Returns:
            dict[str, Tensor]: Losses, whose names contain ``loss``, and
            values to be logged.
        """
        raise NotImplementedError

    def weight(self, step: Step) -> float:
        """Computes the weight of the losses at this point of the training.

        Args:
            step (Step): Its ``progress`` is read.
        """
        if self.ramp is None:
            return self.loss_weight
        return self.loss_weight * self.ramp(step.progress)

    def teacher_that_predicts(self) -> Optional[nn.Module]:
        """Returns the teacher, a ``TwoStreamClassifier``.

        None before its first update, or without ``has_teacher``.
        """
        return None
