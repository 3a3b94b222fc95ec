"""The contrast between the two groups of tokens of HA-CM.

Shape legend: B sequence (one person of one clip), K visible token of a group,
D channel.
"""
from typing import Dict, Sequence

import torch
from mmaction.registry import MODELS
from torch import nn

from psp_plugin.errors import InputError

from ..precision import at_least_float32


def cross_contrast(a: torch.Tensor, b: torch.Tensor,
                   reduction: str = 'mean') -> torch.Tensor:
    """Computes C(a, b), the squared error of softmax(a b^T) to the identity.

    Args:
        a (Tensor): (B, D); its sequences are the rows of the product.
        b (Tensor): (B, D).
        reduction (str): ``'mean'`` over the B x B entries, or ``'row'``: the
            sum over a row, then the mean over rows. Defaults to ``'mean'``.

    Returns:
        Tensor: Scalar, at least float32.
    """
    with torch.autocast(a.device.type, enabled=False):
        a, b = at_least_float32(a), at_least_float32(b)
        similarity = (a @ b.t()).softmax(1)
        error = (similarity - torch.eye(len(a), device=a.device)).square()
        return error.mean() if reduction == 'mean' else error.sum(1).mean()


@MODELS.register_module()
class CrossContrastLoss(nn.Module):
    """Contrast of the groups' mean latent tokens over the batch.

    With t, s and g the means of the temporal, the spatial and all visible
    tokens of a sequence: C(s, g) + C(t, g) + C(t, s). Only sequences of the
    same process are compared.

    Source: HA-CM (arXiv 2409.17951), released implementation, which has three
    terms where the paper's figure shows the first two. No departures. With B
    sequences a term starts near 1 / B; with ``reduction='row'`` it does not
    shrink with B.

    Args:
        between_groups (bool): Whether C(t, s) is included. Defaults to True.
        reduction (str): See :func:`cross_contrast`. Defaults to ``'mean'``.
        loss_weight (float): Defaults to 1.0.

    Raises:
        InputError: If ``reduction`` is invalid.
    """

    def __init__(self, between_groups: bool = True, reduction: str = 'mean',
                 loss_weight: float = 1.0) -> None:
        super().__init__()
        if reduction not in ('mean', 'row'):
            raise InputError(f"reduction must be 'mean' or 'row', not "
                             f'{reduction!r}')
        self.between_groups = between_groups
        self.reduction = reduction
        self.loss_weight = loss_weight

    def forward(self,
                groups: Sequence[torch.Tensor]) -> Dict[str, torch.Tensor]:
        """Computes the terms of the loss.

        Args:
            groups (Sequence[Tensor]): Latent tokens of the temporal and of
                the spatial group, (B, K, D) each.

        Returns:
            dict[str, Tensor]: ``loss_cc_spatial_global``,
            ``loss_cc_temporal_global`` and ``loss_cc_temporal_spatial``.

        Raises:
            InputError: If there are not two groups.
        """
        if len(groups) != 2:
            raise InputError(
                'CrossContrastLoss compares two groups of tokens, but the '
                f'masking makes {len(groups)}: use CrossMasking, or set '
                'loss_cc=None')
        temporal, spatial = (at_least_float32(x).mean(1) for x in groups)
        both = at_least_float32(torch.cat(list(groups), 1)).mean(1)
        pairs = dict(spatial_global=(spatial, both),
                     temporal_global=(temporal, both))
        if self.between_groups:
            pairs['temporal_spatial'] = (temporal, spatial)
        return {
            f'loss_cc_{name}': self.loss_weight * cross_contrast(
                *pair, self.reduction) for name, pair in pairs.items()
        }
