"""Writes the results of runs as Markdown and CSV tables."""
import statistics
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from psp_plugin.errors import FileError

from .paper import paper_accuracy
from .run_folder import validation_scores
from .text import as_csv, as_markdown, write_atomically
from .work import Outcome

NONE = '-'
NOTE = '''Top-1 in percent. Mean and spread (sample standard deviation) are
over the seeds, each tested with the weights of its last epoch; the seed
determines labelled clips and initialisation. "Best" and "last" are of the
validations during training. Time is that of one run, training and tests.
The paper's numbers are of one test clip per sample, while most shipped configs
test ten: they are not comparable. The next command in this work dir
overwrites these tables with those of its configs; the runs themselves remain.
'''


def write_tables(outcomes: Sequence[Outcome], folder: str) -> List[Path]:
    """Writes ``table.md``, ``table.csv`` (per config) and ``runs.csv``.

    Args:
        outcomes (Sequence[Outcome]): The outcomes of the runs.
        folder (str): Folder of the files.

    Returns:
        list[Path]: Paths of the three files.
    """
    by_config: Dict[str, List[Outcome]] = {}
    for outcome in outcomes:
        by_config.setdefault(outcome.run.name, []).append(outcome)
    splits = list(dict.fromkeys(
        split for outcome in outcomes for split in outcome.run.splits))
    configs = [_config_row(group, splits) for group in by_config.values()]
    runs = [_run_row(outcome, splits) for outcome in outcomes]
    text = '\n'.join([_markdown(configs), NOTE, _markdown(runs)])
    files = {'table.md': text, 'table.csv': as_csv(configs),
             'runs.csv': as_csv(runs)}
    for name, content in files.items():
        write_atomically(content, Path(folder, name))
    return [Path(folder, name) for name in files]


def _config_row(group: List[Outcome], splits: Sequence[str]) -> dict:
    """Returns the results of a config over its seeds."""
    done = [outcome for outcome in group if outcome.failure is None]
    states = [outcome.state for outcome in done]
    first = group[0].run
    row = dict(config=first.name, labels=first.labels,
               seeds=str(len(done)) if len(done) == len(group) else
               f'{len(done)} of {len(group)}')
    for split in splits:
        scores = [state.scores[split] for state in states
                  if split in state.scores]
        row[f'{split} mean'] = _percent(
            statistics.mean(scores) if scores else None)
        row[f'{split} spread'] = _percent(
            statistics.stdev(scores) if len(scores) > 1 else None)
    paper = paper_accuracy(first.name)
    row['paper'] = NONE if paper is None else f'{paper:.1f}'
    validated = [_validated(outcome)[0] for outcome in done]
    row['best of each'] = _join(_percent(max(s, default=None))
                                for s in validated)
    row['last of each'] = _join(_percent(s[-1] if s else None)
                                for s in validated)
    row['time'] = _duration(statistics.mean(state.seconds for state in states)
                            ) if states else NONE
    row['commit'] = _join(
        dict.fromkeys(c for state in states for c in state.commits), ', ')
    row['machine'] = _join(
        dict.fromkeys(m for state in states for m in state.machines), '; ')
    return row


def _run_row(outcome: Outcome, splits: Sequence[str]) -> dict:
    """Returns the results of one run."""
    run, state = outcome.run, outcome.state
    scores, damage = _validated(outcome)
    row = dict(config=run.name, seed=str(run.seed),
               best=_percent(max(scores, default=None)),
               last=_percent(scores[-1] if scores else None))
    for split in splits:
        row[split] = _percent(state.scores.get(split) if state else None)
    row.update(
        time=_duration(state.seconds) if state else NONE,
        commit=_join(state.commits, ', ') if state else NONE,
        machine=_join(state.machines, '; ') if state else NONE,
        state='; '.join([outcome.failure or 'done', *damage]),
        folder=str(run.folder))
    return row


def _validated(outcome: Outcome) -> Tuple[List[float], List[str]]:
    """Returns validation scores, or the error if the log is unreadable."""
    try:
        return list(validation_scores(outcome.run.folder).values()), []
    except FileError as error:
        return [], [str(error)]


def _percent(score: Optional[float]) -> str:
    return NONE if score is None else f'{100 * score:.2f}'


def _join(values, separator: str = ' ') -> str:
    return separator.join(values) or NONE


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours}:{minutes:02}:{seconds:02}'


def _markdown(rows: List[dict]) -> str:
    return as_markdown(rows[0], (row.values() for row in rows))
