"""Finds config and checkpoint in the work dir of a training."""
from pathlib import Path
from typing import NamedTuple, Optional

from psp_plugin.annotations import several
from psp_plugin.errors import FileError


class Checkpoint(NamedTuple):
    """A checkpoint of a run."""
    path: Path
    choice: str
    """Which one it is: ``'best'``, ``'last'`` or ``'given'``."""


def find_config(folder: Path) -> Path:
    """Finds the config that ``tools/train.py`` wrote to its work dir.

    Args:
        folder (Path): The work dir.

    Raises:
        FileError: If the folder is missing, or does not have exactly one.
    """
    if not folder.is_dir():
        raise FileError(str(folder), 'is not a folder: name the work dir of a '
                        'training')
    found = sorted(folder.glob('*.py'))
    if not found:
        raise FileError(str(folder), 'contains no config, which tools/train.py'
                        ' writes there: name the work dir of a training')
    if len(found) > 1:
        raise FileError(str(folder), 'contains several configs, '
                        f'{several([path.name for path in found])}: choose '
                        'one with --config')
    return found[0]


def find_checkpoint(folder: Path, given: Optional[str] = None) -> Checkpoint:
    """Finds the best checkpoint of a work dir, else the last one.

    Args:
        folder (Path): The work dir.
        given (str, optional): The checkpoint to take. Defaults to None.

    Raises:
        FileError: If the given one is missing, or if there is none.
    """
    if given is not None:
        if not Path(given).is_file():
            raise FileError(given, 'is not a checkpoint on this machine')
        return Checkpoint(Path(given), 'given')
    best = _newest(folder, 'best_*.pth')
    if best:
        return Checkpoint(best, 'best')
    last = _named_last(folder) or _newest(folder, '*.pth')
    if last is None:
        raise FileError(str(folder), 'contains no checkpoint (*.pth): wait '
                        'for the first one, or name one with --checkpoint')
    return Checkpoint(last, 'last')


def _newest(folder: Path, pattern: str) -> Optional[Path]:
    return max(folder.glob(pattern), default=None, key=lambda path: (
        path.stat().st_mtime_ns, path.name))


def _named_last(folder: Path) -> Optional[Path]:
    """The file that MMEngine's pointer names, also if the folder has moved."""
    pointer = folder / 'last_checkpoint'
    if not pointer.is_file():
        return None
    named = Path(pointer.read_text(encoding='utf-8').strip())
    return next((path for path in (folder / named.name, named)
                 if path.is_file()), None)
