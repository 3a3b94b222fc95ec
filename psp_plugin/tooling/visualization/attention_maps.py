"""The attention maps of a clip, averaged for looking at them.

Shape legend: N batch, M person, S head, K nodes of a level, V joint.
"""
from typing import Collection, Dict, NamedTuple, Optional, Tuple

import numpy as np
import torch
from torch import nn

from psp_plugin.errors import InputError
from psp_plugin.skeletons import LEVELS

STREAMS = ('joint', 'motion')
Streams = Tuple[torch.Tensor, torch.Tensor]


class ClipAttention(NamedTuple):
    """What :func:`clip_attention` gives."""
    maps: Dict[str, np.ndarray]
    importance: np.ndarray


def clip_attention(model: nn.Module, inputs: torch.Tensor,
                   stream: Optional[str] = None) -> ClipAttention:
    """Computes the attention maps of a clip and the importance of its joints.

    Persons that are padding do not count.

    Args:
        model (nn.Module): A ``PSPRecognizer`` with a neck, in eval mode.
        inputs (Tensor): (B, num_clips, M, T, V, 2C), on its device.
        stream (str, optional): ``'joint'`` or ``'motion'``. Defaults to None:
            both.

    Returns:
        ClipAttention: ``maps`` as of :func:`mean_attention`, of the levels
        that were contrasted in training; and ``importance`` as of
        :func:`psp_plugin.tooling.visualization.joint_importance`.

    Raises:
        InputError: If ``stream`` is another one.
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


def contrasted_levels(model: nn.Module) -> Collection[str]:
    """The levels whose attention was trained.

    Args:
        model (nn.Module): A ``PSPRecognizer`` with a neck.
    """
    return getattr(model.loss_con, 'level_weights', LEVELS)


def mean_attention(attention: Dict[str, Tuple[torch.Tensor, ...]],
                   present: Optional[torch.Tensor] = None
                   ) -> Dict[str, np.ndarray]:
    """Averages the absolute values of attention maps.

    Source: PSP Learning (arXiv 2302.02327), figure 5, which does not say how
    heads, signs, streams and persons are merged. Here as in
    :func:`joint_importance`: the importance of a
    joint is the mean of its row of the joint-level map, up to scale.

    Args:
        attention (dict[str, tuple[Tensor, ...]]): Per level the maps of one
            or more streams, (N, M, S, K, K) each, with queries as rows.
        present (Tensor, optional): (N, M), true for the persons that count.
            Defaults to None: all do.

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


def joint_importance(attention: Dict[str, Streams],
                     present: Optional[torch.Tensor] = None) -> np.ndarray:
    """Averages the rows of the joint-level map and scales them by the largest.

    Source: PSP Learning (arXiv 2302.02327), figure 5: the darker the row of a
    joint in the map A_{g,h,z}, the more important the joint. A row is what a
    joint asks of all joints, so joint v has the mean of |A_{g,h,z}[v, :]|
    over keys, heads, clips, persons and both streams. The paper does not say
    how signs, streams and persons are merged; that is settled here.

    Args:
        attention (dict[str, Streams]): What ``PSPRecognizer.attention`` gives;
            of its level ``'joint'`` the maps of joint and motion, each
            (N, M, S, V, V) with queries as rows.
        present (Tensor, optional): (N, M), true for the persons that count.
            Defaults to None: all do, those that are padding as well.

    Returns:
        np.ndarray: (V,), float32, from above 0 to exactly 1 for the most
        important joint; all zeros if the maps are zero.

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
