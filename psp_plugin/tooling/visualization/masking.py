"""Masks a clip as in pre-training and reconstructs its motion.

Shape legend: B sequence (one person), M person, T frame, P patch of p frames,
V joint, V' joint with tokens, C coordinate, K visible tokens of a group.
"""
from typing import Dict, NamedTuple, Optional

import numpy as np
import torch
from torch import nn

from psp_plugin.errors import InputError


class ClipMasking(NamedTuple):
    """Result of :func:`clip_masking`, for all V joints."""
    keypoint: np.ndarray
    """(M, T, V, C) joints, the input of the model."""
    visible: Dict[str, np.ndarray]
    """(M, T, V) booleans per group of tokens: visible to the model."""
    masked: np.ndarray
    """(M, T, V) booleans. Joints neither visible nor masked have no token."""
    predicted: np.ndarray
    """(M, T, V, C) displacement to the next frame, 0 without a token."""
    true: np.ndarray
    """(M, T, V, C) true displacement, 0 in the last frame."""
    frames_per_token: int
    """Number of frames p of a patch."""
    normalized: bool
    """Whether ``predicted`` is rescaled to mean and size of the true motion.
    """
    loss: float
    """``loss_rec`` of the clip."""
    loss_of_zero: float
    """``loss_rec`` if the model predicted 0 everywhere."""

    @property
    def share(self) -> float:
        """Share of masked tokens."""
        seen = sum(group.sum() for group in self.visible.values())
        return float(self.masked.sum() / (self.masked.sum() + seen))

    def paths(self, displacement: np.ndarray) -> np.ndarray:
        """Computes the path of joints within each patch, from their true
        position in its first frame.

        Args:
            displacement (np.ndarray): ``predicted`` or ``true``.

        Returns:
            np.ndarray: (M, P, p + 1, V, C); the last position is that in the
            first frame of the next patch.
        """
        m, t, v, c = displacement.shape
        shape = (m, -1, self.frames_per_token, v, c)
        steps = displacement.reshape(shape).cumsum(2)
        first = self.keypoint.reshape(shape)[:, :, :1]
        return np.concatenate((first, first + steps), 2)


def clip_masking(model: nn.Module,
                 inputs: torch.Tensor,
                 seed: int = 0,
                 coordinates: Optional[int] = None) -> ClipMasking:
    """Masks a clip as in pre-training and reconstructs its motion.

    If the model predicts normalised motion, it is rescaled by the mean and
    size of each token's true motion, see ``MaskedMotionLoss.displacement``.

    Args:
        model (nn.Module): An ``HACMPretrainer``, in eval mode.
        inputs (Tensor): (1, num_clips, M, T, V, C), on the model's device.
            The first of the sampled clips is used.
        seed (int): Seed of the masking; PyTorch's generators are not changed.
            Defaults to 0.
        coordinates (int, optional): Number of coordinates that are positions,
            not scores. Defaults to None: those that the model reconstructs.

    Returns:
        ClipMasking: The result for the M persons that are present.

    Raises:
        InputError: If no person is present, or if the clip does not fit the
            model.
    """
    inputs = inputs[:1, :1]
    if not inputs.any():
        raise InputError('the clip has no person: all coordinates that the '
                         'model receives are zero')
    # manual_seed seeds all devices, so all generators must be restored.
    devices = range(torch.cuda.device_count())
    with torch.no_grad(), torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        made = model.reconstruct(inputs)
        loss, loss_of_zero = (
            model.loss_rec(prediction, made.clips, made.visible)['loss_rec']
            for prediction in (made.prediction,
                               torch.zeros_like(made.prediction)))
        predicted = model.loss_rec.displacement(made.prediction, made.clips)
        keypoint = model.sequences(inputs)

    encoder, patches = model.backbone, model.backbone.num_patches
    keypoint = keypoint[..., :coordinates or model.coordinates]
    present = keypoint.flatten(1).any(1)  # absent persons may be masked, too
    visible = [_mark(group, made.clips, patches) for group in made.groups]
    masked = ~torch.stack(visible).any(0)

    def to_all_joints(x: torch.Tensor) -> np.ndarray:
        """Scatters (B, T, V', ...) to (M, T, V, ...)."""
        everywhere = x.new_zeros(*keypoint.shape[:3], *x.shape[3:])
        everywhere[:, :, list(encoder.token_joints)] = x
        return everywhere[present].cpu().numpy()

    places = keypoint[present].cpu().numpy()
    return ClipMasking(
        places,
        dict(zip(model.masking.group_names, map(to_all_joints, visible))),
        to_all_joints(masked),
        to_all_joints(predicted[..., :places.shape[-1]]),
        np.diff(places, axis=1, append=places[:, -1:]),
        encoder.num_frames // patches, model.loss_rec.normalize, loss.item(),
        loss_of_zero.item())


def _mark(tokens: torch.Tensor, clips: torch.Tensor,
          patches: int) -> torch.Tensor:
    """Marks frames and joints (B, T, V') of tokens p V' + v, (B, K)."""
    batch, frames, joints = clips.shape[:3]
    marks = torch.zeros(batch, patches * joints, dtype=torch.bool,
                        device=clips.device)
    marks.scatter_(1, tokens, True)
    marks = marks.unflatten(1, (patches, joints))
    return marks.repeat_interleave(frames // patches, 1)
