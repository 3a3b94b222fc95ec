"""Makes resumed runs identical to uninterrupted ones."""
import random
from itertools import islice
from typing import Callable, Iterator, Optional

import numpy as np
import torch
from mmaction.registry import HOOKS
from mmengine.hooks import CheckpointHook, Hook, SyncBuffersHook
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, Runner

from psp_plugin.errors import InputError

from ..distributed import check_processes
from .atomic_checkpoint import AtomicCheckpointHook
from .interleave import (
    LABELED,
    InterleaveHook,
    build_loader,
    is_endless,
    seed_workers,
)

VALIDATED = 'last_validation'  # the message hub's key of its iteration


@HOOKS.register_module()
class ExactResumeHook(Hook):
    """Makes a resumed run bit for bit identical to an uninterrupted one.

    MMEngine saves weights, optimiser, schedules and log. This hook adds:

    * Random states. Python, NumPy and PyTorch are seeded in every iteration,
      from seed, rank and iteration only, and the workers of the labelled
      loader in every epoch. So no random state must be saved, and validation
      does not change the random numbers of the training.
    * A validation that was due at the checkpoint, but had not been run when
      it was saved, is run before the training continues.
    * The seed of the labelled loader, if the config sets none: the loader is
      built before the checkpoint is read, and rebuilt with its seed.

    Processes of a distributed run have their own random states, and the same
    number of processes must resume, see
    :func:`psp_plugin.engine.distributed.check_processes`.

    A checkpoint inside an epoch of ``EpochBasedTrainLoop`` raises an error,
    since that loop restarts at the beginning of an epoch.

    Raises:
        InputError: In ``before_train``, if the run cannot be resumed exactly,
            because of persistent workers, checkpoints within an epoch, or
            other processes than before.
    """

    # After all other hooks: random numbers that they use at the end of an
    # iteration, or when skipping batches of a loader, have no effect then.
    priority = 'LOWEST'

    def __init__(self) -> None:
        self._seed: Optional[int] = None

    def before_run(self, runner: Runner) -> None:
        """Stores the seed with which the loaders were built."""
        self._seed = runner.seed

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Raises an error if the checkpoint to resume has only weights."""
        if runner._resume and 'optimizer' not in checkpoint:
            raise InputError(
                'the checkpoint to resume from has no optimiser state, as '
                'those of save_best or published ones: use one that '
                'CheckpointHook saved at its interval')

    def before_train(self, runner: Runner) -> None:
        """Checks that the run can be exact, and runs a missing validation.

        Args:
            runner (Runner): The runner, its checkpoint loaded.
        """
        check_processes(runner)
        if runner.seed != self._seed:
            rebuild_loader(runner)
        check_workers(runner)
        check_epoch_end(runner)
        if is_validation_missing(runner):
            runner.logger.info('Validating, as was due at the checkpoint.')
            for hook in runner.hooks:
                if isinstance(hook, SyncBuffersHook):  # not a second time
                    hook.called_in_train = isinstance(
                        runner.train_loop, EpochBasedTrainLoop)
            runner.val_loop.run()

    def before_train_epoch(self, runner: Runner) -> None:
        """Seeds the loading of the first batch.

        On resuming, ``IterBasedTrainLoop`` skips batches of its loader after
        this stage, which uses random numbers if there are no workers.
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
        """Seeds the next iteration, including the loading of its batches."""
        seed_iteration(runner, ahead=1)

    def before_val_epoch(self, runner: Runner) -> None:
        """Records the validation, for the next checkpoint."""
        runner.message_hub.update_info(VALIDATED, runner.iter)

    def after_val_epoch(self, runner: Runner, *args, **kwargs) -> None:
        """Seeds again, so that validation has no effect on the training."""
        seed_iteration(runner)


def seed_iteration(runner: Runner, ahead: int = 0) -> None:
    """Seeds Python, NumPy and PyTorch for an iteration.

    Args:
        runner (Runner): Its seed, rank and iteration are used.
        ahead (int): Number of iterations after the current one. Defaults to
            0.
    """
    key = (runner.seed, runner.rank, runner.iter + ahead)
    seeds = np.random.SeedSequence(key).generate_state(3).tolist()
    random.seed(seeds[0])
    np.random.seed(seeds[1])
    torch.manual_seed(seeds[2])


def call_after(batches: Iterator, count: int,
               function: Callable[[], None]) -> Iterator:
    """Yields batches, calling a function after the first ``count`` of them.

    Args:
        batches (Iterator): The batches.
        count (int): Number of batches before the call.
        function (Callable): The function.
    """
    yield from islice(batches, count)
    function()
    yield from batches


def rebuild_loader(runner: Runner) -> None:
    """Rebuilds the labelled loader with the seed from the checkpoint."""
    loop = runner.train_loop
    loop.dataloader = build_loader(runner, runner._train_dataloader)
    if isinstance(loop, IterBasedTrainLoop):
        loop.dataloader_iterator = type(loop.dataloader_iterator)(
            loop.dataloader)


def check_workers(runner: Runner) -> None:
    """Checks that the workers' random states do not depend on past epochs.

    Those of an infinite sampler make one pass, whose batches are skipped on
    resuming.

    Raises:
        InputError: If a training loader has persistent workers.
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


def check_epoch_end(runner: Runner) -> None:
    """Checks that checkpoints are saved at the end of an epoch.

    Raises:
        InputError: If a run with ``EpochBasedTrainLoop`` saves checkpoints
            inside an epoch, or resumes from one; or if several processes save
            the running statistics of one inside an epoch.
    """
    inside = [hook for hook in runner.hooks
              if isinstance(hook, CheckpointHook) and not hook.by_epoch]
    if not isinstance(runner.train_loop, EpochBasedTrainLoop):
        if runner.world_size > 1 and not all(
                isinstance(hook, AtomicCheckpointHook) for hook in inside):
            raise InputError(
                'CheckpointHook saves the running statistics of one process '
                'only: use AtomicCheckpointHook, which averages them')
        return
    if inside:
        raise InputError(
            'EpochBasedTrainLoop cannot resume inside an epoch, where '
            'CheckpointHook(by_epoch=False) saves: set by_epoch=True, or '
            'use IterBasedTrainLoop')
    length = len(runner.train_dataloader)
    if runner.iter != runner.epoch * length:
        raise InputError(
            f'the checkpoint was saved in epoch {runner.epoch} at iteration '
            f'{runner.iter}, but epochs of {length} iterations end at '
            f'{runner.epoch * length}: EpochBasedTrainLoop can only resume at '
            'the end of an epoch, with unchanged data and batch_size')


def is_validation_missing(runner: Runner) -> bool:
    """Whether the checkpoint was saved before its validation was run.

    ``CheckpointHook`` saves at the end of an epoch, then the loop validates,
    and the hook saves again only if the result is the best.
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
