"""Builds a trained model, with one-sentence errors for its files."""
import os
from typing import Any, Dict, Optional, Tuple

import torch
from mmaction.apis import init_recognizer
from mmaction.models.recognizers import BaseRecognizer
from mmengine.config import Config
from mmengine.runner import CheckpointLoader

from psp_plugin.models.checkpoint_fit import (
    describe_misfit,
    lacking_weights,
    weights_of,
)


def choose_device(device: Optional[str] = None) -> torch.device:
    """Selects the device to compute on.

    Args:
        device (str, optional): Such as ``'cpu'`` or ``'cuda:1'``. Defaults to
            None: ``'cuda:0'`` if available, else ``'cpu'``.

    Raises:
        ValueError: If PyTorch cannot compute on it.
    """
    if device is None:
        device = 'cuda:0' if torch.cuda.is_available() else 'cpu'
    try:
        torch.zeros(1, device=device).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(f'device {device!r} cannot be used: '
                         f'{first_line(error)}') from error
    return torch.device(device)


def load_model(cfg: Config, checkpoint: str,
               device: torch.device) -> Tuple[BaseRecognizer, Dict[str, Any]]:
    """Builds the model of a config and loads trained weights.

    Source: the toolbox's ``init_recognizer``. Departs from it for weights
    that are missing or have another shape: they raise an error, where the
    toolbox keeps random ones. Unexpected weights, such as those of a neck in
    a config without one, are ignored as in the toolbox.

    Args:
        cfg (Config): A toolbox config.
        checkpoint (str): Path or URL of a checkpoint.
        device (torch.device): Device of the model.

    Returns:
        tuple[BaseRecognizer, dict]: The model in evaluation mode, and the
        ``meta`` of the checkpoint.

    Raises:
        ValueError: If the checkpoint cannot be read, or lacks weights.
        FileNotFoundError: If the file is missing.
    """
    content = _read_checkpoint(str(checkpoint))
    state = weights_of(content)
    model = init_recognizer(cfg, device=device)
    lacking = lacking_weights(model, state)
    if lacking:
        raise ValueError(
            f'{describe_misfit(str(checkpoint), model, lacking)}; use the '
            'config that it was trained with')
    model.load_state_dict(state, strict=False)
    return model, content.get('meta') or {}


def check_checkpoint_file(path: str) -> None:
    """Raises FileNotFoundError if a checkpoint on disk is missing."""
    if '://' not in path and not os.path.isfile(path):
        raise FileNotFoundError(f'checkpoint {path} does not exist')


def _read_checkpoint(path: str) -> Dict[str, Any]:
    check_checkpoint_file(path)
    try:
        content = CheckpointLoader.load_checkpoint(
            path, map_location='cpu', logger='silent')
    except OSError as error:
        raise ValueError(f'checkpoint {path} cannot be read: '
                         f'{first_line(error)}') from error
    except Exception as error:  # arbitrary bytes can raise any exception
        # Not PyTorch's message, which suggests disabling its safe loading.
        raise ValueError(
            f'{path} cannot be read as a checkpoint: it is of another format, '
            'or contains more than weights and plain data') from error
    if not isinstance(content, dict):
        raise ValueError(f'{path} cannot be read as a checkpoint: it contains '
                         f'a {type(content).__name__}, not a dict')
    return content


def first_line(error: BaseException) -> str:
    """Returns the first line of an error, without PyTorch's advice."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip('.') if lines else type(error).__name__
