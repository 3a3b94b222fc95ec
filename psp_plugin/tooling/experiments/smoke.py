"""Smoke test of the commands on every family of configs."""
import csv
import io
import os
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, Dict, List, Sequence

from .command import Interrupted, run_command
from .provenance import commit, cores
from .smoke_checks import Check, chains, make_config
from .text import as_csv, write_whole

PASSED = 'passed'
FIRST_PORT = 29600


class SmokeTest:
    """Runs the checks of configs side by side and keeps what came out.

    Args:
        csv_file (str): Results, one row for each config, check and machine;
            those that passed on this machine are not run again.
        machine (str): Where they run, in words.
        say (Callable): Told of every result.
    """

    def __init__(self, csv_file: str, machine: str,
                 say: Callable[[str], None] = print) -> None:
        self.path, self.machine, self.say = Path(csv_file), machine, say
        self.lock = threading.Lock()
        self.rows: Dict[tuple, dict] = {}
        if self.path.is_file():
            for row in csv.DictReader(io.StringIO(self.path.read_text())):
                self.rows[_key(row)] = row

    def passed(self, config: str, check: str) -> bool:
        """Whether a check has passed here before."""
        row = self.rows.get((config, check, self.machine))
        return row is not None and row['result'] == PASSED

    def run(self, configs: Sequence[str], tools: Path, work_dir: Path,
            jobs: int, seconds: float,
            compiled: Sequence[str] = ()) -> List[dict]:
        """Runs what has not passed yet.

        Args:
            configs (Sequence[str]): Paths of configs.
            tools (Path): Folder of the scripts.
            work_dir (Path): Where the runs go.
            jobs (int): Chains side by side.
            seconds (float): After which what runs is ended.
            compiled (Sequence[str]): Those that are compiled as well.

        Returns:
            list[dict]: The rows of the checks that failed.
        """
        stop = threading.Event()
        timer = threading.Timer(seconds, stop.set)
        timer.daemon = True
        timer.start()
        environment = dict(os.environ)
        environment.setdefault('OMP_NUM_THREADS', '1')
        todo = []
        for i, config in enumerate(configs):
            folder = work_dir / Path(config).stem
            file = make_config(config, folder)
            data = folder / 'synthetic.pkl'
            clip = f'{data}#synthetic_0000000' if data.is_file() else ''
            for chain in chains(file, tools, folder, clip, FIRST_PORT + i,
                                config in compiled):
                if not all(self.passed(config, x.name) for x in chain):
                    todo.append((config, chain, folder))
        try:
            with ThreadPoolExecutor(jobs) as pool:
                list(pool.map(lambda one: self._chain(
                    *one, stop, environment), todo))
        finally:
            stop.set()
            timer.cancel()
        names = set(configs)
        return [row for row in self.rows.values()
                if row['result'] != PASSED and row['config'] in names
                and row['machine'] == self.machine]

    def _chain(self, config: str, chain: List[Check], folder: Path,
               stop: threading.Event, environment: Dict[str, str]) -> None:
        for check in chain:
            log = folder / f'{check.name.replace(" ", "_")}.log'
            log.unlink(missing_ok=True)  # its errors are of another time
            began = time.monotonic()
            try:
                if stop.is_set():
                    raise Interrupted
                status = run_command(check.command, log, stop, environment,
                                     [], lambda _: None)
                result = PASSED
                if status:
                    result = f'status {status}: {last_words(log)}'
            except Interrupted:
                result = 'no time left'
            self._keep(config, check.name, result, time.monotonic() - began)
            if result != PASSED:
                return

    def _keep(self, config: str, check: str, result: str,
              seconds: float) -> None:
        row = dict(config=config, check=check, result=result,
                   seconds=f'{seconds:.0f}', commit=commit(),
                   machine=self.machine)
        with self.lock:
            self.rows[_key(row)] = row
            write_whole(as_csv([*self.rows.values()]), self.path)
            self.say(f'{config}, {check}: {result} ({seconds:.0f} s)')


def last_words(log: Path) -> str:
    """The last line of a log that names an error, else the last with words."""
    lines = [line.strip() for line in
             log.read_text(errors='replace').splitlines()
             if any(letter.isalpha() for letter in line)]
    errors = [line for line in lines if re.match(r'[\w.]*Error\b', line)]
    return [*lines, *errors, ''][-2] if lines else ''


def default_jobs() -> int:
    """As many as there are cores, less one for what watches them."""
    return max(1, cores() - 1)


def _key(row: dict) -> tuple:
    return row['config'], row['check'], row['machine']
