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
    """FixMatch with self-adaptive thresholds and a fairness loss.

    Source: Wang et al. (arXiv 2205.07246), equations 5 to 12. The batch
    averages of the fairness loss (equation 9) are computed per process.

    Args:
        mask (dict): Defaults to ``FreeMatchThreshold``, whose averages the
            fairness loss needs.
        fairness_weight (float): W_f. Defaults to 0.01; the paper uses 0.05,
            0.01 or 0.001, depending on the dataset.
        **kwargs: See :class:`FixMatch`: ``loss_weight`` is w_u; a ramp
            applies to both losses.

    Raises:
        InputError: If there is a fairness loss, but another mask.
    """

    name = 'freematch'

    def __init__(self, mask: dict = dict(type='FreeMatchThreshold'),
                 fairness_weight: float = 0.01, **kwargs) -> None:
        super().__init__(mask, **kwargs)
        if fairness_weight and not isinstance(self.mask, FreeMatchThreshold):
            raise InputError(
                'the fairness loss of FreeMatch needs mask=dict(type='
                f"'FreeMatchThreshold'), not {type(self.mask).__name__}: "
                'change it, or use FixMatch')
        self.fairness_weight = fairness_weight

    def forward(self, step: Step) -> Dict[str, torch.Tensor]:
        """Computes ``loss_freematch`` and ``loss_fairness``.

        Args:
            step (Step): The batch, with both views encoded.
        """
        losses, used = self.learn(step)  # Eq. 5 to 8
        if self.fairness_weight:
            strong = step.logits('strong').softmax(1)
            fairness = self.fairness_weight * self.fairness(strong[used > 0])
            losses['loss_fairness'] = self.weight(step) * fairness  # Eq. 12
        return losses

    def fairness(self, strong: torch.Tensor) -> torch.Tensor:
        """Computes the fairness loss, equation 11.

        It spreads the predictions for the strong view over all classes.

        Args:
            strong (Tensor): (U, K) probabilities of the clips that are used.

        Returns:
            Tensor: Scalar; 0 if no clip is used.
        """
        if not len(strong):
            return strong.sum()
        hits = F.one_hot(strong.argmax(1), strong.size(1))
        mean, histogram = strong.mean(0), hits.float().mean(0)  # Eq. 9
        target = sum_norm(self.mask.prediction, self.mask.histogram)
        batch = sum_norm(mean, histogram)
        return (target * (batch + 1e-12).log()).sum()  # Eq. 11


def sum_norm(prediction: torch.Tensor,
             histogram: torch.Tensor) -> torch.Tensor:
    """SumNorm(prediction / histogram), 0 for classes without pseudo-labels.

    Args:
        prediction (Tensor): (K, ) mean probabilities.
        histogram (Tensor): (K, ) share of the pseudo-labels of each class.

    Returns:
        Tensor: (K, ), with sum 1.
    """
    seen = histogram > 0
    quotient = torch.where(seen, prediction, 0) / histogram.where(
        seen, torch.ones_like(histogram))
    return quotient / quotient.sum()
