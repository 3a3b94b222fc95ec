"""The masking of HA-CM: by joint hierarchy and by global attention.

Shape legend: B sequence (one person of one clip), P patch of frames, R patch
of one group, V joint, D channel, L tokens of a group, K visible ones.
"""
from typing import List, Optional, Sequence, Tuple

import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import nn

from psp_plugin.errors import InputError

from ..hyperbolic import exponential_map, poincare_distance
from ..precision import at_least_float32
from ..tokens import Tokens
from .gumbel import TokenSampler


@MODELS.register_module()
class CrossMasking(BaseModule):
    """Masks even patches by attention, odd ones by the joint hierarchy.

    The tokens of even patches of frames are the temporal group, those of odd
    ones the spatial group. Each group has its own scores and keeps the share
    1 - ``mask_ratio`` of its tokens. No gradient flows through the choice.

    Source: HA-CM (arXiv 2409.17951); the paper's text was not available, so
    the formulas are those of the released implementation. Departs from it
    where its layouts of scores, tokens and indices do not match (here all are
    time-major), and in the distance, which is exact (``distance_factor=4`` is
    the released one). The "global attention" is a fixed random bilinear form
    there as well: the two projections are not trained.

    Args:
        embed_dims (int): Channels D of the tokens. Defaults to 256.
        mask_ratio (float): Share of masked tokens. Defaults to 0.9.
        temperature (float): Tau of the sampling. Defaults to 0.9.
        keep (str): ``'high'`` (released) or ``'low'``: which scores tend to
            stay visible. Defaults to ``'high'``.
        softmax_over (str): Axis of the attention's softmax, ``'joint'``
            (released) or ``'time'``. Defaults to ``'joint'``.
        scale (str): ``'mul'`` (released) multiplies the products by sqrt(D),
            ``'div'`` divides them. Defaults to ``'mul'``.
        root_weight (float): Weight of the distance to the root. Defaults to
            0.01.
        distance_factor (float): See :func:`poincare_distance`. Defaults to 2.
        init_cfg (dict, optional): Defaults to Xavier's uniform distribution.

    Attributes:
        group_names (tuple[str]): Names of the groups of tokens.

    Raises:
        InputError: If an argument is invalid.
    """
    group_names = ('temporal', 'spatial')

    def __init__(
        self,
        embed_dims: int = 256,
        mask_ratio: float = 0.9,
        temperature: float = 0.9,
        keep: str = 'high',
        softmax_over: str = 'joint',
        scale: str = 'mul',
        root_weight: float = 0.01,
        distance_factor: float = 2.,
        init_cfg: dict = dict(
            type='Xavier', layer='Linear', distribution='uniform')
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if softmax_over not in ('joint', 'time'):
            raise InputError("softmax_over must be 'joint' or 'time', not "
                             f'{softmax_over!r}')
        if scale not in ('mul', 'div'):
            raise InputError(f"scale must be 'mul' or 'div', not {scale!r}")
        self.embed_dims = embed_dims
        self.softmax_over = softmax_over
        self.exponent = 0.5 if scale == 'mul' else -0.5
        self.root_weight = root_weight
        self.distance_factor = distance_factor
        self.sample = TokenSampler(mask_ratio, temperature, keep)
        # Never trained: no gradient reaches them.
        self.query = nn.Linear(embed_dims, embed_dims).requires_grad_(False)
        self.key = nn.Linear(embed_dims, embed_dims).requires_grad_(False)

    @torch.no_grad()
    def forward(
            self,
            tokens: Tokens,
            noise: Optional[Sequence[torch.Tensor]] = None
    ) -> List[torch.Tensor]:
        """Chooses the tokens that stay visible.

        Args:
            tokens (Tokens): Tokens with at least two patches of frames.
            noise (Sequence[Tensor], optional): Uniform random numbers in
                [0, 1) for the two groups, (B, L) each. Defaults to None: from
                PyTorch's generator.

        Returns:
            list[Tensor]: Indices p V + v of the visible tokens of the
            temporal and of the spatial group, (B, K) each.

        Raises:
            InputError: If there is only one patch.
        """
        patches, joints = tokens.euclid.shape[1:3]
        if patches < 2:
            raise InputError('CrossMasking needs two patches of frames or '
                             'more: give the encoder more frames, or fewer '
                             'frames_per_token')
        with torch.autocast(tokens.euclid.device.type, enabled=False):
            chosen = [
                self.sample(score.flatten(1), u) for score, u in zip(
                    self.scores(tokens), noise or (None, None))
            ]
        return [global_indices(kept, first, joints)
                for first, kept in enumerate(chosen)]

    def scores(self, tokens: Tokens) -> Tuple[torch.Tensor, torch.Tensor]:
        """Computes the scores of the temporal and of the spatial group.

        Args:
            tokens (Tokens): See :meth:`forward`.

        Returns:
            tuple[Tensor, Tensor]: (B, R, V) each, at least float32.
        """
        # Detached as well, since PyTorch's FlopCounterMode ignores no_grad.
        euclid = at_least_float32(tokens.euclid).detach()
        return (self.attention_score(euclid[:, 0::2]),
                self.hierarchy_score(
                    exponential_map(euclid[:, 1::2]), tokens.root[:, 1::2]))

    def attention_score(self, x: torch.Tensor) -> torch.Tensor:
        """Attention that a token gets from the patches of its joint.

        A[v, t, u] = softmax(q[t, v] . k[u, v] sqrt(D)) over v, summed over t.

        Args:
            x (Tensor): (B, R, V, D) tokens in Euclidean space.

        Returns:
            Tensor: (B, R, V).
        """
        query = self.query(x).transpose(1, 2)  # B, V, R, D
        key = self.key(x).transpose(1, 2)
        product = query @ key.transpose(2, 3) * x.size(-1)**self.exponent
        over = 1 if self.softmax_over == 'joint' else 3
        return product.softmax(over).sum(2).transpose(1, 2)

    def hierarchy_score(self, x: torch.Tensor,
                        root: torch.Tensor) -> torch.Tensor:
        """Distance of a joint from the other joints and from the root.

        Args:
            x (Tensor): (B, R, V, D) tokens in the Poincare ball.
            root (Tensor): (B, R, D) roots of the hierarchy, in the ball.

        Returns:
            Tensor: (B, R, V).
        """
        to_joints = poincare_distance(x, x, self.distance_factor).sum(2)
        to_root = poincare_distance(root[:, :, None], x, self.distance_factor)
        return to_joints + self.root_weight * to_root.squeeze(2)


def global_indices(kept: torch.Tensor, first: int,
                   joints: int) -> torch.Tensor:
    """Converts indices within a group to indices among all tokens.

    Args:
        kept (Tensor): Indices r V + v in the group.
        first (int): The group's first patch, 0 or 1.
        joints (int): Number of joints V.

    Returns:
        Tensor: Indices p V + v, with p = 2 r + first.
    """
    row = kept.div(joints, rounding_mode='floor')
    return kept + (row + first) * joints
