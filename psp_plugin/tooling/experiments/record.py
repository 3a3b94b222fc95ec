"""Runs a study and records its finished runs in a CSV file."""
import csv
import io
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from psp_plugin.errors import FileError

from .plan import Run
from .provenance import machine
from .run_folder import State
from .runner import carry_out
from .slurm import SlurmQueue
from .study import names_of
from .text import as_csv, write_atomically
from .work import Outcome

COLUMNS = ('case', 'setting', 'seed', 'split', 'top1', 'seconds', 'commit',
           'machine', 'config', 'hash')
DIGITS = 12  # of the hash of a run's settings


class Record:
    """A CSV file of a study's finished runs, one row per tested split.

    A run is identified by the hash of its entire config and seed, so that the
    file can be used on several machines, and runs of a changed config count
    as new.

    Args:
        path (str): The file, created with the first row.

    Raises:
        FileError: If the file has other columns.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self.rows: List[Dict[str, str]] = []
        if self.path.is_file():
            text = self.path.read_text(encoding='utf-8')
            reader = csv.DictReader(io.StringIO(text))
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise FileError(path, 'is not a record of runs: its columns '
                                f'are not {",".join(COLUMNS)}')
            self.rows = list(reader)

    def holds(self, run: Run) -> bool:
        """Whether all splits of a run are recorded."""
        return set(run.splits) <= set(self.scores(run))

    def scores(self, run: Run) -> Dict[str, float]:
        """Returns the top-1 of a run in percent, by split."""
        return {row['split']: float(row['top1']) for row in self.rows
                if row['hash'] == run.settings[:DIGITS]
                and row['setting'] == names_of(run)[1]
                and row['seed'] == str(run.seed)}

    def times(self, machine: str) -> Dict[str, float]:
        """Returns the seconds of the longest run of each name on a machine."""
        times: Dict[str, float] = {}
        for row in self.rows:
            if row['machine'] == machine:
                name = f'{row["case"]}/{row["setting"]}'
                times[name] = max(float(row['seconds']), times.get(name, 0))
        return times

    def add(self, run: Run, state: State) -> None:
        """Adds a finished run and writes the file."""
        case, setting = names_of(run)
        known = self.scores(run)
        self.rows += [
            dict(case=case, setting=setting, seed=str(run.seed), split=split,
                 top1=f'{100 * state.scores[split]:.2f}',
                 seconds=f'{state.seconds:.0f}',
                 commit=' '.join(state.commits),
                 machine='; '.join(state.machines), config=run.config,
                 hash=run.settings[:DIGITS])
            for split in run.splits if split not in known]
        write_atomically(as_csv(self.rows, COLUMNS), self.path)


def carry_out_study(runs: Sequence[Run], record: Record, tools: Path,
                    jobs: int, seconds: Optional[float] = None,
                    queue: Optional[SlurmQueue] = None
                    ) -> Tuple[List[Outcome], List[Outcome]]:
    """Carries out the runs that are not in the record, and adds them to it.

    Args:
        runs (Sequence[Run]): The runs.
        record (Record): The record, written whenever a run finishes.
        tools (Path): Folder of ``train.py`` and ``test.py``.
        jobs (int): Number of concurrent runs.
        seconds (float, optional): Time limit for all runs. Defaults to None:
            no limit.
        queue (SlurmQueue, optional): See :func:`runner.carry_out`.

    Returns:
        tuple[list[Outcome], list[Outcome]]: The runs that failed, and those
        that Ctrl-C or the time limit interrupted or that are in the queue.
    """
    def keep(outcome: Outcome) -> None:
        if outcome.failure is None:
            record.add(outcome.run, outcome.state)

    outcomes = carry_out([run for run in runs if not record.holds(run)],
                         tools, jobs, keep, seconds, record.times(machine()),
                         queue)
    return ([x for x in outcomes if x.has_failed],
            [x for x in outcomes if x.is_open])
