"""Averages the attention maps of a SkeletonTransformer.

Shape legend: N batch (samples x clips), M person, S head,
T frame, P patch of frames, V joint, V' joint with tokens, C coordinate.
"""
from typing import NamedTuple, Optional, Tuple

import numpy as np
import torch
from torch import nn

from psp_plugin.errors import InputError
from psp_plugin.models import SkeletonTransformer
from psp_plugin.models.recognizers.two_stream import (
    TwoStreamEncoding,
    split_streams,
)

from .attention_maps import STREAMS


class EncoderAttention(NamedTuple):
    """Result of :func:`encoder_attention`. Rows are queries and sum to 1."""
    joint: np.ndarray
    """(V', V') float32, attention between the joints in ``joints``."""
    patch: np.ndarray
    """(P, P) float32, attention between patches of frames."""
    joints: Tuple[int, ...]
    """The V' joints with tokens, in order."""
    num_joints: int
    """Number of all joints V."""
    block: int
    """Index of the block."""
    depth: int
    """Number of blocks of the encoder."""
    frames_per_token: int
    """Number of frames in a patch."""
    streams: Tuple[str, ...]
    """The averaged streams; empty if the model has no streams."""

    @property
    def received(self) -> np.ndarray:
        """(V,) share of the attention that each joint receives.

        It is the mean of the joint's column in ``joint``, NaN for joints
        without a token. The shares sum to 1.
        """
        received = np.full(self.num_joints, np.nan, np.float32)
        received[list(self.joints)] = self.joint.mean(0)
        return received


def encoder_attention(model: nn.Module,
                      inputs: torch.Tensor,
                      block: Optional[int] = None,
                      stream: Optional[str] = None) -> EncoderAttention:
    """Computes the attention maps of one block of a model's encoder.

    Attention is summed over the key tokens of a joint (over patches) or of a
    patch (over joints), and averaged over the query tokens of a joint or
    patch, heads, persons, sampled clips and streams. Absent persons are
    excluded.

    Source: none; MAMP and HA-CM do not show attention.

    Args:
        model (nn.Module): A recognizer with a ``SkeletonTransformer``, in
            eval mode: ``RecognizerGCN``, ``HACMPretrainer``,
            ``SemiSupervisedRecognizer`` or its subclass ``PSPRecognizer``.
        inputs (Tensor): (B, num_clips, M, T, V, C), or 2C channels for a
            ``SemiSupervisedRecognizer``; on the model's device.
        block (int, optional): Index of the block. Defaults to None: the last.
        stream (str, optional): ``'joint'`` or ``'motion'`` of a
            ``SemiSupervisedRecognizer``. Defaults to None: both.

    Returns:
        EncoderAttention: The maps.

    Raises:
        InputError: If the encoder is not a ``SkeletonTransformer``, if the
            model does not have the block or stream, or if the clip has no
            person.
    """
    model = getattr(model, 'predictor', model)  # the teacher, if it predicts
    encoder = model.backbone
    if not has_attention(encoder):
        raise InputError(f'the encoder {type(encoder).__name__} has no '
                         'attention maps, only SkeletonTransformer has')
    depth = encoder.depth
    if block is None:
        block = depth - 1
    if not 0 <= block < depth:
        raise InputError(f'there is no block {block + 1}: the encoder has '
                         f'blocks 1 to {depth}')
    streams = _split(model, inputs, stream)
    present = inputs.flatten(0, 1).flatten(2).any(2)  # (N, M)
    if not present.any():
        raise InputError('the clip has no person: all coordinates that the '
                         'model receives are zero')
    tokens = encoder.num_patches, len(encoder.token_joints)
    maps = []
    with torch.no_grad():
        for x in streams.values():
            for person in x[present]:  # one by one, as maps are large
                attention = encoder.attention(person[None, None], block)
                attention = attention[0, 0].mean(0).unflatten(
                    0, tokens).unflatten(2, tokens)  # (P, V', P, V')
                maps.append((attention.sum(2).mean(0),
                             attention.sum(3).mean(1)))
    joint, patch = (torch.stack(of_all).mean(0).float().cpu().numpy()
                    for of_all in zip(*maps))
    return EncoderAttention(
        joint, patch, encoder.token_joints, encoder.num_joints, block, depth,
        encoder.num_frames // encoder.num_patches, tuple(filter(None, streams))
    )


def has_attention(encoder: nn.Module) -> bool:
    """Whether :func:`encoder_attention` supports an encoder."""
    return isinstance(encoder, SkeletonTransformer)


def _split(model: nn.Module, inputs: torch.Tensor,
           stream: Optional[str]) -> dict:
    """Returns the inputs of the encoder per stream, (N, M, T, V, C)."""
    if not isinstance(model, TwoStreamEncoding):
        if stream is not None:
            raise InputError(f'{type(model).__name__} has no {stream} stream: '
                             'its encoder has a single input')
        return {None: inputs.flatten(0, 1)}
    if stream not in (None, *STREAMS):
        raise InputError(f'stream must be one of {", ".join(STREAMS)}, not '
                         f'{stream!r}')
    both = split_streams(inputs)
    if model.stream_norm is not None:
        both = model.stream_norm(*both)
    both = dict(zip(STREAMS, both))
    return both if stream is None else {stream: both[stream]}
