"""What MMEngine's log files say of a run."""
import json
from pathlib import Path
from typing import Dict, Iterator, Optional, Tuple

from psp_plugin.errors import FileError

TOP1 = 'acc/top1'


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


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding='utf-8')
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(str(path), f'cannot be read: {error}') from error


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
