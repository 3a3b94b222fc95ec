"""Stops a run whose checkpoint does not fit its model."""
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner, find_latest_checkpoint

from psp_plugin.errors import InputError
from psp_plugin.models.checkpoint_fit import (
    describe_misfit,
    lacking_weights,
    weights_of,
)


@HOOKS.register_module()
class CheckpointFitHook(Hook):
    """Raises an error if a loaded checkpoint lacks weights of the model.

    MMEngine logs a warning and keeps the random initial weights, so that a
    test would evaluate a random head. ``tools/train.py`` and ``tools/test.py``
    add this hook.

    Args:
        partial (bool): Whether weights of the model may be missing from the
            checkpoint or have another shape there, as in the transfer to
            other classes by ``load_from``: one warning in the log names them.
            A run is never resumed from such a checkpoint, and a checkpoint of
            which nothing fits is always refused. Defaults to False.

    Raises:
        InputError: In ``after_load_checkpoint``, if the checkpoint does not
            fit: before any weight is loaded.
    """

    def __init__(self, partial: bool = False) -> None:
        self.partial = partial

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Compares the weights of the checkpoint with the model's.

        Args:
            runner (Runner): The runner.
            checkpoint (dict): The content of the checkpoint.
        """
        model = runner.model
        if is_model_wrapper(model):
            model = model.module
        lacking = lacking_weights(model, weights_of(checkpoint))
        if not lacking:
            return
        path = runner._load_from or find_latest_checkpoint(runner.work_dir)
        misfit = describe_misfit(path, model, lacking)
        if runner._resume:
            raise InputError(f'{misfit}; resume with the config that it was '
                             'trained with, or start a new run from it with '
                             'load_from instead of --resume')
        if len(lacking) == len(model.state_dict()):
            raise InputError(f'{misfit}; use the config that it was trained '
                             'with')
        if not self.partial:
            raise InputError(f'{misfit}; use the config that it was trained '
                             'with, or keep the initial values of these '
                             'weights with --cfg-options '
                             'partial_checkpoint=True')
        runner.logger.warning(f'{misfit}: these keep their initial values: '
                              f'{", ".join(lacking)}')
