"""The released implementation's names of our weights, one set of rules.

Temporal units may be the 7x1 convolution of PSP or DSTA-Net's own attention.
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
# Inside an encoder block, where {} is its axis: s (space) or t (time).
_UNIT = {
    'attention.query_key': 'in_net{}',
    'attention.alpha': 'alpha{}',
    'attention.global_map': 'attention0{}',
    'merge': 'out_net{}',
    'feed_forward': 'ff_net{}',
    'residual1': 'down{}1',
    'residual2': 'down{}2',
    'conv': 'out_net{}',  # of the 7x1 convolution,
    'residual': 'down{}2',  # as this one
}
State = Dict[str, torch.Tensor]
# Learnt for all clips alike, but with an axis for the batch.
_BATCHED = re.compile(r'\.(alpha|attention0)[st]$')
# Buffers that are computed here: position codes, and maps of zeros.
_CONSTANT = re.compile(r'graph_layers\.(\d+)\.(?:(pe)([st])\.pe|att([st]))')


def convert_file(source: str, target: str, cfg: Config) -> int:
    """Turns an official checkpoint file into one of MMEngine.

    Args:
        source (str): The official file, see :func:`read_official`.
        target (str): The file to write; whole or not at all.
        cfg (Config): The config whose model is to have the weights.

    Returns:
        int: Number of tensors written.

    Raises:
        InputError: If the file cannot be read, or does not fit the model.
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
    """Reads the weights of a checkpoint file, without running code of it.

    Args:
        path (str): A file of a state dict, or of ``{'model': state dict}``.

    Raises:
        FileError: If it is missing or holds something else.
    """
    if not Path(path).is_file():
        raise FileError(path, 'does not exist')
    try:
        content = torch.load(path, map_location='cpu', weights_only=True)
    except Exception as error:  # bytes of any kind can raise any other
        # Not PyTorch's own words, which advise to switch its safety off.
        raise FileError(path, 'cannot be read as a checkpoint: it is none, or '
                        'it holds more than weights and plain data') from error
    if isinstance(content, dict) and isinstance(content.get('model'), dict):
        content = content['model']
    if not isinstance(content, dict) or not content or not all(
            isinstance(key, str) for key in content):
        raise FileError(path, 'holds no state dict, neither by itself nor '
                        "under the key 'model'")
    return content


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


def official_name(name: str) -> str:
    """The released implementation's name of one of our weights.

    Args:
        name (str): Key of a ``PSPRecognizer``'s state dict, its encoder a
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
        f'the released implementation has no weight for the model\'s {name}: '
        'its encoder is DSTANet and its neck PyramidPolymerizingAttention')
