"""Carries out runs, several side by side."""
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

SAVE_EVERY = 10  # seconds of a run
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class RunFailed(InputError):
    """Why a run did not get to its end, in one sentence."""


@dataclass
class Outcome:
    """What became of a run.

    Args:
        run (Run): The run.
        state (State, optional): How far it has come, if that is known.
        failure (str, optional): Why it is not done. Defaults to None.
    """
    run: Run
    state: Optional[State]
    failure: Optional[str] = None


def carry_out(runs: Sequence[Run], tools: Path, jobs: int,
              on_end: Optional[Callable[[Outcome], None]] = None,
              seconds: Optional[float] = None,
              expected: Mapping[str, float] = {}) -> List[Outcome]:
    """Trains and tests what is not done yet.

    A run that fails does not keep the others from running. Ctrl-C and
    ``kill`` end the processes; what they have saved is gone on from the next
    time.

    Args:
        runs (Sequence[Run]): The runs.
        tools (Path): Folder of ``train.py`` and ``test.py``.
        jobs (int): Runs side by side; the cores are shared out among them,
            unless ``OMP_NUM_THREADS`` says otherwise.
        on_end (Callable, optional): Called with the outcome of every run as
            it ends, one at a time.
        seconds (float, optional): Time for all. A run is not begun where less
            is left than the longest one of its name took, and ended where
            none is. Defaults to None, no limit.
        expected (Mapping[str, float]): Seconds that runs took before, by
            their names. Defaults to nothing known.

    Returns:
        list[Outcome]: One per run, in their order. Those that Ctrl-C or the
        time kept from their end have the failure ``'interrupted'``.
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
    """The time that is left, and what runs take.

    Args:
        seconds (float, optional): From now; None is no limit.
        took (Mapping[str, float]): Seconds of the longest run of each name.
    """

    def __init__(self, seconds: Optional[float],
                 took: Mapping[str, float]) -> None:
        self.end = None if seconds is None else time.monotonic() + seconds
        self.took = dict(took)
        self.lock = threading.Lock()

    def note(self, run: Run, seconds: float) -> None:
        """A run has come to its end."""
        with self.lock:
            self.took[run.name] = max(seconds, self.took.get(run.name, 0))

    def allows(self, run: Optional[Run] = None) -> bool:
        """Whether there is time for this run, or for anything."""
        needed = self.took.get(run.name, 0) if run else 0
        return self.end is None or time.monotonic() + needed < self.end


def _side_by_side(runs: Sequence[Run], tools: Path, jobs: int,
                  budget: _Budget,
                  on_end: Optional[Callable[[Outcome], None]]
                  ) -> List[Outcome]:
    stop, told = threading.Event(), set()

    def tell(ended: Iterable[Future]) -> None:
        for future in ended:
            told.add(future)
            if on_end is not None:
                on_end(future.result())

    threads = str(max(1, cores() // jobs))
    environment = dict(os.environ)
    environment.setdefault('OMP_NUM_THREADS', threads)
    with Display(len(runs)) as display, ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(_Work(run, tools, stop, environment, display,
                                     budget).outcome) for run in runs]
        try:
            _watch(futures, display, budget, tell)
        except KeyboardInterrupt:
            display.say('ending the runs')
            for number in SIGNALS:  # another one would lose the table
                signal.signal(number, signal.SIG_IGN)
        finally:
            stop.set()
    tell(future for future in futures if future not in told)
    return [future.result() for future in futures]


def _watch(futures: List[Future], display: Display, budget: _Budget,
           tell: Callable[[Iterable[Future]], None]) -> None:
    waiting = set(futures)
    while waiting and budget.allows():
        display.update()
        ended, waiting = wait(waiting, timeout=1)
        tell(ended)


class _Work:
    """One run in a thread of its own."""

    def __init__(self, run: Run, tools: Path, stop: threading.Event,
                 environment: Dict[str, str], display: Display,
                 budget: _Budget) -> None:
        self.run, self.tools, self.stop = run, tools, stop
        self.environment, self.display = environment, display
        self.budget = budget
        self.state: Optional[State] = None
        self.saved = 0.

    def outcome(self) -> Outcome:
        """Carries the run out, and says what became of it."""
        failure = None
        try:
            if self._is_done():
                self.display.skip(self.run)
                return Outcome(self.run, self.state)
            if self.stop.is_set() or not self.budget.allows(self.run):
                raise Interrupted
            with occupied(self.run.folder) as descriptor:
                if not self._is_done():  # by another process since
                    self._do(descriptor)
            self.budget.note(self.run, self.state.seconds)
        except Interrupted:
            failure = INTERRUPTED
        except (InputError, OSError) as error:
            failure = str(error)
        except Exception as error:  # the other runs, and the table, go on
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
                # A run that has saved nothing yet starts as its config says.
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
        """Runs a script of ``tools``; RunFailed unless it ends well."""
        command = [sys.executable, str(self.tools / f'{tool}.py'),
                   self.run.config, *arguments, '--work-dir', str(folder)]
        if options:
            command += ['--cfg-options', *options]
        self._note_origin()
        log = self.run.folder / f'{tool}.log'
        status = run_command(command, log, self.stop, self.environment,
                             [descriptor], self._count)
        if status:
            lines = log.read_text(errors='replace').split('\n')
            said = [line.strip() for line in lines if line.strip()]
            raise RunFailed(
                f'tools/{tool}.py ended with status {status}, see {log}' +
                (f' ("{said[-1]}")' if said else ''))

    def _note_origin(self) -> None:
        """Keeps which code is about to run, and where."""
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
