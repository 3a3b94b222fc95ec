"""Teachers: moving averages of the weights that are trained."""
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from psp_plugin.errors import InputError


class Teacher(nn.Module):
    """An exponential moving average of a module's weights, in eval mode.

    Average and number of updates are in the state dict. The first update
    copies the weights, so that a checkpoint without a teacher is one to
    start from. Buffers, thus the running statistics of batch norms, are those
    of the module at every update.

    Args:
        module (nn.Module): What is copied.
        decay (float): Weight of the past in the average, in [0, 1).
        warm_up (bool): Whether update t (from 1) has the decay
            min(1 - 1 / t, decay), so that the average forgets the first
            weights soon, as Mean Teacher does. Defaults to True.

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
        self.average = AveragedModel(module, multi_avg_fn=self._blend)
        self.requires_grad_(False).eval()

    def _blend(self, average, weights, count) -> None:
        decay = self.decay
        if self.warm_up:
            decay = min(decay, 1 - 1 / (int(count) + 1))
        get_ema_multi_avg_fn(decay)(average, weights, count)

    def update(self, module: nn.Module) -> None:
        """Takes the module's weights into the average.

        Args:
            module (nn.Module): Of the same structure as the first one.
        """
        self.average.update_parameters(module)

    @property
    def started(self) -> bool:
        """Whether there has been an update."""
        return bool(self.average.n_averaged > 0)

    @property
    def module(self) -> nn.Module:
        """The module with the averaged weights."""
        return self.average.module

    def train(self, mode: bool = True) -> 'Teacher':
        """Stays in eval mode, whatever the model is in."""
        return super().train(False)
