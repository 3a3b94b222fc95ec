"""Files in the folder of a run: its state, its lock and MMEngine's logs."""
import fcntl
import json
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Tuple

from psp_plugin.engine.atomic_backend import AtomicBackend
from psp_plugin.errors import FileError

from .plan import Run

FILE = 'run.json'
TOP1 = 'acc/top1'


@dataclass
class State:
    """The state of a run, saved as ``run.json`` in its folder.

    Args:
        settings (str): Hash of its config, see :class:`Run`.
        trained (bool): Whether its training has ended. Defaults to False.
        scores (dict[str, float]): Test top-1 of each split, in [0, 1].
        seconds (float): Time of training and tests, without interruptions.
            Defaults to 0.
        commits (list[str]): Commits that it ran with.
        machines (list[str]): Machines that it ran on.
    """
    settings: str
    trained: bool = False
    scores: Dict[str, float] = field(default_factory=dict)
    seconds: float = 0.
    commits: List[str] = field(default_factory=list)
    machines: List[str] = field(default_factory=list)

    def done(self, run: Run) -> bool:
        """Whether a run is trained and tested on all splits."""
        return self.trained and all(split in self.scores
                                    for split in run.splits)

    def save(self, folder: Path) -> None:
        """Writes the state atomically."""
        text = json.dumps(asdict(self), indent=1)
        AtomicBackend().put(text.encode(), folder / FILE)


def read_state(run: Run) -> State:
    """Reads the state of a run; returns a new one if there is none.

    Args:
        run (Run): The run.

    Raises:
        FileError: If its folder contains a run with other settings, or
            checkpoints without state.
    """
    path = run.folder / FILE
    if not path.is_file():
        if any(run.folder.glob('*.pth')):
            raise FileError(str(run.folder), 'contains checkpoints but no '
                            f'{FILE}: remove it or use another work dir')
        return State(run.settings)
    try:
        state = State(**json.loads(path.read_text(encoding='utf-8')))
    except (ValueError, TypeError) as error:
        raise FileError(str(path), 'is not the state of a run: remove '
                        f'{run.folder} or use another work dir') from error
    if state.settings != run.settings:
        raise FileError(str(run.folder), 'contains a run with other settings '
                        f'of {run.config}: remove it or use another work dir')
    return state


@contextmanager
def occupied(folder: Path, wait: bool = False) -> Iterator[int]:
    """Locks the folder of a run against other processes.

    Args:
        folder (Path): The folder, created if missing.
        wait (bool): Whether to wait until it is free. Defaults to False.

    Yields:
        int: The file descriptor of the lock. A child process that inherits it
        keeps the lock, even if this process is killed.

    Raises:
        FileError: If another process has locked the folder, unless ``wait``,
            or if its file system has no locks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / 'occupied', 'w') as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | (0 if wait else
                                                 fcntl.LOCK_NB))
        except BlockingIOError as error:
            raise FileError(str(folder), 'is in use by another process: wait '
                            'for it to end') from error
        except OSError as error:
            raise FileError(str(folder), 'cannot be locked by flock '
                            f'({error.strerror}): use a work dir on another '
                            'file system, or mount this one with flock'
                            ) from error
        yield stream.fileno()


def validation_scores(folder: Path) -> Dict[int, float]:
    """Reads the top-1 of every validation, by epoch or iteration.

    If an epoch was repeated after an interruption, the last one counts.

    Args:
        folder (Path): The work dir of the run.

    Returns:
        dict[int, float]: Top-1 in [0, 1], in ascending order of the keys.
    """
    scores = {line['step']: line[TOP1] for line in read_scalars(folder)
              if TOP1 in line}
    return dict(sorted(scores.items()))


def progress(folder: Path) -> Tuple[int, Optional[float]]:
    """Reads the progress of a training.

    Args:
        folder (Path): The work dir of the run.

    Returns:
        tuple[int, float or None]: The current epoch, or else iteration, 0
        before the first log; and the top-1 of the last validation, if any.
    """
    place, score = 0, None
    for line in read_scalars(folder):
        place = line.get('epoch', line['step'])
        score = line.get(TOP1, score)
    return place, score


def read_scalars(folder: Path) -> Iterator[dict]:
    """Yields the scalars of a run, including resumed ones, oldest first.

    Args:
        folder (Path): The work dir of the run.

    Raises:
        FileError: If a log cannot be read.
    """
    for path in scalar_logs(folder):
        yield from read_log(path)


def scalar_logs(folder: Path) -> List[Path]:
    """Returns the logs of a run, one for each start, oldest first."""
    return sorted(Path(folder).glob('*/vis_data/scalars.json'))


def read_log(path: Path) -> Iterator[dict]:
    """Yields the complete lines of one of these logs.

    The last line of a run that is still running or was killed may be cut.

    Args:
        path (Path): The log.

    Raises:
        FileError: If it cannot be read.
    """
    for line in _read(path).splitlines(True):
        if line.endswith('\n'):
            yield _record(path, line, 'step')


def is_cut(path: Path) -> bool:
    """Whether the last line of a log is not complete."""
    text = _read(path)
    return bool(text) and not text.endswith('\n')


def score_of_test(folder: Path) -> float:
    """Reads the last top-1 that ``tools/test.py`` wrote to its work dir.

    Args:
        folder (Path): The work dir of the test.

    Raises:
        FileError: If there is no top-1, or a file cannot be read.
    """
    score: Optional[float] = None
    for path in sorted(Path(folder).glob('*/*.json')):
        score = _record(path, _read(path)).get(TOP1, score)
    if score is None:
        raise FileError(str(folder), f'contains no {TOP1}: test_evaluator '
                        "needs dict(type='AccMetric')")
    return score


def _record(path: Path, text: str, *keys: str) -> dict:
    """Parses a logged dict, which must contain these keys."""
    try:
        record = json.loads(text)
    except ValueError:
        record = None
    if not isinstance(record, dict) or not set(keys) <= set(record):
        raise FileError(str(path), f'is damaged, remove it: {text[:40]!r} is '
                        'not a log entry of MMEngine')
    return record


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding='utf-8')
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(str(path), f'cannot be read: {error}') from error
