"""Checks that the weights of a checkpoint fit an encoder."""
from typing import Dict

import torch
import torch.nn.functional as F
from torch import nn

from psp_plugin.errors import InputError

TIME_CODE = 'patch_embed.time_code'


def check_weights(encoder: nn.Module, state: Dict[str, torch.Tensor],
                  prefix: str, *args) -> None:
    """Rejects weights that do not fit, and resizes the time embedding.

    A PyTorch hook that runs before weights are loaded, also where MMEngine
    would load only matching weights and warn about the others.

    Args:
        encoder (nn.Module): A ``SkeletonTransformer``.
        state (dict[str, Tensor]): All weights to be loaded; a time embedding
            for another number of patches is replaced by an interpolated one
            (linear, half-pixel convention).
        prefix (str): Prefix of the names of the encoder's weights.
        *args: Further arguments of the hook, not used.

    Raises:
        InputError: If a weight is missing or has another shape.
    """
    wanted = {prefix + name: value
              for name, value in encoder.state_dict().items()}
    code = prefix + TIME_CODE
    if code in state and state[code].shape != wanted[code].shape and (
            state[code].dim() == 4):
        state[code] = resize_time_code(state[code], wanted[code].size(1))
    missing = [name for name in wanted if name not in state]
    if missing:
        raise InputError(
            f'the checkpoint does not fit this {type(encoder).__name__}: it '
            f'lacks {len(missing)} of {len(wanted)} weights, such as '
            f'{missing[0]!r}; use a checkpoint of the same encoder')
    for name, value in wanted.items():
        if state[name].shape != value.shape:
            raise InputError(
                f'the checkpoint does not fit this {type(encoder).__name__}: '
                f'{name!r} has shape {tuple(state[name].shape)}, not '
                f'{tuple(value.shape)}; build the encoder with the sizes, '
                'layout and tokens of its pre-training')


def resize_time_code(code: torch.Tensor, num_patches: int) -> torch.Tensor:
    """Interpolates a time embedding to another number of patches.

    Args:
        code (Tensor): (1, P, 1, D).
        num_patches (int): The new number of patches.

    Returns:
        Tensor: (1, num_patches, 1, D).
    """
    rows = code.squeeze(2).transpose(1, 2)  # 1, D, P
    rows = F.interpolate(rows, num_patches, mode='linear')
    return rows.transpose(1, 2).unsqueeze(2)
