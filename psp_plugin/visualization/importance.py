"""How important a joint is to an action, read from the attention maps."""
from typing import Dict, Optional, Tuple

import numpy as np
import torch

Streams = Tuple[torch.Tensor, torch.Tensor]


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
