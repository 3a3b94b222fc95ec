"""Checkpoints that a killed process cannot damage."""
import zipfile
from pathlib import Path
from typing import List, Optional, Union

from mmaction.registry import HOOKS
from mmengine.dist import barrier, is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from psp_plugin.errors import InputError

from ..atomic_backend import AtomicBackend
from .sync_statistics import average_statistics


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """MMEngine's ``CheckpointHook`` with atomic writing.

    A checkpoint is written to ``<name>.part`` and renamed when it is on disk,
    so that the file of a checkpoint is always complete, old or new. On
    resuming, if ``last_checkpoint`` is missing or truncated, or names a
    missing or damaged file, it is set to the newest complete checkpoint, with
    a warning.

    Within an epoch (``by_epoch=False``) several processes first average their
    running statistics, so that all go on from what the checkpoint has.

    Remote files (``out_dir='s3://...'``) are written by their own backend.

    Args:
        max_keep_ckpts (int): As in ``CheckpointHook``, but not 1, since the
            oldest is removed before the next is written. Defaults to -1, all.
        *args, **kwargs: Other arguments of ``CheckpointHook``.

    Raises:
        InputError: If ``max_keep_ckpts`` is 1; in ``before_run``, if the file
            to resume from is damaged, unless another can be used instead.
    """

    def __init__(self, *args, max_keep_ckpts: int = -1, **kwargs) -> None:
        if max_keep_ckpts == 1:
            raise InputError('max_keep_ckpts=1 would remove the only '
                             'checkpoint before the next one is written: '
                             'keep 2')
        super().__init__(*args, max_keep_ckpts=max_keep_ckpts, **kwargs)
        if self.backend_args is None and '://' not in str(self.out_dir):
            self.backend_args = dict(backend='atomic')

    def before_run(self, runner: Runner) -> None:
        """Makes a resumed run load a complete checkpoint.

        Args:
            runner (Runner): The runner, about to load its checkpoint.
        """
        if not runner._resume:
            return
        if runner._load_from is not None:
            self._check_named(runner)
            return
        found = self._find_replacement(runner)
        barrier()  # all processes have read the pointer
        if found is not None and is_main_process():
            AtomicBackend().put(str(found).encode(), pointer_of(runner))
        barrier()  # MMEngine reads it next

    def before_train(self, runner: Runner) -> None:
        """Restores the path of the last checkpoint of a resumed run.

        ``CheckpointHook`` needs it to save that checkpoint again with the
        best score.

        Args:
            runner (Runner): The runner, its checkpoint loaded.
        """
        super().before_train(runner)
        self.last_ckpt = runner.message_hub.get_info('last_ckpt')

    def _save_checkpoint(self, runner: Runner) -> None:
        """Averages running statistics over the processes, then saves.

        Within an epoch those of processes differ, and a checkpoint has one.
        """
        if not self.by_epoch:  # else SyncStatisticsHook has averaged them
            average_statistics(runner)
        super()._save_checkpoint(runner)

    def _find_replacement(self, runner: Runner) -> Optional[Path]:
        """Finds a checkpoint to replace the last one; None if not needed."""
        pointer = pointer_of(runner)
        named = pointer.read_text().strip() if pointer.is_file() else None
        if named and ('://' in named or is_complete(named)):
            return None
        candidates = self._candidates(runner)
        if named is None and not candidates:
            return None  # nothing has been saved yet
        found = next(filter(is_complete, candidates), None)
        state = (f'names {named!r}, which is not a complete checkpoint'
                 if named else
                 'is empty' if named == '' else 'is missing')
        if found is None:
            raise InputError(
                f'{pointer} {state}, and none of the {len(candidates)} '
                'checkpoints next to it is complete: start again without '
                '--resume')
        runner.logger.warning(f'{pointer} {state}: resuming from {found}, the '
                              'newest complete one')
        return found

    def _check_named(self, runner: Runner) -> None:
        """Raises InputError if the file given to resume from is damaged."""
        path = Path(runner._load_from)
        if not path.is_file() or is_complete(path):
            return  # remote, missing, or complete
        found = next(filter(is_complete, self._candidates(runner)), None)
        raise InputError(
            f'{path} is truncated or damaged: ' +
            (f'the newest complete checkpoint here is {found}' if found else
             f'there is no complete checkpoint in {runner.work_dir}'))

    def _candidates(self, runner: Runner) -> List[Path]:
        """Returns the checkpoints in the run's folder, newest first."""
        folder = Path(runner.work_dir)
        if self.out_dir is not None:
            folder = Path(self.out_dir, folder.name)
        return sorted(folder.glob(self.filename_tmpl.format('*')),
                      key=lambda path: path.stat().st_mtime_ns, reverse=True)


def pointer_of(runner: Runner) -> Path:
    """Returns MMEngine's file with the path of a run's last checkpoint."""
    return Path(runner.work_dir, 'last_checkpoint')


def is_complete(path: Union[str, Path]) -> bool:
    """Whether a file is a completely written checkpoint.

    ``torch.save`` writes zip archives: their table of contents is at the end,
    and each part has a check sum.

    Args:
        path (str or Path): The file, which may be missing.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (FileNotFoundError, IsADirectoryError, zipfile.BadZipFile):
        return False
