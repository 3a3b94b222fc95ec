"""The skeleton pyramid without attention (PSP Learning, section 4.5.1)."""
from typing import Dict, Union

import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule

from psp_plugin.skeletons import get_pyramid

from .ppa import SkeletonPooling


@MODELS.register_module()
class PyramidPooling(BaseModule):
    """Averages joints to parts and bodies, replacing PPA.

    It has no learnable parameters.

    Source: PSP Learning (arXiv 2302.02327), baseline A2, where "action
    features output from the Skeleton Pyramid are directly input into CCL". No
    departures.

    Args:
        in_channels (int): Number of channels C of the encoder.
        layout (str or dict): Joint layout, as in
            ``PyramidPolymerizingAttention``.
        body_from (str): Whether a body is the mean of its parts, ``'part'``
            (section 3.2), or of its joints, ``'joint'`` (released). Defaults
            to ``'part'``.

    Raises:
        ValueError: If the layout is unknown or invalid, or ``body_from`` is
            unknown.
    """

    def __init__(self, in_channels: int, layout: Union[str, dict],
                 body_from: str = 'part') -> None:
        super().__init__()
        self.in_channels = in_channels
        self.pyramid = get_pyramid(layout)
        self.pooling = SkeletonPooling(self.pyramid, body_from)

    def forward(self, x: torch.Tensor,
                return_attention: bool = False) -> Dict[str, torch.Tensor]:
        """Computes the features of the three levels, equation 2.

        Args:
            x (Tensor): Encoder features (N, M, C, T, V).
            return_attention (bool): Must be False. Defaults to False.

        Returns:
            dict[str, Tensor]: By level ``'body'``, ``'part'``, ``'joint'``
            the features (N, M, C, T, K).

        Raises:
            ValueError: If ``return_attention`` is True, or if the numbers of
                joints or channels are not those of ``layout`` and
                ``in_channels``.
        """
        if return_attention:
            raise ValueError('PyramidPooling computes no attention: use '
                             'PyramidPolymerizingAttention')
        c, v = x.size(2), x.size(4)
        if (c, v) != (self.in_channels, self.pyramid.num_joints):
            raise ValueError(
                f'this pyramid was built for {self.in_channels} channels and '
                f'the {self.pyramid.num_joints} joints of layout '
                f'{self.pyramid.name!r}, the features have {c} and {v}')
        return self.pooling(x)
