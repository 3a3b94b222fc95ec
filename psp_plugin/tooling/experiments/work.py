"""One run: its training and its tests."""
import os
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from psp_plugin.errors import InputError

from .budget import Budget
from .command import Interrupted, run_command
from .plan import TEST_SPLIT, Run, has_changed
from .progress import INTERRUPTED, Display
from .provenance import commit, machine
from .run_folder import State, occupied, read_state, score_of_test

SAVE_EVERY = 10  # seconds between saves of a state


class RunFailed(InputError):
    """Raised if a run fails."""


@dataclass
class Outcome:
    """The outcome of a run.

    Args:
        run (Run): The run.
        state (State, optional): Its state, if it could be read.
        failure (str, optional): Why it is not finished. Defaults to None.
        is_open (bool): Whether it has not failed, but was interrupted or is
            in a queue. Defaults to False.
    """
    run: Run
    state: Optional[State]
    failure: Optional[str] = None
    is_open: bool = False

    @property
    def has_failed(self) -> bool:
        """Whether it ended without success."""
        return self.failure is not None and not self.is_open


class Work:
    """Carries out one run, in a thread of its own or in a job.

    Args:
        run (Run): The run.
        tools (Path): Folder of ``train.py`` and ``test.py``.
        stop (threading.Event): Set it to end the run.
        environment (dict[str, str]): Environment variables of the scripts.
        display (Display): Gets its start and its end.
        budget (Budget): The time limit.
    """

    def __init__(self, run: Run, tools: Path, stop: threading.Event,
                 environment: Dict[str, str], display: Display,
                 budget: Budget) -> None:
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
        return Outcome(self.run, self.state, failure,
                       is_open=failure == INTERRUPTED)

    def _is_done(self) -> bool:
        self.state = read_state(self.run)
        return self.state.done(self.run)

    def _do(self, descriptor: int) -> None:
        run, state = self.run, self.state
        if has_changed(run):
            raise RunFailed(f'{run.config} has changed since this run was '
                            'planned: start the command again')
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


def share_cores(count: int) -> Dict[str, str]:
    """Returns environment variables with a number of threads, unless set."""
    environment = dict(os.environ)
    environment.setdefault('OMP_NUM_THREADS', str(max(1, count)))
    return environment
