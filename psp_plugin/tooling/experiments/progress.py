"""Displays the progress of the runs of a table."""
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
    """Progress bars: one for the table and one for each active run.

    If the output is not a terminal, a line is printed when a run starts or
    ends.

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

    def print(self, text: str) -> None:
        """Prints a line above the bars."""
        self.progress.console.print(text, markup=False, highlight=False,
                                    soft_wrap=True)

    def start(self, run: Run, how: str = 'at work') -> None:
        """Adds the bar of a run that starts or resumes."""
        with self.lock:
            self.tasks[run] = self.progress.add_task(
                f'{run.name} seed {run.seed}', total=run.length,
                note='starting')
        self.print(f'{run.name} seed {run.seed}: {how} in {run.folder}')

    def skip(self, run: Run) -> None:
        """Counts a run that was finished before."""
        self.print(f'{run.name} seed {run.seed}: done before')
        self.progress.advance(self.all)

    def end(self, run: Run, failure: Optional[str]) -> None:
        """Removes the bar of a run that has ended."""
        with self.lock:
            task = self.tasks.pop(run, None)
        if task is not None:
            self.progress.remove_task(task)
        if failure != INTERRUPTED:
            self.progress.advance(self.all)
        self.print(f'{run.name} seed {run.seed}: {failure or "done"}')

    def update(self) -> None:
        """Updates the bars from the logs of the active runs."""
        with self.lock:
            for run, task in self.tasks.items():
                try:
                    place, score = progress(run.folder)
                except FileError:
                    continue  # write_tables reports unreadable logs
                self.progress.update(
                    task, completed=place,
                    note='' if score is None else f'top-1 {100 * score:.1f}')
