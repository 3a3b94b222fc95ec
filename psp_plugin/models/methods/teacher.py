"""Teachers: moving averages of trained weights."""
import copy

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from psp_plugin.errors import InputError


class Teacher(nn.Module):
    """An exponential moving average of a module's weights.

    The average and the number of updates are in the state dict. The first
    update copies the module with its buffers, so that training can start from
    a checkpoint without a teacher, or with one of another shape. Later
    updates do not change the buffers: in training the teacher's batch norms
    normalise by the batches that it is given, and their running statistics,
    used in evaluation, are those of these batches. Every forward pass is an
    update: with ``accumulative_counts=k`` a step has k of them.

    Args:
        module (nn.Module): The module to be copied.
        decay (float): Weight of the past in the average, in [0, 1).
        warm_up (bool): Whether update t (from 0) limits the decay to
            1 - 1 / (t + 1), so that the first weights are soon forgotten, as
            in Mean Teacher. Defaults to True.

    Raises:
        InputError: If the decay is not in [0, 1).
    """

    def __init__(self, module: nn.Module, decay: float,
                 warm_up: bool = True) -> None:
        super().__init__()
        if not 0 <= decay < 1:
            raise InputError(f'decay of a teacher must be in [0, 1), not '
                             f'{decay!r}')
        self.decay = decay
        self.warm_up = warm_up
        self.module = copy.deepcopy(module).requires_grad_(False)
        self.register_buffer('updates', torch.tensor(0))
        self.started = False
        """Whether the teacher has been updated at least once."""

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Updates the average with the module's weights.

        Args:
            module (nn.Module): Of the same structure as the copied one.
        """
        count = int(self.updates)
        if count == 0:
            self.module.load_state_dict(module.state_dict())
        else:
            decay = self.decay
            if self.warm_up:
                decay = min(decay, 1 - 1 / (count + 1))
            get_ema_multi_avg_fn(decay)(list(self.module.parameters()),
                                        list(module.parameters()), count)
        self.updates += 1
        self.started = True

    def _load_from_state_dict(self, state_dict: dict, prefix: str,
                              *args) -> None:
        super()._load_from_state_dict(state_dict, prefix, *args)
        own = self.module.state_dict(prefix=f'{prefix}module.')
        if any(name not in state_dict or state_dict[name].shape != x.shape
               for name, x in own.items()):
            self.updates.zero_()
        self.started = bool(self.updates > 0)
