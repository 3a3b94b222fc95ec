"""What masked pre-training reconstructs.

Shape legend: B sequence (one person of one clip), T frame, P patch of p
frames, V joint, C coordinate.
"""
from typing import Dict

import torch
from mmaction.registry import MODELS
from torch import nn

from psp_plugin.models.hyperbolic import exponential_map
from psp_plugin.models.precision import at_least_float32


@MODELS.register_module()
class MaskedMotionLoss(nn.Module):
    """Squared error of the motion of masked tokens.

    The target is the displacement to the next frame (0 for the last one),
    mapped into the Poincare ball, and normalised per token to mean 0 and
    variance 1 (unbiased, 1e-6 added).

    Source: HA-CM (arXiv 2409.17951), released implementation; with
    ``hyperbolic=False`` that of MAMP (arXiv 2308.07092). Departs from them in
    nothing.

    Args:
        hyperbolic (bool): Whether displacements are mapped into the ball,
            which changes small ones hardly. Defaults to True.
        normalize (bool): Whether each token's target is normalised. Defaults
            to True.
        loss_weight (float): Defaults to 1.0.
    """

    def __init__(self, hyperbolic: bool = True, normalize: bool = True,
                 loss_weight: float = 1.0) -> None:
        super().__init__()
        self.hyperbolic = hyperbolic
        self.normalize = normalize
        self.loss_weight = loss_weight

    def forward(self, prediction: torch.Tensor, clips: torch.Tensor,
                visible: torch.Tensor) -> Dict[str, torch.Tensor]:
        """Compares.

        Args:
            prediction (Tensor): (B, P V, p C), frames first, as
                :meth:`target`.
            clips (Tensor): (B, T, V, C), to be restored.
            visible (Tensor): (B, K) places p V + v of the tokens that were
                seen, which do not count.

        Returns:
            dict[str, Tensor]: ``loss_rec``, the mean over all masked tokens
            of the batch.
        """
        with torch.autocast(prediction.device.type, enabled=False):
            prediction = at_least_float32(prediction)
            target = self.target(clips, prediction.size(1))
            error = (prediction - target).square().mean(2)  # B, P V
            masked = torch.ones_like(error).scatter(1, visible, 0.)
            loss = (error * masked).sum() / masked.sum()
        return dict(loss_rec=self.loss_weight * loss)

    def target(self, clips: torch.Tensor, num_tokens: int) -> torch.Tensor:
        """What is to be predicted.

        Args:
            clips (Tensor): (B, T, V, C).
            num_tokens (int): P V.

        Returns:
            Tensor: (B, P V, p C), at least float32.
        """
        clips = at_least_float32(clips)
        motion = clips.diff(dim=1, append=clips[:, -1:])
        if self.hyperbolic:
            motion = exponential_map(motion)
        patches = num_tokens // clips.size(2)
        motion = motion.unflatten(1, (patches, -1))  # B, P, p, V, C
        target = motion.transpose(2, 3).flatten(3).flatten(1, 2)
        if not self.normalize:
            return target
        mean = target.mean(2, keepdim=True)
        variance = target.var(2, keepdim=True)
        return (target - mean) / (variance + 1e-6).sqrt()
