"""The classifier of PSP Learning (section 3.5)."""
from typing import Tuple

import torch
from mmaction.models.heads import GCNHead
from mmaction.registry import MODELS

from ..precision import at_least_float32


@MODELS.register_module()
class TwoStreamHead(GCNHead):
    """Classifies from the sum of the two streams' logits.

    Source: PSP Learning (arXiv 2302.02327), equation 14. No departures: one
    FC is shared by both streams, and its bias is added for each. Arguments,
    losses (equation 15), label smoothing, averaging of clips and
    initialisation (standard deviation 0.01, bias 0) are those of
    :class:`mmaction.models.GCNHead`. The released implementation uses
    Xavier's normal distribution,
    ``init_cfg=dict(type='Xavier', layer='Linear', distribution='normal')``.
    """

    def forward(self, x: Tuple[torch.Tensor, torch.Tensor],
                **kwargs) -> torch.Tensor:
        """Computes FC(AP(f_j)) + FC(AP(f_m)), equation 14.

        Args:
            x (tuple[Tensor, Tensor]): Encoder features f_j of the joint and
                f_m of the motion stream, (N, M, C, T, V) each.

        Returns:
            Tensor: Logits (N, num_classes), at least float32.
        """
        joint, motion = x
        logits = super().forward(joint) + super().forward(motion)
        # The toolbox computes accuracy with NumPy, which has no bfloat16.
        return at_least_float32(logits)
