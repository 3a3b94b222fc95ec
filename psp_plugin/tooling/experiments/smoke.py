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
from .text import as_csv, write_atomically

PASSED = 'passed'
FIRST_PORT = 29600


class SmokeTest:
    """Runs the checks of configs concurrently and saves the results.

    Args:
        csv_file (str): File of the results, one row per config, check and
            machine. Checks that passed on this machine are not repeated.
        machine (str): Description of this machine.
        report (Callable): Called with a line for every result. Defaults to
            ``print``.
    """

    def __init__(self, csv_file: str, machine: str,
                 report: Callable[[str], None] = print) -> None:
        self.path, self.machine = Path(csv_file), machine
        self.report = report
        self.lock = threading.Lock()
        self.rows: Dict[tuple, dict] = {}
        if self.path.is_file():
            for row in csv.DictReader(io.StringIO(self.path.read_text())):
                self.rows[_key(row)] = row

    def passed(self, config: str, check: str) -> bool:
        """Whether a check has passed on this machine."""
        row = self.rows.get((config, check, self.machine))
        return row is not None and row['result'] == PASSED

    def run(self, configs: Sequence[str], tools: Path, work_dir: Path,
            jobs: int, seconds: float,
            compiled: Sequence[str] = ()) -> List[dict]:
        """Runs the checks that have not passed yet.

        Args:
            configs (Sequence[str]): Paths of configs.
            tools (Path): Folder of the scripts.
            work_dir (Path): Folder of the runs.
            jobs (int): Number of concurrent chains.
            seconds (float): Time limit; active checks are stopped.
            compiled (Sequence[str]): Configs to run with a compiled encoder,
                too. Defaults to none.

        Returns:
            list[dict]: The rows of failed checks.
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
            log.unlink(missing_ok=True)  # from an earlier attempt
            began = time.monotonic()
            try:
                if stop.is_set():
                    raise Interrupted
                status = run_command(check.command, log, stop, environment,
                                     [], lambda _: None)
                result = PASSED
                if status:
                    result = f'status {status}: {last_error(log)}'
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
            write_atomically(as_csv([*self.rows.values()]), self.path)
            self.report(f'{config}, {check}: {result} ({seconds:.0f} s)')


def last_error(log: Path) -> str:
    """Returns the last line of a log that names an error, else the last line
    with letters."""
    lines = [line.strip() for line in
             log.read_text(errors='replace').splitlines()
             if any(letter.isalpha() for letter in line)]
    errors = [line for line in lines if re.match(r'[\w.]*Error\b', line)]
    return [*lines, *errors, ''][-2] if lines else ''


def default_jobs() -> int:
    """Returns the number of cores minus one, at least 1."""
    return max(1, cores() - 1)


def _key(row: dict) -> tuple:
    return row['config'], row['check'], row['machine']
