"""Carries out what a record does not hold yet."""
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

from .plan import Run
from .progress import INTERRUPTED
from .provenance import machine
from .record import Record
from .runner import Outcome, carry_out


def carry_out_study(runs: Sequence[Run], record: Record, tools: Path,
                    jobs: int, seconds: Optional[float] = None
                    ) -> Tuple[List[Outcome], List[Outcome]]:
    """Trains and tests what is not in the record, and adds it.

    Args:
        runs (Sequence[Run]): The runs.
        record (Record): Finished runs, written as each ends.
        tools (Path): Folder of ``train.py`` and ``test.py``.
        jobs (int): Runs side by side.
        seconds (float, optional): Time for all. Defaults to no limit.

    Returns:
        tuple[list[Outcome], list[Outcome]]: Those that failed, and those that
        Ctrl-C or the time kept from their end.
    """
    def keep(outcome: Outcome) -> None:
        if outcome.failure is None:
            record.add(outcome.run, outcome.state)

    outcomes = carry_out([run for run in runs if not record.holds(run)],
                         tools, jobs, keep, seconds, record.times(machine()))
    ended = [x for x in outcomes if x.failure == INTERRUPTED]
    failed = [x for x in outcomes if x.failure not in (None, INTERRUPTED)]
    return failed, ended
