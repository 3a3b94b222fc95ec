"""Mean Teacher (Tarvainen and Valpola, NeurIPS 2017)."""
from typing import Dict, Optional

import torch
from mmaction.registry import MODELS
from torch import nn

from ..recognizers.step import Step
from .base import UnlabeledMethod
from .teacher import Teacher


@MODELS.register_module()
class MeanTeacher(UnlabeledMethod):
    """Consistency of the student with a moving average of its weights.

    The student's prediction for the strong view is trained to match the
    teacher's for the weak view. In testing the teacher predicts.

    Source: Tarvainen and Valpola (arXiv 1703.01780), section 2, the ramp of
    section 3. Departures: the squared distance of the probabilities is
    summed over the classes, not averaged, so that the weight does not depend
    on their number (their 100 at 10 classes is 10 here); the student's view
    is more strongly augmented than the teacher's, while theirs are augmented
    in the same way; labelled clips contribute only if they are among the
    unlabelled ones, too. As in the paper, the teacher normalises by its own
    batch of weak views in training, with dropout if the head has any, and
    has its own running statistics.

    Args:
        decay (float): Alpha of the average. Defaults to 0.99.
        loss_weight (float): Defaults to 10.
        ramp (dict, optional): Defaults to ``SigmoidRamp`` over 40% of the
            training.
    """

    views = ('weak', 'strong')
    encoded = ('strong', )
    has_teacher = True

    def __init__(self, decay: float = 0.99, loss_weight: float = 10.,
                 ramp: Optional[dict] = dict(type='SigmoidRamp')) -> None:
        super().__init__(loss_weight, ramp)
        self.decay = decay

    def attach(self, model: nn.Module) -> None:
        """Copies encoder and classifier.

        Args:
            model (SemiSupervisedRecognizer): The student.
        """
        self.teacher = Teacher(model.classifier(), self.decay)

    def forward(self, step: Step) -> Dict[str, torch.Tensor]:
        """Computes ``loss_mean_teacher``.

        Args:
            step (Step): The batch, with the view ``strong`` encoded.
        """
        self.teacher.update(step.model.classifier())
        with torch.no_grad():
            target = self.teacher.module(step.clips['weak']).softmax(1)
        student = step.logits('strong').softmax(1)
        distance = (student - target).square().sum(1).mean()
        return dict(loss_mean_teacher=self.weight(step) * distance)

    def teacher_that_predicts(self) -> Optional[nn.Module]:
        """Returns the teacher, or None before its first update."""
        return self.teacher.module if self.teacher.started else None
