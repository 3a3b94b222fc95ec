"""What masked pre-training hides of a clip, and what it reconstructs.

Shape legend: B sequence (one person), M person, T frame, P patch of p frames,
V joint, V' joint with tokens, C coordinate, K visible token of a group.
"""
from typing import Dict, NamedTuple, Optional

import numpy as np
import torch
from torch import nn

from psp_plugin.errors import InputError


class ClipMasking(NamedTuple):
    """What :func:`clip_masking` gives, of all V joints."""
    keypoint: np.ndarray
    """(M, T, V, C) joints as the model is given them."""
    visible: Dict[str, np.ndarray]
    """(M, T, V) booleans per group of tokens: those that the model sees."""
    masked: np.ndarray
    """(M, T, V) booleans. A joint in neither has no token."""
    predicted: np.ndarray
    """(M, T, V, C) displacement to the next frame, 0 without a token."""
    true: np.ndarray
    """(M, T, V, C), of which the last frame has 0."""
    frames_per_token: int
    normalized: bool
    """Whether ``predicted`` has mean and size of the true motion."""
    loss: float
    """``loss_rec`` of the clip."""
    loss_of_zero: float
    """``loss_rec`` if the model predicted 0 everywhere."""

    @property
    def share(self) -> float:
        """The share of tokens that are masked."""
        seen = sum(group.sum() for group in self.visible.values())
        return float(self.masked.sum() / (self.masked.sum() + seen))

    def paths(self, displacement: np.ndarray) -> np.ndarray:
        """Where joints go within each patch, from their true first place.

        Args:
            displacement (np.ndarray): ``predicted`` or ``true``.

        Returns:
            np.ndarray: (M, P, p + 1, V, C); the last place is that in the
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

    The model predicts normalised motion. Mean and size of each token's motion
    come from the truth, see ``MaskedMotionLoss.displacement``.

    Args:
        model (nn.Module): An ``HACMPretrainer``, in eval mode.
        inputs (Tensor): (1, num_clips, M, T, V, C), on its device. Of the
            sampled clips the first is taken.
        seed (int): Of what is masked; PyTorch's generators are left as they
            were. Defaults to 0.
        coordinates (int, optional): How many of the coordinates are places,
            not scores. Defaults to None: those that the model restores.

    Returns:
        ClipMasking: Of the M persons who are there.

    Raises:
        InputError: If nobody is there, or if the clip does not fit the model.
    """
    inputs = inputs[:1, :1]
    if not inputs.any():
        raise InputError('the clip has no person: all coordinates that the '
                         'model is given are zero')
    # The seed is set on all devices, so all are to be as they were.
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
    there = keypoint.flatten(1).any(1)  # absent persons may be masked as well
    visible = [_mark(group, made.clips, patches) for group in made.groups]
    masked = ~torch.stack(visible).any(0)

    def whole(x: torch.Tensor) -> np.ndarray:
        """Puts (B, T, V', ...) to where they are of all V joints."""
        everywhere = x.new_zeros(*keypoint.shape[:3], *x.shape[3:])
        everywhere[:, :, list(encoder.token_joints)] = x
        return everywhere[there].cpu().numpy()

    places = keypoint[there].cpu().numpy()
    return ClipMasking(
        places,
        dict(zip(model.masking.group_names, map(whole, visible))),
        whole(masked),
        whole(predicted[..., :places.shape[-1]]),
        np.diff(places, axis=1, append=places[:, -1:]),
        encoder.num_frames // patches, model.loss_rec.normalize, loss.item(),
        loss_of_zero.item())


def _mark(tokens: torch.Tensor, clips: torch.Tensor,
          patches: int) -> torch.Tensor:
    """The frames and joints of tokens p V' + v, (B, K): (B, T, V')."""
    batch, frames, joints = clips.shape[:3]
    marks = torch.zeros(batch, patches * joints, dtype=torch.bool,
                        device=clips.device)
    marks.scatter_(1, tokens, True)
    marks = marks.unflatten(1, (patches, joints))
    return marks.repeat_interleave(frames // patches, 1)
