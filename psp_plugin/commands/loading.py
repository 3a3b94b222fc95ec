"""Builds a trained model, each problem of its files told in one sentence."""
import os
from typing import Optional, Tuple

import torch
from mmaction.apis import init_recognizer
from mmengine.config import Config
from mmengine.runner import CheckpointLoader
from torch import nn


def choose_device(device: Optional[str] = None) -> torch.device:
    """Finds the device to compute on.

    Args:
        device (str, optional): Such as ``'cpu'`` or ``'cuda:1'``. Defaults to
            None: ``'cuda:0'`` where there is one, else ``'cpu'``.

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
               device: torch.device) -> Tuple[nn.Module, dict]:
    """Builds the model of a config and gives it trained weights.

    Source: the toolbox's ``init_recognizer``. Departs from it where weights
    are missing or have another shape: it goes on with random ones. Weights
    that the model has no place for, such as those of a neck in a config
    without one, are disregarded here too.

    Args:
        cfg (Config): A toolbox config.
        checkpoint (str): Path or address of a checkpoint.
        device (torch.device): Where the model is to be.

    Returns:
        tuple[nn.Module, dict]: The model, to predict with, and the ``meta``
        of the checkpoint.

    Raises:
        ValueError: If the checkpoint cannot be read, or lacks weights.
        FileNotFoundError: If there is no such file.
    """
    content = _read_checkpoint(str(checkpoint))
    state = content.get('state_dict', content)
    model = init_recognizer(cfg, device=device)
    wanted = model.state_dict()
    lacking = [
        name for name, value in wanted.items() if name not in state
        or getattr(state[name], 'shape', None) != value.shape
    ]
    if lacking:
        raise ValueError(
            f'{checkpoint} does not fit the config: {len(lacking)} of '
            f'{len(wanted)} weights are missing or of another shape, such as '
            f'{lacking[0]!r}; use the config that it was trained with')
    model.load_state_dict(state, strict=False)
    return model, content.get('meta') or {}


def _read_checkpoint(path: str) -> dict:
    if '://' not in path and not os.path.isfile(path):
        raise FileNotFoundError(f'checkpoint {path} does not exist')
    try:
        content = CheckpointLoader.load_checkpoint(
            path, map_location='cpu', logger='silent')
    except OSError as error:
        raise ValueError(f'checkpoint {path} cannot be read: '
                         f'{first_line(error)}') from error
    except Exception as error:  # bytes of any kind can raise any other
        # Not PyTorch's own words, which advise to switch its safety off.
        raise ValueError(
            f'{path} cannot be read as a checkpoint: it is none, or it holds '
            'more than weights and plain data') from error
    if not isinstance(content, dict):
        raise ValueError(f'{path} cannot be read as a checkpoint: it holds a '
                         f'{type(content).__name__}')
    return content


def first_line(error: BaseException) -> str:
    """What an error says, without PyTorch's further lines of advice."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip('.') if lines else type(error).__name__
