"""Makes a resumed run the one that was not interrupted."""
import random
from itertools import islice
from typing import Callable, Iterator, Optional

import numpy as np
import torch
from mmaction.registry import HOOKS
from mmengine.hooks import CheckpointHook, Hook
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, Runner

from psp_plugin.errors import InputError

from .interleave import (
    LABELED,
    InterleaveHook,
    build_loader,
    is_endless,
    seed_workers,
)

VALIDATED = 'last_validation'  # where the message hub keeps the iteration


@HOOKS.register_module()
class ExactResumeHook(Hook):
    """Lets a killed and resumed run end bit for bit as one that was not.

    MMEngine saves weights, optimiser, schedules and log. What it leaves out:

    * Random states. This hook seeds Python, NumPy and PyTorch anew for every
      iteration, from seed, rank and iteration alone, and the workers of the
      labelled loader for every epoch, so that there is nothing to save, and
      validation changes no random number of the training.
    * A validation that was due at the checkpoint, but not done when it was
      written, is done before the training goes on.
    * The seed of the labelled loader, if the run drew it itself: the loader
      is built before the checkpoint is read, and is built again.

    A checkpoint inside an epoch of ``EpochBasedTrainLoop`` is refused: that
    loop starts over at the beginning of an epoch.

    Raises:
        InputError: In ``before_train``, if the run cannot be resumed exactly:
            workers that live longer than a pass of their loader, checkpoints
            within an epoch.
    """

    # After all others: what they draw at the end of an iteration, and what
    # winding a loader forward draws, is forgotten.
    priority = 'LOWEST'

    def __init__(self) -> None:
        self._seed: Optional[int] = None

    def before_run(self, runner: Runner) -> None:
        """Notes the seed that the loaders were built with."""
        self._seed = runner.seed

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Refuses to resume from weights alone, as ``save_best`` writes."""
        if runner._resume and 'optimizer' not in checkpoint:
            raise InputError(
                'the checkpoint to resume from holds no optimiser: it is one '
                'of the best weights, or published; take one that '
                'CheckpointHook wrote every epoch or some iterations')

    def before_train(self, runner: Runner) -> None:
        """Checks that the run is exact and does the validation it owes.

        Args:
            runner (Runner): The runner, its checkpoint loaded.
        """
        if runner.seed != self._seed:
            rebuild_loader(runner)
        check_workers(runner)
        check_border(runner)
        if validation_is_owed(runner):
            runner.logger.info('Validating, as was due at the checkpoint.')
            runner.val_loop.run()

    def before_train_epoch(self, runner: Runner) -> None:
        """Seeds what loads the first batch.

        On resuming, ``IterBasedTrainLoop`` winds its loader forward after
        this stage, which draws random numbers where there are no workers.
        """
        seed_iteration(runner)
        loop = runner.train_loop
        if isinstance(loop, EpochBasedTrainLoop):
            seed_workers(loop.dataloader, runner.seed, LABELED, runner.epoch)
        if isinstance(loop, IterBasedTrainLoop) and runner.iter > 0:
            loop.dataloader_iterator = call_after(
                loop.dataloader_iterator, runner.iter,
                lambda: seed_iteration(runner))

    def after_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        """Seeds the next iteration, the loading of its batches included."""
        seed_iteration(runner, ahead=1)

    def before_val_epoch(self, runner: Runner) -> None:
        """Notes that the validation is done, for the next checkpoint."""
        runner.message_hub.update_info(VALIDATED, runner.iter)

    def after_val_epoch(self, runner: Runner, *args, **kwargs) -> None:
        """Forgets what the validation drew."""
        seed_iteration(runner)


def seed_iteration(runner: Runner, ahead: int = 0) -> None:
    """Seeds Python, NumPy and PyTorch for an iteration.

    Args:
        runner (Runner): Gives seed, rank and iteration.
        ahead (int): How far the iteration lies ahead. Defaults to 0.
    """
    key = (runner.seed, runner.rank, runner.iter + ahead)
    seeds = np.random.SeedSequence(key).generate_state(3).tolist()
    random.seed(seeds[0])
    np.random.seed(seeds[1])
    torch.manual_seed(seeds[2])


def call_after(batches: Iterator, count: int,
               function: Callable[[], None]) -> Iterator:
    """Yields batches; calls a function before the one that follows ``count``.

    Args:
        batches (Iterator): The batches.
        count (int): How many come before the call.
        function (Callable): What is called.
    """
    yield from islice(batches, count)
    function()
    yield from batches


def rebuild_loader(runner: Runner) -> None:
    """Builds the labelled loader with the seed that the checkpoint brought."""
    loop = runner.train_loop
    loop.dataloader = build_loader(runner, runner._train_dataloader)
    if isinstance(loop, IterBasedTrainLoop):
        loop.dataloader_iterator = type(loop.dataloader_iterator)(
            loop.dataloader)


def check_workers(runner: Runner) -> None:
    """Refuses workers whose random states run on from pass to pass.

    Those of an endless sampler make one pass, which is wound forward.

    Raises:
        InputError: If a training loader has such workers.
    """
    loaders = [('train_dataloader', runner.train_dataloader)]
    loaders += [('unlabeled_dataloader', hook.loader) for hook in runner.hooks
                if isinstance(hook, InterleaveHook)]
    for name, loader in loaders:
        if loader.persistent_workers and not is_endless(loader):
            raise InputError(
                f'{name} has persistent_workers=True: their random states '
                'are in no checkpoint, so that ExactResumeHook cannot resume '
                'the run; set persistent_workers=False there, or remove the '
                'hook')


def check_border(runner: Runner) -> None:
    """Refuses checkpoints inside an epoch of ``EpochBasedTrainLoop``.

    Raises:
        InputError: If the run will write such ones, or goes on from one.
    """
    if not isinstance(runner.train_loop, EpochBasedTrainLoop):
        return
    for hook in runner.hooks:
        if isinstance(hook, CheckpointHook) and not hook.by_epoch:
            raise InputError(
                'EpochBasedTrainLoop cannot go on inside an epoch, where '
                'CheckpointHook(by_epoch=False) saves: set by_epoch=True, or '
                'take IterBasedTrainLoop')
    length = len(runner.train_dataloader)
    if runner.iter != runner.epoch * length:
        raise InputError(
            f'the checkpoint is one of epoch {runner.epoch} and iteration '
            f'{runner.iter}, but epochs of {length} iterations end at '
            f'{runner.epoch * length}: EpochBasedTrainLoop can go on at the '
            'end of an epoch only, with data and batch_size as they were')


def validation_is_owed(runner: Runner) -> bool:
    """Whether the checkpoint was written before its validation was done.

    ``CheckpointHook`` saves at the end of an epoch, the loop validates then,
    and the hook saves once more only if the result is the best.
    """
    loop = runner.train_loop
    if runner.iter == 0 or runner.val_loop is None:
        return False
    done, end = ((loop.iter, loop.max_iters)
                 if isinstance(loop, IterBasedTrainLoop) else
                 (loop.epoch, loop.max_epochs))
    loop._decide_current_val_interval()
    due = done >= loop.val_begin and (done % loop.val_interval == 0
                                      or done == end)
    return due and runner.message_hub.get_info(VALIDATED) != runner.iter
