"""Normalises joint and motion data to the same scale for a shared encoder."""
from typing import Tuple

import torch
from mmaction.registry import MODELS
from torch import nn

# Added to variances. PyTorch's 1e-5 is a tenth of the variance of motion in
# metres.
EPSILON = 1e-12


@MODELS.register_module()
class StreamNorm(nn.Module):
    """Batch norm of the input, one for the joint and one for the motion data.

    Displacement per frame is about a hundredth of the joints' coordinates.
    Both streams share the encoder's batch norms, in which so small a signal
    is lost. Here every coordinate of a stream gets mean 0 and variance 1 over
    clips, persons, frames and joints, independent of unit, frame rate and
    joint layout. Persons who are absent from a frame are not counted and stay
    zero. There are no learnable parameters; running statistics are used in
    evaluation.

    Source: this project, after the batch norm of the input in ST-GCN (Yan et
    al., AAAI 2018). The PSP paper does not describe the scale of its input;
    the released implementation does not scale it.

    Args:
        in_channels (int): Coordinates C of a stream, including a score.
            Defaults to 3.
        momentum (float): Momentum of the running statistics. Defaults to 0.1.
        keep_joint (bool): Whether joint data are returned unchanged, for an
            encoder that was pre-trained on them. Defaults to False.

    Raises:
        ValueError: If ``in_channels`` is less than 1.

    Example:
        >>> joint = 5 + torch.rand(4, 2, 50, 25, 3)
        >>> motion = joint.diff(dim=2, append=joint[:, :, -1:])
        >>> [x.var().round().item() for x in StreamNorm()(joint, motion)]
        [1.0, 1.0]
    """

    def __init__(self, in_channels: int = 3, momentum: float = 0.1,
                 keep_joint: bool = False) -> None:
        super().__init__()
        if in_channels < 1:
            raise ValueError('in_channels must be at least 1, not '
                             f'{in_channels}')
        self.in_channels = in_channels
        self.joint, self.motion = (
            nn.BatchNorm1d(in_channels, EPSILON, momentum, affine=False)
            for _ in range(2))
        if keep_joint:
            self.joint = None

    def forward(self, joint: torch.Tensor,
                motion: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
        """Normalises the two streams of the same clips.

        Args:
            joint (Tensor): (N, M, T, V, C); a person is absent from a frame
                if all joints are zero.
            motion (Tensor): (N, M, T, V, C).

        Returns:
            tuple[Tensor, Tensor]: The same shapes.

        Raises:
            ValueError: If the clips do not have ``in_channels`` coordinates.
        """
        if joint.size(-1) != self.in_channels:
            raise ValueError(
                f'StreamNorm was built for {self.in_channels} coordinates, '
                f'the data has {joint.size(-1)}: set '
                f'stream_norm=dict(in_channels={joint.size(-1)})')
        present = (joint != 0).flatten(3).any(3)  # N, M, T
        motion = normalize(self.motion, motion, present)
        if self.joint is None:
            return joint, motion
        return normalize(self.joint, joint, present), motion


def normalize(norm: nn.BatchNorm1d, x: torch.Tensor,
              present: torch.Tensor) -> torch.Tensor:
    """Normalises a stream in the frames in which a person is present.

    Args:
        norm (BatchNorm1d): The stream's batch norm.
        x (Tensor): (N, M, T, V, C).
        present (Tensor): (N, M, T) booleans.

    Returns:
        Tensor: (N, M, T, V, C), zero where the person is absent.
    """
    def normalized(frames: torch.Tensor) -> torch.Tensor:
        return norm(frames.flatten(0, -2)).view_as(frames)

    if norm.training:  # statistics of the frames with a person
        out = torch.zeros_like(x)
        if present.any():
            out[present] = normalized(x[present])
        return out
    # Fixed shapes, so that the model can be exported.
    return normalized(x) * present[..., None, None]
