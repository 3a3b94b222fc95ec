"""Carries out runs as jobs of a queue, and waits for them."""
import signal
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Optional, Sequence, Set

from psp_plugin.errors import InputError

from .job import FAILURE, Job
from .plan import Run
from .progress import Display
from .run_folder import State, occupied, read_state
from .slurm import SlurmQueue
from .text import write_atomically
from .work import Outcome

JOB = 'job.txt'  # in the folder of a run: its last job
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Queued:
    """Submits a job for every run that is not finished, and waits for them.

    A run whose last job is still in the queue is not submitted again.

    Args:
        queue (SlurmQueue): The queue.
        tools (Path): Folder of ``train.py`` and ``test.py``.
        display (Display): Gets start and end of the runs.
        on_end (Callable): Called with the outcome of every run that has
            ended, also before.
    """

    def __init__(self, queue: SlurmQueue, tools: Path, display: Display,
                 on_end: Callable[[Outcome], None]) -> None:
        self.queue, self.tools = queue, tools
        self.display, self.on_end = display, on_end
        self.waiting: Dict[Run, str] = {}  # jobs
        self.absent: Dict[Run, float] = {}  # since when not in the queue
        self.outcomes: Dict[Run, Outcome] = {}

    def carry_out(self, runs: Sequence[Run]) -> List[Outcome]:
        """Carries out the runs; Ctrl-C ends the waiting, not the jobs."""
        try:
            # Another command may submit the same runs at the same moment.
            with occupied(self.queue.folder, wait=True):
                self._begin(runs)
            while self.waiting:
                self.display.update()
                time.sleep(self.queue.pause)
                self._look()
        except KeyboardInterrupt:
            self.display.print(
                'the same command waits again for what is in the queue; '
                f'`scancel {" ".join(self.waiting.values())}` would end it')
        for run in runs:
            if run not in self.outcomes:
                self.outcomes[run] = Outcome(
                    run, None, f'in the queue as job {self.waiting[run]}'
                    if run in self.waiting else 'not submitted', is_open=True)
        return [self.outcomes[run] for run in runs]

    def _begin(self, runs: Sequence[Run]) -> None:
        """Skips finished runs and submits those that have no job."""
        active, todo = self._active(), []
        for run in runs:
            try:
                state = read_state(run)
            except InputError as error:
                self._end(run, None, str(error))
                continue
            job = last_job(run)
            if state.done(run):
                self.display.skip(run)
                self._note(Outcome(run, state))
            elif job in active:
                self._wait_for(run, job)
            else:
                todo.append(run)
        if not todo:
            return
        for run in todo:
            (run.folder / FAILURE).unlink(missing_ok=True)
        try:
            with uninterrupted():  # a job that is not noted would be lost
                jobs = self.queue.submit([Job(run, self.tools)
                                          for run in todo])
                for run, job in zip(todo, jobs):
                    write_atomically(job, run.folder / JOB)
                    self._wait_for(run, job)
        except InputError as error:
            for run in todo:
                self._end(run, None, str(error))

    def _wait_for(self, run: Run, job: str) -> None:
        self.waiting[run] = job
        self.display.start(run, f'job {job}')

    def _active(self) -> Set[str]:
        """Returns the jobs in the queue, as soon as it can be asked."""
        while True:
            active = self.queue.active()
            if active is not None:
                return active
            time.sleep(self.queue.pause)

    def _look(self) -> None:
        """Notes the runs whose jobs have ended."""
        active = self._active()
        for run, job in list(self.waiting.items()):
            if job in active:
                self.absent.pop(run, None)
                continue
            since = self.absent.setdefault(run, time.monotonic())
            state, failure = result_of(run)
            if state and state.done(run):
                failure = None  # that of a job which came while it ran
            elif failure is None:
                if time.monotonic() - since < self.queue.patience:
                    continue  # another machine's files may come late
                failure = (f'job {job} ended before the run did, see '
                           f'{self.queue.log(job)}')
            del self.waiting[run]
            self._end(run, state, failure)

    def _end(self, run: Run, state: Optional[State],
             failure: Optional[str]) -> None:
        self.display.end(run, failure)
        self._note(Outcome(run, state, failure))

    def _note(self, outcome: Outcome) -> None:
        self.outcomes[outcome.run] = outcome
        self.on_end(outcome)


def last_job(run: Run) -> Optional[str]:
    """Returns the job that was last submitted for a run, if any."""
    path = run.folder / JOB
    return path.read_text().strip() if path.is_file() else None


def result_of(run: Run) -> tuple:
    """Returns the state of a run and the failure that its job wrote."""
    path = run.folder / FAILURE
    failure = path.read_text() if path.is_file() else None
    try:
        return read_state(run), failure
    except InputError as error:
        return None, failure or str(error)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ignores Ctrl-C and ``kill`` for a moment."""
    before = [signal.signal(number, signal.SIG_IGN) for number in SIGNALS]
    try:
        yield
    finally:
        for number, handler in zip(SIGNALS, before):
            signal.signal(number, handler)
