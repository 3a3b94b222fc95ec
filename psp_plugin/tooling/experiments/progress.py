"""Shows how far the runs of a table are."""
import threading
from typing import Dict, Optional

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from psp_plugin.errors import FileError

from .plan import Run
from .run_folder import progress

INTERRUPTED = 'interrupted'


class Display:
    """A bar for the table and one for every run at work.

    Where the output is no terminal, lines say when a run starts and ends.

    Args:
        total (int): Number of runs.
    """

    def __init__(self, total: int) -> None:
        self.progress = Progress(
            TextColumn('{task.description}'), BarColumn(),
            MofNCompleteColumn(), TimeElapsedColumn(),
            TextColumn('{task.fields[note]}'))
        self.all = self.progress.add_task('runs', total=total, note='')
        self.tasks: Dict[Run, TaskID] = {}
        self.lock = threading.Lock()

    def __enter__(self) -> 'Display':
        self.progress.start()
        return self

    def __exit__(self, *error) -> None:
        self.progress.stop()

    def say(self, text: str) -> None:
        """Prints a line above the bars."""
        self.progress.console.print(text, markup=False, highlight=False,
                                    soft_wrap=True)

    def start(self, run: Run) -> None:
        """A run has begun, or goes on."""
        with self.lock:
            self.tasks[run] = self.progress.add_task(
                f'{run.name} seed {run.seed}', total=run.length,
                note='starting')
        self.say(f'{run.name} seed {run.seed}: at work in {run.folder}')

    def skip(self, run: Run) -> None:
        """A run was done before."""
        self.say(f'{run.name} seed {run.seed}: done before')
        self.progress.advance(self.all)

    def end(self, run: Run, failure: Optional[str]) -> None:
        """A run has come to its end, or failed."""
        with self.lock:
            task = self.tasks.pop(run, None)
        if task is not None:
            self.progress.remove_task(task)
        if failure != INTERRUPTED:
            self.progress.advance(self.all)
        self.say(f'{run.name} seed {run.seed}: {failure or "done"}')

    def update(self) -> None:
        """Reads the logs of the runs at work."""
        with self.lock:
            for run, task in self.tasks.items():
                try:
                    place, score = progress(run.folder)
                except FileError:
                    continue  # the bar waits; the table names the log
                self.progress.update(
                    task, completed=place,
                    note='' if score is None else f'top-1 {100 * score:.1f}')
