"""FreeMatch (Wang et al., ICLR 2023)."""
from typing import Dict

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS

from psp_plugin.errors import InputError

from ..recognizers.step import Step
from .fixmatch import FixMatch
from .masks import FreeMatchThreshold


@MODELS.register_module()
class FreeMatch(FixMatch):
    """FixMatch with thresholds of its own making, and a fairness loss.

    Source: Wang et al. (arXiv 2205.07246), equations 5 to 12. The batch's part
    of the fairness loss (equation 9) is that of each process.

    Args:
        mask (dict): Defaults to ``FreeMatchThreshold``, whose averages the
            fairness loss needs.
        fairness_weight (float): W_f. Defaults to 0.01; published are 0.05,
            0.01 and 0.001, by the data set.
        **kwargs: See :class:`FixMatch`: ``loss_weight`` is w_u; a ramp is of
            both losses.

    Raises:
        InputError: If there is a fairness loss, but not that mask.
    """

    name = 'freematch'

    def __init__(self, mask: dict = dict(type='FreeMatchThreshold'),
                 fairness_weight: float = 0.01, **kwargs) -> None:
        super().__init__(mask, **kwargs)
        if fairness_weight and not isinstance(self.mask, FreeMatchThreshold):
            raise InputError(
                'the fairness loss of FreeMatch needs mask=dict(type='
                f"'FreeMatchThreshold'), not {type(self.mask).__name__}: "
                'change it, or take FixMatch')
        self.fairness_weight = fairness_weight

    def forward(self, step: Step) -> Dict[str, torch.Tensor]:
        """Computes ``loss_freematch`` and ``loss_fairness``.

        Args:
            step (Step): The batch, both views encoded.
        """
        losses, used = self.learn(step)  # Eq. 5 to 8
        if self.fairness_weight:
            strong = step.logits('strong').softmax(1)
            fairness = self.fairness_weight * self.fairness(strong[used > 0])
            losses['loss_fairness'] = self.weight(step) * fairness
        return losses

    def fairness(self, strong: torch.Tensor) -> torch.Tensor:
        """Pulls the strong view's predictions to all classes, equation 11.

        Args:
            strong (Tensor): (U, K) probabilities of the clips that are used.

        Returns:
            Tensor: Scalar; 0 where no clip is used.
        """
        if not len(strong):
            return strong.sum()
        hits = F.one_hot(strong.argmax(1), strong.size(1))
        mean, histogram = strong.mean(0), hits.float().mean(0)  # Eq. 9
        wanted = normalized(self.mask.prediction, self.mask.histogram)
        given = normalized(mean, histogram)
        return (wanted * (given + 1e-12).log()).sum()


def normalized(prediction: torch.Tensor,
               histogram: torch.Tensor) -> torch.Tensor:
    """SumNorm of the quotient, 0 for classes that nothing was put into.

    Args:
        prediction (Tensor): (K, ) mean probabilities.
        histogram (Tensor): (K, ) shares of the clips put into each class.
    """
    seen = histogram > 0
    quotient = torch.where(seen, prediction, 0) / histogram.where(
        seen, torch.ones_like(histogram))
    return quotient / quotient.sum()
