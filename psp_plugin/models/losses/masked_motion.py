"""The reconstruction loss of masked pre-training.

Shape legend: B sequence (one person of one clip), T frame, P patch of p
frames, V joint, C coordinate.
"""
from typing import Dict, Tuple

import torch
from mmaction.registry import MODELS
from torch import nn

from ..hyperbolic import exponential_map, logarithmic_map
from ..precision import at_least_float32


@MODELS.register_module()
class MaskedMotionLoss(nn.Module):
    """Squared error of the motion of masked tokens.

    The target is the displacement to the next frame (0 for the last one),
    mapped into the Poincare ball and normalised per token to mean 0 and
    variance 1 (unbiased, 1e-6 added).

    Source: HA-CM (arXiv 2409.17951), released implementation; with
    ``hyperbolic=False`` MAMP (arXiv 2308.07092). No departures.

    Args:
        hyperbolic (bool): Whether displacements are mapped into the ball,
            which hardly changes small ones. Defaults to True.
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
        """Computes ``loss_rec``.

        Args:
            prediction (Tensor): (B, P V, p C), in the order of
                :meth:`target`.
            clips (Tensor): (B, T, V, C), to be restored.
            visible (Tensor): (B, K) indices p V + v of the visible tokens,
                which are excluded.

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
        """Computes the target of every token.

        Args:
            clips (Tensor): (B, T, V, C).
            num_tokens (int): P V.

        Returns:
            Tensor: (B, P V, p C), frames before coordinates, at least
            float32.
        """
        target = self.motion(clips, num_tokens)
        if not self.normalize:
            return target
        mean, size = self.moments(target)
        return (target - mean) / size

    def displacement(self, prediction: torch.Tensor,
                     clips: torch.Tensor) -> torch.Tensor:
        """Converts a prediction to displacements, the inverse of ``target``.

        Mean and standard deviation of each token's motion, which
        normalisation removes, are not predicted but computed from the clips.

        Args:
            prediction (Tensor): (B, P V, p C), in the order of
                :meth:`target`.
            clips (Tensor): (B, T, V, C), the ground truth.

        Returns:
            Tensor: (B, T, V, C) from each frame to the next, in the units of
            the clips, at least float32. Points predicted outside the ball are
            moved to its boundary.
        """
        joints, coordinates = clips.shape[2:]
        patches = prediction.size(1) // joints
        motion = at_least_float32(prediction)
        if self.normalize:
            mean, size = self.moments(self.motion(clips, prediction.size(1)))
            motion = motion * size + mean
        motion = motion.unflatten(2, (-1, coordinates))  # B, P V, p, C
        motion = motion.unflatten(1, (patches, joints)).transpose(2, 3)
        motion = motion.flatten(1, 2)  # B, T, V, C
        return logarithmic_map(motion) if self.hyperbolic else motion

    def motion(self, clips: torch.Tensor, num_tokens: int) -> torch.Tensor:
        """Computes the target before normalisation, (B, P V, p C)."""
        clips = at_least_float32(clips)
        motion = clips.diff(dim=1, append=clips[:, -1:])
        if self.hyperbolic:
            motion = exponential_map(motion)
        patches = num_tokens // clips.size(2)
        motion = motion.unflatten(1, (patches, -1))  # B, P, p, V, C
        return motion.transpose(2, 3).flatten(3).flatten(1, 2)

    @staticmethod
    def moments(motion: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation per token, (B, P V, 1) each."""
        variance = motion.var(2, keepdim=True)
        return motion.mean(2, keepdim=True), (variance + 1e-6).sqrt()
