"""Mixed precision without loss scaling, on any device."""
import logging
from contextlib import contextmanager
from typing import Iterator

import torch
import torch.nn as nn
from mmaction.registry import OPTIM_WRAPPERS
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Runs the forward pass of a training step under bfloat16 autocast.

    Weights, gradients and the optimiser's state stay in float32. bfloat16 has
    the range of float32, so no loss scale must be tuned or saved; for
    float16, which needs one and a GPU, use the toolbox's
    ``AmpOptimWrapper``. All arguments are those of
    :class:`mmengine.optim.OptimWrapper`::

        optim_wrapper = dict(type='BFloat16OptimWrapper')

    On an x86 CPU without AVX-512 bfloat16 is emulated, and a step takes
    several times as long as in float32; this is logged once as a warning.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._warned = False

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Enters autocast on the model's device.

        Args:
            model (nn.Module): The model that is trained.
        """
        device = next(model.parameters()).device.type
        if device == 'cpu' and not self._warned:
            self._warn_of_emulation()
            self._warned = True
        with super().optim_context(model), torch.autocast(
                device, dtype=torch.bfloat16):
            yield

    @staticmethod
    def _warn_of_emulation() -> None:
        if torch.backends.cpu.get_cpu_capability() == 'AVX2':
            print_log(
                'This CPU has no AVX-512, so a step in bfloat16 takes several '
                'times as long as in float32. For float32 add --cfg-options '
                'optim_wrapper.type=OptimWrapper', logger='current',
                level=logging.WARNING)
