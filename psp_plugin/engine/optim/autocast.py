"""Mixed precision without loss scaling, on any device."""
from contextlib import contextmanager
from typing import Iterator

import torch
import torch.nn as nn
from mmaction.registry import OPTIM_WRAPPERS
from mmengine.optim import OptimWrapper


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Runs the forward pass of a training step under bfloat16 autocast.

    Weights, gradients and the optimiser's state stay in float32. bfloat16 has
    the range of float32, so that there is no loss scale to tune or to save;
    for float16, which needs one, and a GPU, take the toolbox's
    ``AmpOptimWrapper``. All arguments are those of
    :class:`mmengine.optim.OptimWrapper`::

        optim_wrapper = dict(type='BFloat16OptimWrapper')
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Enters autocast on the model's device.

        Args:
            model (nn.Module): The model that is trained.
        """
        device = next(model.parameters()).device.type
        with super().optim_context(model), torch.autocast(
                device, dtype=torch.bfloat16):
            yield
