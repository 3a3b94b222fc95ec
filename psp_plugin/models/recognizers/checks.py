"""Checks that encoder, neck, head and clips fit each other."""
from typing import Optional, Sequence

import torch
from torch import nn


def num_joints_of(backbone: nn.Module) -> Optional[int]:
    """Returns the number of joints V of an encoder, None if unknown.

    Args:
        backbone (nn.Module): ``DSTANet`` and encoders like it have the
            attribute ``num_joints``; the toolbox's GCNs have a ``graph``.
    """
    graph = getattr(backbone, 'graph', None)
    return getattr(backbone, 'num_joints', getattr(graph, 'num_node', None))


def feature_joints_of(backbone: nn.Module,
                      joints: Sequence[int]) -> Sequence[int]:
    """Returns the joints that an encoder's features contain.

    Args:
        backbone (nn.Module): ``SkeletonTransformer`` has the attribute
            ``token_joints``; other encoders keep all joints.
        joints (Sequence[int]): All joints of the clips.
    """
    return getattr(backbone, 'token_joints', joints)


def channels_of(backbone: nn.Module) -> Optional[int]:
    """Returns the output channels C' of an encoder, None if unknown.

    Args:
        backbone (nn.Module): ``DSTANet`` and encoders like it have the
            attribute ``out_channels``; for the toolbox's GCNs the last block
            is read.
    """
    if hasattr(backbone, 'out_channels'):
        return backbone.out_channels
    blocks = getattr(backbone, 'gcn', None)
    last = blocks[-1] if isinstance(blocks, nn.ModuleList) else None
    norm = getattr(getattr(last, 'gcn', None), 'bn', None)
    return getattr(norm, 'num_features', None)


def check_channels(model: nn.Module, channels: Optional[int]) -> None:
    """Checks that neck, projector and head accept the encoder's channels.

    Args:
        model (nn.Module): A recognizer; modules that are missing, or have no
            ``in_channels``, are skipped.
        channels (int, optional): Channels C' of the features. None where they
            are not known yet: then the modules must agree.

    Raises:
        ValueError: If a module is built for another number.
    """
    source = f'the encoder {type(model.backbone).__name__} returns'
    for name in ('neck', 'projector', 'cls_head'):
        width = getattr(getattr(model, name, None), 'in_channels', None)
        if width is None:
            continue
        if channels is None:
            source, channels = f'{name} is built for', width
        if width != channels:
            raise ValueError(
                f'{source} {channels} channels, but {name} is built for '
                f'{width}: set {name}=dict(in_channels={channels}), or change '
                'the encoder')


def check_neck(backbone: nn.Module, neck: nn.Module) -> None:
    """Checks that encoder and pyramid have the same joints.

    Args:
        backbone (nn.Module): The encoder.
        neck (nn.Module): The neck; one without a ``pyramid`` is skipped.

    Raises:
        ValueError: If their numbers of joints differ, or if the encoder
            leaves joints out.
    """
    joints = num_joints_of(backbone)
    pyramid = getattr(neck, 'pyramid', None)
    kept = len(feature_joints_of(backbone, range(joints or 0)))
    if None not in (joints, pyramid) and kept != joints:
        raise ValueError(
            f'the encoder {type(backbone).__name__} leaves {joints - kept} of '
            f'{joints} joints out, but the neck needs all: set '
            "backbone=dict(tokens='all')")
    if None not in (joints, pyramid) and pyramid.num_joints != joints:
        raise ValueError(
            f'the encoder {type(backbone).__name__} is built for {joints} '
            f'joints, but the neck has layout {pyramid.name!r} of '
            f'{pyramid.num_joints}: set the same joint layout for both')


def check_clips(backbone: nn.Module, clips: torch.Tensor) -> None:
    """Checks that clips have the joints of the encoder.

    Args:
        backbone (nn.Module): The encoder.
        clips (Tensor): (..., M, T, V, C).

    Raises:
        ValueError: If the numbers of joints differ.
    """
    joints = num_joints_of(backbone)
    if joints not in (None, clips.size(-2)):
        raise ValueError(
            f'the encoder {type(backbone).__name__} is built for {joints} '
            f'joints, but the clips have {clips.size(-2)}: set its joint '
            'layout to that of the data')


def check_features(backbone: nn.Module, clips: torch.Tensor,
                   features: torch.Tensor) -> None:
    """Checks that an encoder's features have a person and a joint axis.

    Args:
        backbone (nn.Module): The encoder.
        clips (Tensor): Its input, (N, M, T, V, C).
        features (Tensor): Its output, which must be (N, M, C', T', V).

    Raises:
        ValueError: If the features have another shape, such as those of
            PoseC3D, whose heat maps have no joints.
    """
    n, m, _, v, _ = clips.shape
    v = len(feature_joints_of(backbone, range(v)))
    shape = tuple(features.shape)
    if len(shape) != 5 or (*shape[:2], shape[4]) != (n, m, v):
        raise ValueError(
            f'the encoder {type(backbone).__name__} turned clips of shape '
            f"{tuple(clips.shape)} into features of {shape}, not (N, M, C', "
            f"T', V) = ({n}, {m}, C', T', {v}): use one that keeps persons "
            'and joints, as DSTANet, STGCN or AAGCN do')
