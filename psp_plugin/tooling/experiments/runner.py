"""Carries out runs, several at a time."""
import os
import signal
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import (
    Callable,
    Dict,
    Iterable,
    List,
    Mapping,
    Optional,
    Sequence,
)

from psp_plugin.errors import InputError

from .command import Interrupted, run_command
from .plan import TEST_SPLIT, Run
from .progress import INTERRUPTED, Display
from .provenance import commit, cores, machine
from .run_folder import State, occupied, read_state, score_of_test

SAVE_EVERY = 10  # seconds between saves of a state
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class RunFailed(InputError):
    """Raised if a run fails."""


@dataclass
class Outcome:
    """The outcome of a run.

    Args:
        run (Run): The run.
        state (State, optional): Its state, if it could be read.
        failure (str, optional): Why it is not finished. Defaults to None.
    """
    run: Run
    state: Optional[State]
    failure: Optional[str] = None


def carry_out(runs: Sequence[Run], tools: Path, jobs: int,
              on_end: Optional[Callable[[Outcome], None]] = None,
              seconds: Optional[float] = None,
              expected: Mapping[str, float] = {}) -> List[Outcome]:
    """Trains and tests the runs that are not finished.

    A failed run does not affect the others. Ctrl-C and ``kill`` end the
    processes; the next call resumes them from their last checkpoints.

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

    Returns:
        list[Outcome]: One per run, in order. The failure of runs that Ctrl-C
        or the time limit ended is ``'interrupted'``.
    """
    before = {number: signal.getsignal(number) for number in SIGNALS}
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _side_by_side(runs, tools, jobs, _Budget(seconds, expected),
                             on_end)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Budget:
    """The remaining time and the durations of runs.

    Args:
        seconds (float, optional): Time limit from now; None for no limit.
        took (Mapping[str, float]): Seconds of the longest run of each name.
    """

    def __init__(self, seconds: Optional[float],
                 took: Mapping[str, float]) -> None:
        self.end = None if seconds is None else time.monotonic() + seconds
        self.took = dict(took)
        self.lock = threading.Lock()

    def note(self, run: Run, seconds: float) -> None:
        """Updates the duration of runs of this name."""
        with self.lock:
            self.took[run.name] = max(seconds, self.took.get(run.name, 0))

    def allows(self, run: Optional[Run] = None) -> bool:
        """Whether there is time for this run, or any time if None."""
        needed = self.took.get(run.name, 0) if run else 0
        return self.end is None or time.monotonic() + needed < self.end


def _side_by_side(runs: Sequence[Run], tools: Path, jobs: int,
                  budget: _Budget,
                  on_end: Optional[Callable[[Outcome], None]]
                  ) -> List[Outcome]:
    stop, reported = threading.Event(), set()

    def report(ended: Iterable[Future]) -> None:
        for future in ended:
            reported.add(future)
            if on_end is not None:
                on_end(future.result())

    threads = str(max(1, cores() // jobs))
    environment = dict(os.environ)
    environment.setdefault('OMP_NUM_THREADS', threads)
    with Display(len(runs)) as display, ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(_Work(run, tools, stop, environment, display,
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


def _watch(futures: List[Future], display: Display, budget: _Budget,
           report: Callable[[Iterable[Future]], None]) -> None:
    waiting = set(futures)
    while waiting and budget.allows():
        display.update()
        ended, waiting = wait(waiting, timeout=1)
        report(ended)


class _Work:
    """Carries out one run, in its own thread."""

    def __init__(self, run: Run, tools: Path, stop: threading.Event,
                 environment: Dict[str, str], display: Display,
                 budget: _Budget) -> None:
        self.run, self.tools, self.stop = run, tools, stop
        self.environment, self.display = environment, display
        self.budget = budget
        self.state: Optional[State] = None
        self.saved = 0.

    def outcome(self) -> Outcome:
        """Carries out the run and returns its outcome."""
        failure = None
        try:
            if self._is_done():
                self.display.skip(self.run)
                return Outcome(self.run, self.state)
            if self.stop.is_set() or not self.budget.allows(self.run):
                raise Interrupted
            with occupied(self.run.folder) as descriptor:
                if not self._is_done():  # by another process meanwhile
                    self._do(descriptor)
            self.budget.note(self.run, self.state.seconds)
        except Interrupted:
            failure = INTERRUPTED
        except (InputError, OSError) as error:
            failure = str(error)
        except Exception as error:  # must not stop other runs
            failure = f'{type(error).__name__}: {error}'
        self.display.end(self.run, failure)
        return Outcome(self.run, self.state, failure)

    def _is_done(self) -> bool:
        self.state = read_state(self.run)
        return self.state.done(self.run)

    def _do(self, descriptor: int) -> None:
        run, state = self.run, self.state
        self.display.start(run)
        try:
            if not state.trained:
                # Without a checkpoint the run starts from its config.
                resume = any(run.folder.glob('*.pth'))
                self._call('train', ['--seed', str(run.seed),
                                     *(['--resume', 'auto'] * resume)],
                           run.folder, run.options, descriptor)
                state.trained = True
                state.save(run.folder)
            for split in run.splits:
                if split not in state.scores:
                    self._test(split, descriptor)
        finally:
            state.save(run.folder)

    def _test(self, split: str, descriptor: int) -> None:
        run = self.run
        pointer = run.folder / 'last_checkpoint'
        if not pointer.is_file():
            raise RunFailed(f'{run.folder} has no checkpoint of its last '
                            'epoch: default_hooks.checkpoint must save it')
        options = list(run.options)
        if split != run.splits[0]:
            options.append(f'{TEST_SPLIT}={split}')
        folder = run.folder / f'test_{split}'
        self._call('test', [pointer.read_text().strip()], folder, options,
                   descriptor)
        self.state.scores[split] = score_of_test(folder)
        self.state.save(run.folder)

    def _call(self, tool: str, arguments: List[str], folder: Path,
              options: Sequence[str], descriptor: int) -> None:
        """Runs a script of ``tools``; raises RunFailed if it fails."""
        command = [sys.executable, str(self.tools / f'{tool}.py'),
                   self.run.config, *arguments, '--work-dir', str(folder)]
        if options:
            command += ['--cfg-options', *options]
        self._save_provenance()
        log = self.run.folder / f'{tool}.log'
        status = run_command(command, log, self.stop, self.environment,
                             [descriptor], self._count)
        if status:
            lines = log.read_text(errors='replace').split('\n')
            printed = [line.strip() for line in lines if line.strip()]
            raise RunFailed(
                f'tools/{tool}.py ended with status {status}, see {log}' +
                (f' ("{printed[-1]}")' if printed else ''))

    def _save_provenance(self) -> None:
        """Saves the commit and the machine of the next command."""
        for known, value in ((self.state.commits, commit()),
                             (self.state.machines, machine())):
            if value not in known:
                known.append(value)
        self.state.save(self.run.folder)

    def _count(self, seconds: float) -> None:
        self.state.seconds += seconds
        if self.state.seconds - self.saved > SAVE_EVERY:
            self.saved = self.state.seconds
            self.state.save(self.run.folder)
