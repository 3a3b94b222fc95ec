"""State dicts of the released implementation and of this package."""
import re
from typing import Any, Dict

import torch
from torch import nn

from psp_plugin.errors import InputError

from .names import official_name

State = Dict[str, torch.Tensor]

# Learnt for all clips alike, but with an axis for the batch.
_BATCHED = re.compile(r'\.(alpha|attention0)[st]$')
# Buffers that are computed here: position codes, and maps of zeros.
_CONSTANT = re.compile(r'graph_layers\.(\d+)\.(?:(pe)([st])\.pe|att([st]))')


def from_official(state: State, model: nn.Module) -> State:
    """Converts a state dict of the released implementation.

    Args:
        state (dict[str, Tensor]): Under the official names, with or without
            ``module.`` before each.
        model (nn.Module): The ``PSPRecognizer`` that is to have the weights;
            it is left as it is.

    Returns:
        dict[str, Tensor]: All the model's keys, to be loaded strictly.

    Raises:
        InputError: If a weight is missing, left over, of another shape or no
            tensor, or if a constant is not the one that the model computes.
    """
    if all(key.startswith('module.') for key in state):
        state = {key[len('module.'):]: x for key, x in state.items()}
    converted, left = {}, dict(state)
    for name, wanted in model.state_dict().items():
        key = official_name(name)
        if key not in left:
            raise InputError(f'key {key!r} is missing, which the model needs '
                             f'for its {name}')
        shape = tuple(wanted.shape)
        if _BATCHED.search(key):
            shape = (1, *shape)
        x = _tensor(key, left.pop(key))
        if tuple(x.shape) != shape:
            raise InputError(f'key {key!r} has shape {tuple(x.shape)}, not '
                             f"the {shape} of the model's {name}")
        converted[name] = x.reshape(wanted.shape).to(wanted.dtype)
    for key, x in left.items():
        _check_constant(key, x, model)
    return converted


def to_official(state: State) -> State:
    """Converts back, without the constants.

    Args:
        state (dict[str, Tensor]): Of a ``PSPRecognizer`` with ``DSTANet``.

    Returns:
        dict[str, Tensor]: The same weights under the official names.
    """
    renamed = {official_name(name): x for name, x in state.items()}
    return {key: x[None] if _BATCHED.search(key) else x
            for key, x in renamed.items()}


def _tensor(key: str, x: Any) -> torch.Tensor:
    if not isinstance(x, torch.Tensor):
        raise InputError(f'key {key!r} holds a {type(x).__name__}, not a '
                         'tensor')
    return x.cpu()


def _check_constant(key: str, x: Any, model: nn.Module) -> None:
    """Raises InputError unless a buffer is one that the model computes."""
    match = _CONSTANT.fullmatch(key)
    layers, attention = model.backbone.layers, None
    if match:
        index = 2 * int(match[1]) + 'st'.index(match[3] or match[4])
        if index < len(layers):
            attention = getattr(layers[index], 'attention', None)
    if attention is None:
        raise InputError(f'key {key!r} is left over, the model has no place '
                         'for it')
    ours, x = torch.zeros(1, 1, 1, 1), _tensor(key, x)
    if match[2]:  # ours (C, V) or (C, T), theirs (1, C, T, V)
        ours = attention.position[None].unsqueeze(
            2 if match[3] == 's' else 3).cpu()
    if x.dim() != 4 or any(
            n not in (1, m) for n, m in zip(ours.shape, x.shape)):
        raise InputError(f'key {key!r} has shape {tuple(x.shape)}, which does '
                         f'not fit the {tuple(ours.shape)} of the model')
    if not torch.allclose(x, ours.to(x).expand_as(x), rtol=1e-4, atol=1e-5):
        raise InputError(f'key {key!r} holds other numbers than that constant '
                         'of the released implementation has')
