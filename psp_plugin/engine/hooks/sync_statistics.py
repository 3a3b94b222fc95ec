"""Running statistics that are the same in all processes."""
from mmaction.registry import HOOKS
from mmengine.dist import all_reduce_params
from mmengine.hooks import SyncBuffersHook
from mmengine.runner import Runner
from torch import nn


@HOOKS.register_module()
class SyncStatisticsHook(SyncBuffersHook):
    """MMEngine's ``SyncBuffersHook`` without constants.

    At the end of an epoch, and before a validation within one, that hook
    averages all buffers of a model over the processes. Constants such as
    position codes are buffers too, which no checkpoint holds: the mean of
    three equal numbers is rounded, so that they would drift, and a resumed
    run would begin with others. This hook averages what checkpoints hold.
    """

    def before_val_epoch(self, runner: Runner) -> None:
        """Averages, unless the epoch has just ended."""
        if not self.called_in_train:
            average_statistics(runner.model)
        self.called_in_train = False

    def after_train_epoch(self, runner: Runner) -> None:
        """Averages at the end of an epoch."""
        average_statistics(runner.model)
        self.called_in_train = True


def average_statistics(model: nn.Module) -> None:
    """Averages the buffers that checkpoints hold over all processes.

    Args:
        model (nn.Module): The model; not changed in a run of one process.
    """
    saved = model.state_dict()
    all_reduce_params([value for name, value in model.named_buffers()
                       if name in saved], op='mean')
