"""Pyramid attention in the path to the classifier."""
import torch
from mmaction.registry import MODELS

from .ppa import PyramidPolymerizingAttention


@MODELS.register_module()
class PyramidRefiningNeck(PyramidPolymerizingAttention):
    """Refines an encoder's features by those of parts and bodies.

    The feature of a joint becomes the mean of its own polymerizing feature,
    that of its part and that of its body. The shape does not change, so that
    any head of the toolbox can follow, see :class:`RecognizerGCNWithNeck`.

    Source: the attention of PSP Learning (arXiv 2302.02327), equations 2 to
    9; its use before a classifier, and the mean over levels, are this
    project's. The arguments are those of
    :class:`PyramidPolymerizingAttention`.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Refines features.

        Args:
            x (Tensor): Encoder features (N, M, C, T, V).

        Returns:
            Tensor: (N, M, C, T, V).
        """
        levels = super().forward(x)
        part = levels['part'].index_select(-1, self.joint_to_part)
        body = levels['body'].index_select(-1, self.joint_to_body)
        return (levels['joint'] + part + body) / 3
