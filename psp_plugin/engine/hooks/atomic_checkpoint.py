"""Checkpoints that a dying process cannot spoil."""
import zipfile
from pathlib import Path
from typing import List, Optional, Union

from mmaction.registry import HOOKS
from mmengine.dist import barrier, is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from psp_plugin.errors import InputError

from ..atomic_backend import AtomicBackend


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """MMEngine's ``CheckpointHook``, safe against dying while it writes.

    A checkpoint is written to ``<name>.part`` and renamed when it is on the
    disk, so that a name of a checkpoint always stands for a whole one, old or
    new. On resuming, a ``last_checkpoint`` that is missing, cut off, or names
    a file that is, is set to the newest whole checkpoint, which is logged.

    Files of a store other than the local disk (``out_dir='s3://...'``) are
    left to it.

    Args:
        max_keep_ckpts (int): As in ``CheckpointHook``, but not 1, since the
            oldest is removed before the next is written. Defaults to -1, all.
        *args, **kwargs: Other arguments of ``CheckpointHook``.

    Raises:
        InputError: If ``max_keep_ckpts`` is 1; in ``before_run``, if the file
            to resume from is damaged and there is none to take instead.
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
        """Sees to it that a run resumes from a whole checkpoint.

        Args:
            runner (Runner): The runner, about to load its checkpoint.
        """
        if not runner._resume:
            return
        if runner._load_from is not None:
            self._check_named(runner)
            return
        found = self._find_other(runner)
        barrier()  # all processes have read the pointer
        if found is not None and is_main_process():
            AtomicBackend().put(str(found).encode(), pointer_of(runner))
        barrier()  # MMEngine reads it next

    def before_train(self, runner: Runner) -> None:
        """Remembers that there is a checkpoint, where a run is resumed.

        Only then does ``CheckpointHook`` write it again with the score of the
        best weights.

        Args:
            runner (Runner): The runner, its checkpoint loaded.
        """
        super().before_train(runner)
        self.last_ckpt = runner.message_hub.get_info('last_ckpt')

    def _find_other(self, runner: Runner) -> Optional[Path]:
        """The checkpoint to take instead of the last one, if there is need."""
        pointer = pointer_of(runner)
        named = pointer.read_text().strip() if pointer.is_file() else None
        if named and ('://' in named or is_whole(named)):
            return None
        candidates = self._candidates(runner)
        if named is None and not candidates:
            return None  # nothing has been saved yet
        found = next(filter(is_whole, candidates), None)
        state = (f'names {named!r}, which is not a whole checkpoint' if named
                 else 'is empty' if named == '' else 'is missing')
        if found is None:
            raise InputError(
                f'{pointer} {state}, and {len(candidates)} checkpoints beside '
                'it are none either: start anew without --resume')
        runner.logger.warning(f'{pointer} {state}: resuming from {found}, the '
                              'newest that is')
        return found

    def _check_named(self, runner: Runner) -> None:
        """Tells of a damaged file that the user has named to resume from."""
        path = Path(runner._load_from)
        if not path.is_file() or is_whole(path):
            return  # it is somewhere else, missing, or fine
        found = next(filter(is_whole, self._candidates(runner)), None)
        raise InputError(
            f'{path} is cut off or damaged: ' +
            (f'the newest whole checkpoint here is {found}' if found else
             f'there is no whole checkpoint in {runner.work_dir}'))

    def _candidates(self, runner: Runner) -> List[Path]:
        """The checkpoints of the run's folder, newest first."""
        folder = Path(runner.work_dir)
        if self.out_dir is not None:
            folder = Path(self.out_dir, folder.name)
        return sorted(folder.glob(self.filename_tmpl.format('*')),
                      key=lambda path: path.stat().st_mtime_ns, reverse=True)


def pointer_of(runner: Runner) -> Path:
    """MMEngine's file that holds the path of a run's last checkpoint."""
    return Path(runner.work_dir, 'last_checkpoint')


def is_whole(path: Union[str, Path]) -> bool:
    """Whether a file is a checkpoint that was written to its end.

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
