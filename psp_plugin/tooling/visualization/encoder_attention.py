"""The attention of a SkeletonTransformer, averaged for looking at it.

Shape legend: N batch (every clip of a sample counts), M person, S head,
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
    """What :func:`encoder_attention` gives. Rows are queries and sum to 1."""
    joint: np.ndarray
    """(V', V') float32, from joint to joint, of ``joints``."""
    patch: np.ndarray
    """(P, P) float32, from patch of frames to patch of frames."""
    joints: Tuple[int, ...]
    """The V' joints that are tokens, in order."""
    num_joints: int
    """All joints V."""
    block: int
    """The block of the encoder, from 0."""
    depth: int
    """The number of its blocks."""
    frames_per_token: int
    """Frames of a patch."""
    streams: Tuple[str, ...]
    """Those that the maps are the mean of; none if the model has none."""

    @property
    def received(self) -> np.ndarray:
        """(V,) what share of the attention each joint receives.

        The mean of its column in ``joint``, over the joints that attend; NaN
        for a joint that is no token. The shares sum to 1.
        """
        received = np.full(self.num_joints, np.nan, np.float32)
        received[list(self.joints)] = self.joint.mean(0)
        return received


def encoder_attention(model: nn.Module,
                      inputs: torch.Tensor,
                      block: Optional[int] = None,
                      stream: Optional[str] = None) -> EncoderAttention:
    """Computes the attention of one block of a model's encoder to a clip.

    What a token gives to the tokens of a joint, in all patches, is summed up,
    and likewise to those of a patch; the queries of a joint or patch, heads,
    persons, sampled clips and streams are averaged. Persons that are padding
    do not count.

    Source: this project's own; MAMP and HA-CM show no attention.

    Args:
        model (nn.Module): A recognizer with a ``SkeletonTransformer``, in
            eval mode: ``RecognizerGCN``, ``HACMPretrainer``,
            ``SemiSupervisedRecognizer`` or its subclass ``PSPRecognizer``.
        inputs (Tensor): (B, num_clips, M, T, V, C), with 2C of a
            ``SemiSupervisedRecognizer``, on its device.
        block (int, optional): Number of the block, from 0. Defaults to None:
            the last.
        stream (str, optional): ``'joint'`` or ``'motion'`` of a
            ``SemiSupervisedRecognizer``. Defaults to None: both.

    Returns:
        EncoderAttention: The maps.

    Raises:
        InputError: If the encoder is another one, if block or stream are
            none that the model has, or if nobody is there.
    """
    model = getattr(model, 'predictor', model)  # a teacher, where one predicts
    encoder = model.backbone
    if not has_attention(encoder):
        raise InputError(f'the encoder {type(encoder).__name__} gives no '
                         'attention maps, as SkeletonTransformer does')
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
                         'model is given are zero')
    tokens = encoder.num_patches, len(encoder.token_joints)
    maps = []
    with torch.no_grad():
        for x in streams.values():
            for person in x[present]:  # one by one: maps are large
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
    """Whether :func:`encoder_attention` can look at an encoder."""
    return isinstance(encoder, SkeletonTransformer)


def _split(model: nn.Module, inputs: torch.Tensor,
           stream: Optional[str]) -> dict:
    """What the encoder is given, (N, M, T, V, C) a stream."""
    if not isinstance(model, TwoStreamEncoding):
        if stream is not None:
            raise InputError(f'{type(model).__name__} has no {stream} stream: '
                             'its encoder is given one kind of data')
        return {None: inputs.flatten(0, 1)}
    if stream not in (None, *STREAMS):
        raise InputError(f'stream must be one of {", ".join(STREAMS)}, not '
                         f'{stream!r}')
    both = split_streams(inputs)
    if model.stream_norm is not None:
        both = model.stream_norm(*both)
    both = dict(zip(STREAMS, both))
    return both if stream is None else {stream: both[stream]}
