"""A run as a job of submitit."""
import os
import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .budget import Budget
from .plan import Run
from .progress import Display
from .provenance import cores
from .text import write_atomically
from .work import Work, share_cores

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission

FAILURE = 'failure.txt'  # in the folder of the run, written by its job


@dataclass
class Job:
    """A run that submitit stores, calls on another machine, and requeues.

    Slurm signals a job that it will end, ``signal_delay_s`` before its time
    limit or when it is pre-empted. submitit then calls :meth:`checkpoint` and
    requeues what it returns, which resumes the run from its last checkpoint.

    Args:
        run (Run): The run.
        tools (Path): Folder of ``train.py`` and ``test.py``.
    """
    run: Run
    tools: Path

    def __call__(self) -> None:
        """Carries out the run, and writes why it failed, if it did."""
        # On some clusters this announces a pre-emption, to all processes of
        # the job. They go on until they are killed, and inherit it.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        count = int(os.environ.get('SLURM_CPUS_PER_TASK', cores()))
        with Display(1) as display:
            failure = Work(
                self.run, self.tools, threading.Event(),
                share_cores(count), display, Budget()).outcome().failure
        if failure is not None:
            write_atomically(failure, self.run.folder / FAILURE)

    def checkpoint(self) -> 'DelayedSubmission':
        """Returns what submitit requeues."""
        from submitit.helpers import DelayedSubmission
        return DelayedSubmission(self)
