"""From clips to the features of the joint and the motion stream.

Shape legend: N batch (samples x clips per sample), M person, T frame,
V joint, C channel.
"""
from typing import Dict, NamedTuple, Optional

import torch
from torch import nn

from .checks import check_channels, check_clips, check_features
from .persons import feature_indices, find_present


class Streams(NamedTuple):
    """Data, features or projections of both streams of the same clips."""
    joint: torch.Tensor
    motion: torch.Tensor


class TwoStreamEncoding:
    """Mixin that encodes joint and motion data with one backbone.

    Subclasses have the attributes ``backbone``, ``stream_norm`` and
    ``skip_absent_persons``; a ``neck``, ``projector`` or ``cls_head`` must
    accept the channels of the backbone.
    """

    def encode(self, clips: Dict[str, torch.Tensor]) -> Dict[str, Streams]:
        """Encodes both streams of all views in one pass.

        Args:
            clips (dict[str, Tensor]): By view,
                (B, num_clips, M, T, V, 2C).

        Returns:
            dict[str, Streams]: By view, the features f_j and f_m,
            (N, M, C', T', V) each.

        Raises:
            ValueError: If the views differ in shape, if clips and encoder
                differ in the number of joints, or if the features have no
                joint axis.
        """
        check_same_shape(clips)
        pairs = [split_streams(x) for x in clips.values()]
        joint, motion = (torch.cat(streams) for streams in zip(*pairs))
        check_clips(self.backbone, joint)
        present = None
        if self.skip_absent_persons:
            present = torch.cat([find_present(x, 2) for x in clips.values()])
            present = present.repeat(2, 1)  # the same in both streams
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
        """Encodes all persons, or only those who are present.

        Args:
            x (Tensor): (N, M, T, V, C).
            present (Tensor, optional): (N, M) booleans; the features of a
                present person replace those of an absent one, see
                :func:`feature_indices`. None encodes all persons.

        Returns:
            Tensor: (N, M, C', T', V).

        Raises:
            ValueError: If the features have no joint axis, or if neck,
                projector and head expect another number of channels.
        """
        # A traced graph has a fixed size: it encodes all persons, which gives
        # the same result in evaluation.
        skip = present is not None and not torch.compiler.is_compiling()
        persons = x[present].unsqueeze(1) if skip else x
        features = self.backbone(persons)
        check_features(self.backbone, persons, features)
        check_channels(self, features.size(2))
        if present is None:
            return features
        if skip:
            return features.squeeze(1)[feature_indices(present)]
        return torch.where(present[..., None, None, None], features,
                           features.flip(1))


class TwoStreamClassifier(TwoStreamEncoding, nn.Module):
    """Encoder and classifier of a recognizer, without its losses.

    It shares the modules that it is given; a copy of it serves as teacher.

    Args:
        backbone (nn.Module): (N, M, T, V, C) to (N, M, C', T', V).
        cls_head (nn.Module): Classifier of the two streams.
        stream_norm (nn.Module, optional): Normalises the input.
        skip_absent_persons (bool): See :class:`SemiSupervisedRecognizer`.
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


def check_same_shape(clips: Dict[str, torch.Tensor]) -> None:
    """Checks that views can be concatenated into one batch.

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
            + '; sample and pack them in the same way')


def split_streams(clips: torch.Tensor) -> Streams:
    """Splits joint from motion and merges the clips into the batch axis.

    Args:
        clips (Tensor): (B, num_clips, M, T, V, 2C), as the toolbox's
            ``GenSkeFeat(feats=['j', 'jm'])`` and ``FormatGCNInput`` produce.

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
