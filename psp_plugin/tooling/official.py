"""Converts checkpoints of the released implementation of PSP Learning.

Temporal units may be the 7x1 convolution of PSP or DSTA-Net's attention.
"""
import io
import re
from pathlib import Path
from typing import Any, Dict

import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from torch import nn

from psp_plugin.engine.atomic_backend import AtomicBackend
from psp_plugin.errors import FileError, InputError
from psp_plugin.version import __version__

_PREFIX = {
    'backbone.embed.': 'input_map.',
    'neck.levels.body.': 'att_b.',
    'neck.levels.part.': 'att_pb.',
    'neck.levels.joint.': 'att_jpb.',
    'projector.mlp.': 'mlp.',
    'cls_head.fc.': 'fc.',
}
_LEVEL = {'query_key_value': 'in_nets', 'feed_forward': 'ff_nets'}
# Names within an encoder block; {} is s (space) or t (time).
_UNIT = {
    'attention.query_key': 'in_net{}',
    'attention.alpha': 'alpha{}',
    'attention.global_map': 'attention0{}',
    'merge': 'out_net{}',
    'feed_forward': 'ff_net{}',
    'residual1': 'down{}1',
    'residual2': 'down{}2',
    'conv': 'out_net{}',  # of the 7x1 convolution
    'residual': 'down{}2',  # of the 7x1 convolution
}
State = Dict[str, torch.Tensor]
# Parameters that the released implementation stores with a batch axis.
_BATCHED = re.compile(r'\.(alpha|attention0)[st]$')
# Buffers that this package computes: position codes and zero maps.
_CONSTANT = re.compile(r'graph_layers\.(\d+)\.(?:(pe)([st])\.pe|att([st]))')


def convert_file(source: str, target: str, cfg: Config) -> int:
    """Converts a released checkpoint file to an MMEngine checkpoint.

    Args:
        source (str): The released file, see :func:`read_official`.
        target (str): The file to write, atomically.
        cfg (Config): The config of the model that loads the weights.

    Returns:
        int: Number of tensors written.

    Raises:
        InputError: If the file cannot be read or does not fit the model.
    """
    state = read_official(source)
    model = MODELS.build(cfg.model)
    try:
        state = from_official(state, model)
    except InputError as error:
        raise FileError(source, f'does not fit the model: {error}') from error
    model.load_state_dict(state, strict=True)
    meta = dict(converted_from='released implementation of PSP Learning',
                source=Path(source).name, psp_plugin_version=__version__)
    buffer = io.BytesIO()
    torch.save(dict(state_dict=state, meta=meta), buffer)
    AtomicBackend().put(buffer.getvalue(), target)
    return len(state)


def read_official(path: str) -> State:
    """Reads the weights of a checkpoint file without executing its code.

    Args:
        path (str): A file with a state dict or ``{'model': state_dict}``.

    Returns:
        dict[str, Tensor]: The state dict.

    Raises:
        FileError: If it is missing or contains something else.
    """
    if not Path(path).is_file():
        raise FileError(path, 'does not exist')
    try:
        content = torch.load(path, map_location='cpu', weights_only=True)
    except Exception as error:  # invalid bytes can raise any exception
        # PyTorch's message is left out: it advises weights_only=False.
        raise FileError(path, 'cannot be read as a checkpoint: it is not one, '
                        'or contains more than weights and plain data'
                        ) from error
    if isinstance(content, dict) and isinstance(content.get('model'), dict):
        content = content['model']
    if not isinstance(content, dict) or not content or not all(
            isinstance(key, str) for key in content):
        raise FileError(path, 'is not a state dict and has none under the key '
                        "'model'")
    return content


def from_official(state: State, model: nn.Module) -> State:
    """Converts a state dict of the released implementation.

    Args:
        state (dict[str, Tensor]): Weights under the released names, with or
            without the prefix ``module.``.
        model (nn.Module): The ``PSPRecognizer`` to load the weights into; it
            is not changed.

    Returns:
        dict[str, Tensor]: Weights for all keys of the model.

    Raises:
        InputError: If a weight is missing, unexpected, of another shape or
            not a tensor, or if a constant differs from the model's.
    """
    if all(key.startswith('module.') for key in state):
        state = {key[len('module.'):]: x for key, x in state.items()}
    converted, left = {}, dict(state)
    for name, wanted in model.state_dict().items():
        key = official_name(name)
        if key not in left:
            raise InputError(f'key {key!r} is missing, which the model needs '
                             f'for {name}')
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


def _tensor(key: str, x: Any) -> torch.Tensor:
    if not isinstance(x, torch.Tensor):
        raise InputError(f'key {key!r} is a {type(x).__name__}, not a '
                         'tensor')
    return x.cpu()


def _check_constant(key: str, x: Any, model: nn.Module) -> None:
    """Raises InputError unless a buffer equals the model's constant."""
    match = _CONSTANT.fullmatch(key)
    layers, attention = model.backbone.layers, None
    if match:
        index = 2 * int(match[1]) + 'st'.index(match[3] or match[4])
        if index < len(layers):
            attention = getattr(layers[index], 'attention', None)
    if attention is None:
        raise InputError(f'key {key!r} is unexpected, the model has no '
                         'weight for it')
    ours, x = torch.zeros(1, 1, 1, 1), _tensor(key, x)
    if match[2]:  # ours (C, V) or (C, T), theirs (1, C, T, V)
        ours = attention.position[None].unsqueeze(
            2 if match[3] == 's' else 3).cpu()
    if x.dim() != 4 or any(
            n not in (1, m) for n, m in zip(ours.shape, x.shape)):
        raise InputError(f'key {key!r} has shape {tuple(x.shape)}, which does '
                         f'not fit the {tuple(ours.shape)} of the model')
    if not torch.allclose(x, ours.to(x).expand_as(x), rtol=1e-4, atol=1e-5):
        raise InputError(f'key {key!r} has other values than this constant '
                         'of the released implementation')


def to_official(state: State) -> State:
    """Converts a state dict to the released names, without the constants.

    Args:
        state (dict[str, Tensor]): State dict of a ``PSPRecognizer`` with
            ``DSTANet``.

    Returns:
        dict[str, Tensor]: The same weights under the released names.
    """
    renamed = {official_name(name): x for name, x in state.items()}
    return {key: x[None] if _BATCHED.search(key) else x
            for key, x in renamed.items()}


def official_name(name: str) -> str:
    """Returns the released implementation's name of a weight.

    Args:
        name (str): Key of the state dict of a ``PSPRecognizer`` with
            ``DSTANet``.

    Raises:
        InputError: If the released implementation has no such weight.
    """
    layer = re.fullmatch(r'backbone\.layers\.(\d+)\.(.+)', name)
    if layer:
        block, temporal = divmod(int(layer[1]), 2)
        for ours, theirs in _UNIT.items():
            if f'{layer[2]}.'.startswith(f'{ours}.'):
                theirs = theirs.format('st'[temporal])
                return f'graph_layers.{block}.{theirs}{layer[2][len(ours):]}'
    for ours, theirs in _PREFIX.items():
        if name.startswith(ours):
            part, dot, rest = name[len(ours):].partition('.')
            return theirs + _LEVEL.get(part, part) + dot + rest
    raise InputError(
        f'the released implementation has no weight for {name}: its encoder '
        'is DSTANet and its neck PyramidPolymerizingAttention')
