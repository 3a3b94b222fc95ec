"""The attention maps of a clip, averaged for looking at them.

Shape legend: N batch, M person, S head, K nodes of a level, V joint.
"""
from typing import Collection, Dict, NamedTuple, Optional, Tuple

import numpy as np
import torch
from torch import nn

from psp_plugin.errors import InputError
from psp_plugin.skeletons import LEVELS

from .importance import joint_importance

STREAMS = ('joint', 'motion')


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
        :func:`psp_plugin.visualization.joint_importance`.

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
    :func:`psp_plugin.visualization.joint_importance`: the importance of a
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
