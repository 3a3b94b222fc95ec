"""What is known of a run, kept in its folder."""
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
    """How far a run has come; ``run.json`` in its folder.

    Args:
        settings (str): Hash of its config, see :class:`Run`.
        trained (bool): Whether its training has ended. Defaults to False.
        scores (dict[str, float]): Tested top-1 of each split.
        seconds (float): Time of its training and tests, interruptions left
            out. Defaults to 0.
        commits (list[str]): Code that it ran with.
        machines (list[str]): Where it ran.
    """
    settings: str
    trained: bool = False
    scores: Dict[str, float] = field(default_factory=dict)
    seconds: float = 0.
    commits: List[str] = field(default_factory=list)
    machines: List[str] = field(default_factory=list)

    def done(self, run: Run) -> bool:
        """Whether nothing of a run is left to do."""
        return self.trained and all(split in self.scores
                                    for split in run.splits)

    def save(self, folder: Path) -> None:
        """Writes the state, whole or not at all."""
        text = json.dumps(asdict(self), indent=1)
        AtomicBackend().put(text.encode(), folder / FILE)


def read_state(run: Run) -> State:
    """The state of a run, a new one if there is none.

    Args:
        run (Run): The run.

    Raises:
        FileError: If its folder holds a run of other settings, or one of
            which nothing is known.
    """
    path = run.folder / FILE
    if not path.is_file():
        if any(run.folder.glob('*.pth')):
            raise FileError(str(run.folder), f'holds checkpoints but no {FILE}'
                            ': remove it or take another work dir')
        return State(run.settings)
    try:
        state = State(**json.loads(path.read_text(encoding='utf-8')))
    except (ValueError, TypeError) as error:
        raise FileError(str(path), 'is not what this program wrote: remove '
                        f'{run.folder} or take another work dir') from error
    if state.settings != run.settings:
        raise FileError(str(run.folder), 'holds a run with other settings of '
                        f'{run.config}: remove it or take another work dir')
    return state


@contextmanager
def occupied(folder: Path) -> Iterator[int]:
    """Keeps a run's folder from a second process.

    Args:
        folder (Path): The folder, which is made.

    Yields:
        int: The file descriptor that holds it. A child that inherits it holds
        the folder as well, even if this process is killed.

    Raises:
        FileError: If another process works in the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / 'occupied', 'w') as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FileError(str(folder), 'is in use by another process that '
                            'has not ended') from error
        yield stream.fileno()


def validation_scores(folder: Path) -> Dict[int, float]:
    """Top-1 of every validation by its epoch or iteration.

    Of what was done again after an interruption, the last time counts.

    Args:
        folder (Path): The work dir of the run.
    """
    scores = {line['step']: line[TOP1] for line in read_scalars(folder)
              if TOP1 in line}
    return dict(sorted(scores.items()))


def progress(folder: Path) -> Tuple[int, Optional[float]]:
    """How far a training is.

    Args:
        folder (Path): The work dir of the run.

    Returns:
        tuple[int, float or None]: The epoch, or else the iteration, that it
        is in, 0 at first; and the top-1 of the last validation, if any.
    """
    place, score = 0, None
    for line in read_scalars(folder):
        place = line.get('epoch', line['step'])
        score = line.get(TOP1, score)
    return place, score


def read_scalars(folder: Path) -> Iterator[dict]:
    """Yields the logged lines of all lives of a run, oldest first.

    Args:
        folder (Path): The work dir of the run.

    Raises:
        FileError: If a log cannot be read.
    """
    for path in sorted(Path(folder).glob('*/vis_data/scalars.json')):
        for line in _read(path).splitlines(True):
            if line.endswith('\n'):  # not one that is being written
                yield _record(path, line, 'step')


def score_of_test(folder: Path) -> float:
    """Top-1 that ``tools/test.py`` wrote last into its work dir.

    Args:
        folder (Path): The work dir of the test.

    Raises:
        FileError: If there is none, or a file cannot be read.
    """
    score: Optional[float] = None
    for path in sorted(Path(folder).glob('*/*.json')):
        score = _record(path, _read(path)).get(TOP1, score)
    if score is None:
        raise FileError(str(folder), f'holds no {TOP1}: test_evaluator needs '
                        "dict(type='AccMetric')")
    return score


def _record(path: Path, text: str, *keys: str) -> dict:
    """A logged dict that has these keys."""
    try:
        record = json.loads(text)
    except ValueError:
        record = None
    if not isinstance(record, dict) or not set(keys) <= set(record):
        raise FileError(str(path), f'is damaged, remove it: {text[:40]!r} is '
                        'not what MMEngine logs')
    return record


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding='utf-8')
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(str(path), f'cannot be read: {error}') from error
