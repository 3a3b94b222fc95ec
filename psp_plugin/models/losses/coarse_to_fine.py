"""Coarse-to-fine Contrastive Loss (PSP Learning, section 3.4)."""
from typing import Dict, Optional

import torch
import torch.nn as nn
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmengine.dist import get_rank

from psp_plugin.skeletons import LEVELS

from ..precision import at_least_float32
from .gather import GatherFeatures, check_equal_shares


def nt_xent(joint: torch.Tensor, motion: torch.Tensor, temperature: float,
            gather: bool = False) -> torch.Tensor:
    """Computes NT-Xent over the 2N features of two streams, equation 10.

    The positive of a feature is the same clip's feature in the other stream;
    its negatives are the features of the other clips, 2N - 2 in one process.
    Computed in at least float32, also under automatic mixed precision.

    Args:
        joint (Tensor): (N, C'') features of the joint stream.
        motion (Tensor): (N, C'') features of the motion stream.
        temperature (float): Tau.
        gather (bool): Whether the clips of all processes are negatives; all
            must have the same N. Defaults to False.

    Returns:
        Tensor: Scalar, the mean over this process's 2N features; 0 without
        negatives (N = 1 in one process).
    """
    n = len(joint)
    with torch.autocast(joint.device.type, enabled=False):
        features = at_least_float32(torch.cat((joint, motion)))
        features = F.normalize(features, dim=1)
        others, first = features, 0
        if gather:
            others, first = GatherFeatures.apply(features), 2 * n * get_rank()
        # (2N, 2NW) for W processes; this process's columns start at `first`.
        similarity = features @ others.t() / temperature
        similarity.diagonal(first).fill_(-torch.inf)  # the indicator [k != i]
        positive = first + torch.arange(2 * n, device=joint.device).roll(n)
        return F.cross_entropy(similarity, positive)  # Eq. 10


@MODELS.register_module()
class CoarseToFineContrastiveLoss(nn.Module):
    """Sum of the body-, part- and joint-level contrasts.

    Source: PSP Learning (arXiv 2302.02327), equations 10 to 13. No
    departures.

    With ``gather`` a process's loss is the mean over its own features, each
    against those of all processes; gradients flow back to all of them. Since
    DistributedDataParallel averages gradients over processes, the gradient is
    that of one process on the entire batch, and the mean of the processes'
    losses is that process's loss, except for batch norms, whose batches are
    smaller. (MMEngine logs the loss of rank 0.)

    Args:
        temperature (float): Tau of equation 10. Defaults to 0.07.
        level_weights (dict[str, float], optional): Weight of ``'body'``,
            ``'part'`` and ``'joint'``. A level of weight 0 (or left out) is
            neither contrasted nor logged, and parameters used only by that
            level get no gradient. Defaults to 1 each, equation 13.
        loss_weight (float): Weight of the sum; the released implementation
            uses 0.2. Defaults to 1.0, equation 16.
        gather (bool): Whether clips are contrasted with those of all
            processes; no effect without a process group. Defaults to False.

    Raises:
        ValueError: If the temperature is not positive, a level is unknown, a
            weight is negative, or all weights are 0.

    Example:
        >>> loss = CoarseToFineContrastiveLoss()
        >>> features = {k: torch.rand(8, 16) for k in LEVELS}
        >>> sorted(loss(features, features))
        ['loss_con_body', 'loss_con_joint', 'loss_con_part']
    """

    def __init__(self,
                 temperature: float = 0.07,
                 level_weights: Optional[Dict[str, float]] = None,
                 loss_weight: float = 1.0,
                 gather: bool = False) -> None:
        super().__init__()
        if temperature <= 0:
            raise ValueError(f'temperature must be positive: {temperature}')
        weights = (
            dict.fromkeys(LEVELS, 1.) if level_weights is None else dict(
                level_weights))
        unknown = sorted(set(weights) - set(LEVELS))
        if unknown:
            raise ValueError(f'level_weights names {unknown}; the levels are '
                             f'{list(LEVELS)}')
        if any(w < 0 for w in weights.values()) or not any(weights.values()):
            raise ValueError('level_weights must not be negative and at least '
                             f'one must be positive: {weights}')
        self.temperature = temperature
        self.loss_weight = loss_weight
        self.gather = gather
        self.level_weights = {k: weights[k] for k in LEVELS if weights.get(k)}

    def forward(self, joint: Dict[str, torch.Tensor],
                motion: Dict[str, torch.Tensor]) -> Dict[str, torch.Tensor]:
        """Contrasts the two streams at every level.

        Args:
            joint (dict[str, Tensor]): By level, (N, C'') joint features.
            motion (dict[str, Tensor]): By level, (N, C'') motion features.

        Returns:
            dict[str, Tensor]: ``loss_con_<level>``, weighted scalars.

        Raises:
            ValueError: If ``gather`` is set and processes differ in N.
        """
        if self.gather:
            check_equal_shares(next(iter(joint.values())))
        return {  # one term per level, Eq. 11 to 13
            f'loss_con_{level}': self.loss_weight * weight * nt_xent(
                joint[level], motion[level], self.temperature, self.gather)
            for level, weight in self.level_weights.items()
        }
