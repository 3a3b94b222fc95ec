"""Teachers: moving averages of the weights that are trained."""
import copy

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from psp_plugin.errors import InputError


class Teacher(nn.Module):
    """An exponential moving average of a module's weights.

    The average and the number of updates are in the state dict. The first
    update copies all of the module, so that a checkpoint without a teacher, or
    with one of another shape, is one to start from. Later ones leave the
    buffers alone: in training the teacher's batch norms normalise by the
    batches that it is given, and its running statistics, for evaluation, are
    of these. Every forward pass is an update: with ``accumulative_counts=k``
    there are k of them in a step.

    Args:
        module (nn.Module): What is copied.
        decay (float): Weight of the past in the average, in [0, 1).
        warm_up (bool): Whether update t (from 0) has at most the decay
            1 - 1 / (t + 1), so that the average soon forgets the first
            weights, as Mean Teacher does. Defaults to True.

    Raises:
        InputError: If the decay is not in that range.
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
        """Whether there has been an update; before, it is no teacher."""

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Takes the module's weights into the average.

        Args:
            module (nn.Module): Of the same structure as the first one.
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
