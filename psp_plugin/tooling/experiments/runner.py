"""Carries out runs, several at a time."""
import signal
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Callable, Iterable, List, Mapping, Optional, Sequence

from .budget import Budget
from .plan import Run
from .progress import Display
from .provenance import cores
from .queued import SIGNALS, Queued
from .slurm import SlurmQueue
from .work import Outcome, Work, share_cores


def carry_out(runs: Sequence[Run], tools: Path, jobs: int,
              on_end: Optional[Callable[[Outcome], None]] = None,
              seconds: Optional[float] = None,
              expected: Mapping[str, float] = {},
              queue: Optional[SlurmQueue] = None) -> List[Outcome]:
    """Trains and tests the runs that are not finished.

    A failed run does not affect the others. Ctrl-C and ``kill`` end the
    processes; the next call resumes them from their last checkpoints. Jobs of
    a queue stay in it, and the next call waits for them.

    Args:
        runs (Sequence[Run]): The runs.
        tools (Path): Folder of ``train.py`` and ``test.py``.
        jobs (int): Number of concurrent runs. Each uses an equal share of the
            cores, unless ``OMP_NUM_THREADS`` is set.
        on_end (Callable, optional): Called with the outcome of every run when
            it ends, from one thread. Defaults to None.
        seconds (float, optional): Time limit for all runs. A run does not
            start if the longest run of its name took more than the time left;
            active runs end with the time. Defaults to None: no limit.
        expected (Mapping[str, float]): Seconds of earlier runs, by name.
            Defaults to none.
        queue (SlurmQueue, optional): The queue in which each run is a job.
            Defaults to None: they are processes of this machine.

    Returns:
        list[Outcome]: One per run, in order. Runs that Ctrl-C or the time
        limit ended, and those still in the queue, are open.
    """
    before = {number: signal.getsignal(number) for number in SIGNALS}
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    on_end = on_end or (lambda outcome: None)
    try:
        if queue is not None:
            with Display(len(runs)) as display:
                return Queued(queue, tools, display, on_end).carry_out(runs)
        return _side_by_side(runs, tools, jobs, Budget(seconds, expected),
                             on_end)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _side_by_side(runs: Sequence[Run], tools: Path, jobs: int,
                  budget: Budget, on_end: Callable[[Outcome], None]
                  ) -> List[Outcome]:
    stop, reported = threading.Event(), set()

    def report(ended: Iterable[Future]) -> None:
        for future in ended:
            reported.add(future)
            on_end(future.result())

    environment = share_cores(cores() // jobs)
    with Display(len(runs)) as display, ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(Work(run, tools, stop, environment, display,
                                    budget).outcome) for run in runs]
        try:
            _watch(futures, display, budget, report)
        except KeyboardInterrupt:
            display.print('ending the runs')
            for number in SIGNALS:  # a second one would prevent the table
                signal.signal(number, signal.SIG_IGN)
        finally:
            stop.set()
    report(future for future in futures if future not in reported)
    return [future.result() for future in futures]


def _watch(futures: List[Future], display: Display, budget: Budget,
           report: Callable[[Iterable[Future]], None]) -> None:
    waiting = set(futures)
    while waiting and budget.allows():
        display.update()
        ended, waiting = wait(waiting, timeout=1)
        report(ended)
