"""Compares the weights of a checkpoint with those of a model."""
import re
from typing import Any, Dict, List

from torch import nn


def weights_of(checkpoint: Dict[str, Any]) -> Dict[str, Any]:
    """Returns the weights of a checkpoint by name.

    Args:
        checkpoint (dict): Content of a checkpoint of MMEngine, or bare
            weights. The prefix ``module.`` of a model that was wrapped for
            several processes is removed, as MMEngine does.
    """
    state = checkpoint.get('state_dict', checkpoint)
    return {re.sub(r'^module\.', '', name): value
            for name, value in state.items()}


def lacking_weights(model: nn.Module, weights: Dict[str, Any]) -> List[str]:
    """Returns the model's weights that are missing or of another shape.

    Args:
        model (nn.Module): The model.
        weights (dict): See :func:`weights_of`. Those that the model does not
            have are ignored, such as a neck's for a model without one.

    Returns:
        list[str]: Their names, in the model's order; empty if all fit.
    """
    return [name for name, value in model.state_dict().items()
            if getattr(weights.get(name), 'shape', None) != value.shape]


def describe_misfit(path: str, model: nn.Module, lacking: List[str]) -> str:
    """Returns the part of a sentence that names what does not fit.

    Args:
        path (str): The checkpoint.
        model (nn.Module): The model.
        lacking (list[str]): See :func:`lacking_weights`; not empty.
    """
    return (f'{path} does not fit the config: {len(lacking)} of '
            f'{len(model.state_dict())} weights are missing or of another '
            f'shape, such as {lacking[0]!r}')
