"""From clips to the features of the joint and the motion stream.

Shape legend: N batch (every clip of a sample counts), M person, T frame,
V joint, C channel.
"""
from typing import Dict, NamedTuple, Optional

import torch
from torch import nn

from .checks import check_channels, check_clips, check_features
from .persons import find_present, stand_ins


class Streams(NamedTuple):
    """What the joint and the motion data of the same clips became."""
    joint: torch.Tensor
    motion: torch.Tensor


class TwoStreamEncoding:
    """Encodes with ``backbone``, ``stream_norm`` and ``skip_absent_persons``.

    The modules that inherit from it have these three; a ``neck``,
    ``projector`` or ``cls_head`` must take what the backbone gives.
    """

    def encode(self, clips: Dict[str, torch.Tensor]) -> Dict[str, Streams]:
        """Encodes both streams of all views in one pass.

        Args:
            clips (dict[str, Tensor]): Per view,
                (B, num_clips, M, T, V, 2C).

        Returns:
            dict[str, Streams]: Per view, the features f_j and f_m,
            (N, M, C', T', V) each.

        Raises:
            ValueError: If the views differ in shape, if the clips have other
                joints than the encoder, or if its features have no joints.
        """
        check_alike(clips)
        pairs = [split_streams(x) for x in clips.values()]
        joint, motion = (torch.cat(streams) for streams in zip(*pairs))
        check_clips(self.backbone, joint)
        present = None
        if self.skip_absent_persons:
            present = torch.cat([find_present(x, 2) for x in clips.values()])
            present = present.repeat(2, 1)  # for both streams alike
        if self.stream_norm is not None:
            joint, motion = self.stream_norm(joint, motion)
        features = self.encode_persons(torch.cat((joint, motion)), present)
        # Not len(), which would fix the batch size in torch.export.
        sizes = [pair.joint.size(0) for pair in pairs]
        features = features.split(2 * sizes)
        return {view: Streams(*pair) for view, pair in zip(
            clips, zip(features[:len(sizes)], features[len(sizes):]))}

    def encode_persons(self, x: torch.Tensor,
                       present: Optional[torch.Tensor]) -> torch.Tensor:
        """Encodes all persons, or those who are there.

        Args:
            x (Tensor): (N, M, T, V, C).
            present (Tensor, optional): (N, M), whose features also stand at
                the places of the others, see :func:`stand_ins`. None for all.

        Returns:
            Tensor: (N, M, C', T', V).

        Raises:
            ValueError: If the features have no joints, or other channels than
                neck, projector and head take.
        """
        # A traced graph has one size: it computes all, which gives the same
        # in evaluation.
        skip = present is not None and not torch.compiler.is_compiling()
        given = x[present].unsqueeze(1) if skip else x
        features = self.backbone(given)
        check_features(self.backbone, given, features)
        check_channels(self, features.size(2))
        if present is None:
            return features
        if skip:
            return features.squeeze(1)[stand_ins(present)]
        return torch.where(present[..., None, None, None], features,
                           features.flip(1))


class TwoStreamClassifier(TwoStreamEncoding, nn.Module):
    """Encoder and classifier of a recognizer, without its losses.

    Made from the recognizer's own modules, it shares them; a copy of it is a
    teacher.

    Args:
        backbone (nn.Module): (N, M, T, V, C) to (N, M, C', T', V).
        cls_head (nn.Module): Classifier of the two streams.
        stream_norm (nn.Module, optional): Of the input.
        skip_absent_persons (bool): As of the recognizer.
    """

    def __init__(self, backbone: nn.Module, cls_head: nn.Module,
                 stream_norm: Optional[nn.Module],
                 skip_absent_persons: bool) -> None:
        super().__init__()
        self.backbone = backbone
        self.cls_head = cls_head
        self.stream_norm = stream_norm
        self.skip_absent_persons = skip_absent_persons

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """Maps clips (B, num_clips, M, T, V, 2C) to logits (N, classes)."""
        return self.cls_head(self.encode(dict(clips=clips))['clips'])


def check_alike(clips: Dict[str, torch.Tensor]) -> None:
    """Checks that views can be one batch.

    Args:
        clips (dict[str, Tensor]): (B, num_clips, M, T, V, 2C) each.

    Raises:
        ValueError: If persons, frames, joints or channels differ.
    """
    shapes = {view: tuple(x.shape[2:]) for view, x in clips.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(
            'the views differ in (persons, frames, joints, channels): '
            + ', '.join(f'{view} {shape}' for view, shape in shapes.items())
            + '; sample and pack them alike')


def split_streams(clips: torch.Tensor) -> Streams:
    """Takes joint and motion apart and counts every clip into the batch.

    Args:
        clips (Tensor): (B, num_clips, M, T, V, 2C), as the toolbox's
            ``GenSkeFeat(feats=['j', 'jm'])`` and ``FormatGCNInput`` give it.

    Returns:
        Streams: (B * num_clips, M, T, V, C) each.

    Raises:
        ValueError: If the channels cannot be halved.
    """
    if clips.size(-1) % 2:
        raise ValueError(
            f'{clips.size(-1)} channels cannot be halved into joint and '
            "motion: use GenSkeFeat with feats=['j', 'jm'] in the pipeline")
    return Streams(*clips.flatten(0, 1).chunk(2, dim=-1))
