"""One command in a process group of its own, which can be ended."""
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Callable, Dict, Sequence

PATIENCE = 10  # seconds between asking a process to end and ending it
POLL = 0.2


class Interrupted(Exception):
    """The user has ended what was running."""


def run_command(command: Sequence[str], log: Path, stop: threading.Event,
                environment: Dict[str, str], inherit: Sequence[int],
                count: Callable[[float], None]) -> int:
    """Runs a command to its end, or until it is to stop.

    Args:
        command (Sequence[str]): Program and arguments.
        log (Path): File that its output is added to.
        stop (threading.Event): Set to end it, and all that it started.
        environment (dict[str, str]): Its environment variables.
        inherit (Sequence[int]): File descriptors that it holds, too.
        count (Callable): Called now and then with the seconds that have gone
            by since the last time.

    Returns:
        int: Its exit status, or minus the signal that killed it.

    Raises:
        Interrupted: If it was stopped.
    """
    before = time.monotonic()
    with open(log, 'ab') as stream:
        process = subprocess.Popen(
            list(command), stdout=stream, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL, env=environment, pass_fds=inherit,
            start_new_session=True)
    try:
        while process.poll() is None:
            stopped = stop.wait(POLL)
            now = time.monotonic()
            count(now - before)
            before = now
            if stopped:
                raise Interrupted
        return process.returncode
    finally:
        if process.poll() is None:
            end_group(process)


def end_group(process: subprocess.Popen) -> None:
    """Ends a process that is running, and what it has started.

    Args:
        process (Popen): The leader of a process group.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            continue
