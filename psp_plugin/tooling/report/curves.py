"""Curves of a training, from the scalars that it logged."""
import math
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional

from ..experiments.run_folder import is_cut, read_log, scalar_logs

MAX_POINTS = 2000  # of a curve
Lines = Dict[int, Dict[str, Any]]


class Curve(NamedTuple):
    """Values of one scalar; None where it was NaN or infinite."""
    name: str
    steps: List[int]
    values: List[Optional[float]]


class Curves(NamedTuple):
    """What a run logged, over all of its starts."""
    losses: List[Curve]
    rates: List[Curve]
    scores: List[Curve]
    by_epoch: bool
    """Whether the steps of scores are epochs; others are iterations."""
    starts: int
    notes: List[str]
    """What a reader has to know of them, a sentence each."""


def read_curves(folder: Path) -> Curves:
    """Reads and merges the scalars of all starts of a run.

    What a start logs replaces what earlier ones logged from its first step
    on, since a resumed training repeats what followed its checkpoint.

    Args:
        folder (Path): The work dir.

    Raises:
        FileError: If a log cannot be read.
    """
    train: Lines = {}
    scores: Lines = {}
    notes = []
    logs = scalar_logs(folder)
    for path in logs:
        _merge(train, scores, list(read_log(path)))
        if is_cut(path):
            notes.append(f'The last line of {path.relative_to(folder)} is cut '
                         'off, and left out.')
    losses = _curves(train, lambda key: key.startswith('loss'))
    thinning = math.ceil(len(train) / MAX_POINTS)
    if thinning > 1:
        notes.append(f'Of {len(train)} logged steps one in {thinning} is '
                     'drawn.')
    if any(None in curve.values for curve in losses):
        notes.append('A gap in a curve is a value that is NaN or infinite.')
    return Curves(
        losses,
        _curves(train, lambda key: key == 'lr' or key.endswith('/lr')),
        _curves(scores, lambda key: key.startswith('acc/')),
        any('epoch' in line for line in train.values()), len(logs), notes)


def _merge(train: Lines, scores: Lines, lines: List[Dict[str, Any]]) -> None:
    """Adds the lines of a start, of training and of validation."""
    for before, part in (
            (train, [line for line in lines if 'iter' in line]),
            (scores, [line for line in lines if 'iter' not in line])):
        first = min((line['step'] for line in part), default=None)
        if first is not None:
            for step in [step for step in before if step >= first]:
                del before[step]
        before.update((line['step'], line) for line in part)


def _curves(lines: Lines,
            wanted: Callable[[str], bool]) -> List[Curve]:
    """The scalars whose names are wanted, thinned to ``MAX_POINTS``."""
    steps = sorted(lines)
    names = dict.fromkeys(key for step in steps for key in lines[step]
                          if wanted(key))
    curves = []
    for name in names:
        own = [step for step in steps if name in lines[step]]
        own = own[::math.ceil(len(own) / MAX_POINTS)]
        curves.append(Curve(name, own,
                            [_finite(lines[step][name]) for step in own]))
    return curves


def _finite(value: Any) -> Optional[float]:
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(f'{value:.5g}')
