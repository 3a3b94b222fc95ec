"""Running statistics that are the same in all processes."""
from mmaction.registry import HOOKS
from mmengine.dist import all_reduce_params
from mmengine.hooks import EMAHook, SyncBuffersHook
from mmengine.runner import Runner


@HOOKS.register_module()
class SyncStatisticsHook(SyncBuffersHook):
    """Averages running statistics over the processes.

    This is done at the end of an epoch and before a validation within one, as
    by MMEngine's ``SyncBuffersHook``, with two differences. Constants such as
    position codes, which no checkpoint holds, are left alone: the mean of
    three equal numbers is rounded, so that they would drift, and a resumed
    run would begin with others. The statistics of ``EMAHook``'s model are
    averaged too, or a checkpoint would have those of one process.
    """

    def before_val_epoch(self, runner: Runner) -> None:
        """Averages, unless the epoch has just ended."""
        if not self.called_in_train:
            average_statistics(runner)
        self.called_in_train = False

    def after_train_epoch(self, runner: Runner) -> None:
        """Averages at the end of an epoch."""
        average_statistics(runner)
        self.called_in_train = True


def average_statistics(runner: Runner) -> None:
    """Averages the buffers that checkpoints hold over all processes.

    Args:
        runner (Runner): Its model's are averaged, and those of ``EMAHook``'s.
    """
    averaged = [hook.ema_model for hook in runner.hooks
                if isinstance(hook, EMAHook)]
    for model in (runner.model, *averaged):
        saved = model.state_dict()
        all_reduce_params([value for name, value in model.named_buffers()
                           if name in saved], op='mean')
