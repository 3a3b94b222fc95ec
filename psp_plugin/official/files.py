"""Checkpoint files of the released implementation."""
import io
from pathlib import Path

import torch
from mmaction.registry import MODELS
from mmengine.config import Config

from psp_plugin.engine.atomic_backend import AtomicBackend
from psp_plugin.errors import FileError, InputError
from psp_plugin.version import __version__

from .conversion import State, from_official


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
