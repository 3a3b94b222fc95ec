"""Averages the attention maps of a clip and computes joint importance.

Shape legend: N batch, M person, S head, K nodes of a level, V joint.
"""
from typing import Collection, Dict, List, NamedTuple, Optional, Tuple

import numpy as np
import torch
from torch import nn

from psp_plugin.errors import InputError
from psp_plugin.skeletons import LEVELS

STREAMS = ('joint', 'motion')


class ClipAttention(NamedTuple):
    """Result of :func:`clip_attention`."""
    maps: Dict[str, np.ndarray]
    """(K, K) per level, see :func:`mean_attention`."""
    importance: np.ndarray
    """(V,), see :func:`joint_importance`."""


def clip_attention(model: nn.Module, inputs: torch.Tensor,
                   stream: Optional[str] = None) -> ClipAttention:
    """Computes the attention maps of a clip and the importance of its joints.

    Absent persons are excluded.

    Args:
        model (nn.Module): A ``PSPRecognizer`` with a neck, in eval mode.
        inputs (Tensor): (B, num_clips, M, T, V, 2C), on the model's device.
        stream (str, optional): ``'joint'`` or ``'motion'``. Defaults to None:
            both.

    Returns:
        ClipAttention: The maps of the contrasted levels, and the importance
        of joints.

    Raises:
        InputError: If ``stream`` is unknown.
        ValueError: If the maps have no joint level, or if the clip is empty.
    """
    if stream not in (None, *STREAMS):
        raise InputError(f'stream must be one of {", ".join(STREAMS)}, not '
                         f'{stream!r}')
    with torch.no_grad():
        attention = model.attention(inputs)
    attention = {level: maps for level, maps in attention.items()
                 if level in contrasted_levels(model)}
    if stream is not None:
        attention = {level: (getattr(maps, stream), )
                     for level, maps in attention.items()}
    present = inputs.flatten(0, 1).flatten(2).any(2)  # (N, M)
    return ClipAttention(mean_attention(attention, present),
                         joint_importance(attention, present))


def clip_importance(model: nn.Module, inputs: torch.Tensor,
                    streams: Optional[tuple] = None) -> List[np.ndarray]:
    """Computes the importance of the joints of each clip of a batch.

    Args:
        model (nn.Module): A ``PSPRecognizer`` with a neck, in eval mode.
        inputs (Tensor): (B, num_clips, M, T, V, 2C), on the model's device.
        streams (tuple, optional): The encoder features of ``inputs``, if they
            have been computed. Defaults to None.

    Returns:
        list[np.ndarray]: (V,) per clip, see :func:`joint_importance`.

    Raises:
        ValueError: If the maps have no joint level, or if a clip is empty.
    """
    with torch.no_grad():
        maps = model.attention(inputs, streams)['joint']
    present = inputs.flatten(3).any(3)  # (B, num_clips, M)
    parts = zip(*(each.unflatten(0, present.shape[:2]) for each in maps))
    return [joint_importance(dict(joint=clip), persons)
            for clip, persons in zip(parts, present)]


def contrasted_levels(model: nn.Module) -> Collection[str]:
    """Returns the levels whose attention was trained.

    Args:
        model (nn.Module): A ``PSPRecognizer`` with a neck.
    """
    return getattr(model.loss_con, 'level_weights', LEVELS)


def mean_attention(attention: Dict[str, Tuple[torch.Tensor, ...]],
                   present: Optional[torch.Tensor] = None
                   ) -> Dict[str, np.ndarray]:
    """Averages the absolute values of attention maps.

    Source: PSP Learning (arXiv 2302.02327), figure 5, which does not
    specify how heads, signs, streams and persons are combined. Averaging is
    consistent with :func:`joint_importance`, which is the mean of a joint's
    row of the joint-level map, up to scale.

    Args:
        attention (dict[str, tuple[Tensor, ...]]): Per level the maps of one
            or more streams, (N, M, S, K, K) each, with queries as rows.
        present (Tensor, optional): (N, M), true for the persons to include.
            Defaults to None: all persons.

    Returns:
        dict[str, np.ndarray]: Per level (K, K), float32.

    Raises:
        ValueError: If no person is present.
    """
    means = {}
    for level, streams in attention.items():
        maps = sum(x.abs().mean(2) for x in streams) / len(streams)
        if present is not None:
            maps = maps[present.to(maps.device, torch.bool)][None]
        if not maps.numel():
            raise ValueError('no person is present: the clip is empty')
        means[level] = maps.mean((0, 1)).float().cpu().numpy()  # (K, K)
    return means


def joint_importance(attention: Dict[str, Tuple[torch.Tensor, ...]],
                     present: Optional[torch.Tensor] = None) -> np.ndarray:
    """Averages each row of the joint-level map, scaled to a maximum of 1.

    Source: PSP Learning (arXiv 2302.02327), figure 5: the darker the row of a
    joint in the map A_{g,h,z}, the more important the joint. A row contains
    the attention of a query joint, so the importance of joint v is the mean
    of |A_{g,h,z}[v, :]| over keys, heads, clips, persons and streams. The
    paper does not specify how signs, streams and persons are combined; this
    is a choice of this package.

    Args:
        attention (dict[str, tuple[Tensor, ...]]): Output of
            ``PSPRecognizer.attention``; only the level ``'joint'`` is used:
            the maps of one or both streams, each (N, M, S, V, V) with queries
            as rows.
        present (Tensor, optional): (N, M), true for the persons to include.
            Defaults to None: all persons, including absent ones.

    Returns:
        np.ndarray: (V,), float32, 1 for the most important joint; zeros if
        the maps are zero.

    Raises:
        ValueError: If the level is missing, or if no person is present.
    """
    if 'joint' not in attention:
        raise ValueError("the attention has no level 'joint', but only "
                         f'{sorted(attention)}')
    rows = sum(maps.abs().mean((2, 4)) for maps in attention['joint'])
    if present is None:  # (N, M, V)
        present = torch.ones(rows.shape[:2], dtype=torch.bool)
    present = present.to(rows.device, torch.bool)
    if not present.any():
        raise ValueError('no person is present: the clip is empty')
    importance = rows[present].mean(0)
    return (importance / importance.max().clamp_min(1e-12)).cpu().numpy()
