"""What all methods for unlabelled clips have in common."""
from typing import Dict, Optional, Tuple

import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import nn

from psp_plugin.errors import InputError

from ..recognizers.step import Step


class UnlabeledMethod(BaseModule):
    """Turns unlabelled clips into losses.

    A subclass says in ``views`` what it needs and in :meth:`forward` what it
    makes of it. State that a resumed training needs is held in buffers and
    sub-modules. Targets are the subclass's to detach.

    Args:
        loss_weight (float): Weight of the method's losses; with 0 it is left
            out of the training. Defaults to 1.
        ramp (dict, optional): How the weight grows in the course of the
            training, ``LinearRamp`` or ``SigmoidRamp``. Defaults to None: it
            is the same all the time.

    Raises:
        InputError: If the weight is negative.
    """

    views: Tuple[str, ...] = ('weak', )
    """Views of the unlabelled clips that a batch must have."""
    encoded: Optional[Tuple[str, ...]] = None
    """Those of them that are encoded with gradients; None for all."""
    has_teacher = False
    """Whether it brings a teacher that predicts."""

    def __init__(self, loss_weight: float = 1.,
                 ramp: Optional[dict] = None) -> None:
        super().__init__()
        if not loss_weight >= 0:
            raise InputError(f'loss_weight of {type(self).__name__} must be '
                             f'at least 0, not {loss_weight!r}')
        self.loss_weight = loss_weight
        self.ramp = MODELS.build(ramp) if ramp else None

    def attach(self, model: nn.Module) -> None:
        """Builds what depends on the recognizer; called once, by it.

        Args:
            model (SemiSupervisedRecognizer): It has encoder and head, and no
                methods yet.
        """

    def views_to_encode(
            self, clips: Dict[str, torch.Tensor]) -> Dict[str, torch.Tensor]:
        """The clips to be encoded with gradients, in one pass with all others.

        Args:
            clips (dict[str, Tensor]): ``labeled`` and the views,
                (B, num_clips, M, T, V, 2C) each.

        Returns:
            dict[str, Tensor]: By the name under which ``forward`` finds the
            features. Methods that name the same view share it.
        """
        names = self.views if self.encoded is None else self.encoded
        return {view: clips[view] for view in names}

    def forward(self, step: Step) -> Dict[str, torch.Tensor]:
        """Computes the losses of a step.

        Args:
            step (Step): The batch, encoded.

        Returns:
            dict[str, Tensor]: Losses, ``loss`` in their names, and numbers to
            be logged.
        """
        raise NotImplementedError

    def weight(self, step: Step) -> float:
        """The weight of the losses at this point of the training.

        Args:
            step (Step): Tells how much of the training is done.
        """
        if self.ramp is None:
            return self.loss_weight
        return self.loss_weight * self.ramp(step.progress)

    def teacher_that_predicts(self) -> Optional[nn.Module]:
        """The teacher, a ``TwoStreamClassifier``; None before its first step.

        A method without ``has_teacher`` has none.
        """
        return None
