"""The time that runs may take together."""
import threading
import time
from typing import Mapping, Optional

from .plan import Run


class Budget:
    """The remaining time and the durations of runs.

    Args:
        seconds (float, optional): Time limit from now. Defaults to None: no
            limit.
        took (Mapping[str, float]): Seconds of the longest run of each name.
            Defaults to none.
    """

    def __init__(self, seconds: Optional[float] = None,
                 took: Mapping[str, float] = {}) -> None:
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
