"""SkeletonCLR (Li et al., CVPR 2021)."""
from typing import Dict

import torch
from mmaction.registry import MODELS

from ..recognizers.step import Step
from ..recognizers.two_stream import Streams
from .momentum_contrast import MomentumContrast, info_nce


@MODELS.register_module()
class SkeletonCLR(MomentumContrast):
    """Instance contrast of each stream against its queue.

    Source: Li et al. (arXiv 2104.14466), the single-view contrast, whose
    InfoNCE is equation 1 of MoCo, for each of the two streams. Departures:
    those of :class:`MomentumContrast`.

    Args:
        *args: See :class:`MomentumContrast`.
        **kwargs: See :class:`MomentumContrast`.
    """

    name = 'skeleton_clr'

    def contrast(self, queries: Streams, keys: Streams,
                 step: Step) -> Dict[str, torch.Tensor]:
        """Computes ``loss_<name>_joint`` and ``loss_<name>_motion``.

        Args:
            queries (Streams): (N, D) each.
            keys (Streams): (N, D) each.
            step (Step): The batch.
        """
        return {
            f'loss_{self.name}_{stream}': info_nce(query, key, queue,
                                                   self.temperature)
            for stream, query, key, queue in zip(
                Streams._fields, queries, keys, self.queues)
        }
