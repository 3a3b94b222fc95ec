"""Runs a command in its own process group, so that it can be stopped."""
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Callable, Dict, Sequence

PATIENCE = 10  # seconds between SIGTERM and SIGKILL
POLL = 0.2


class Interrupted(Exception):
    """Raised if a command is stopped before it ends."""


def run_command(command: Sequence[str], log: Path, stop: threading.Event,
                environment: Dict[str, str], inherit: Sequence[int],
                count: Callable[[float], None]) -> int:
    """Runs a command until it ends or ``stop`` is set.

    Args:
        command (Sequence[str]): Program and arguments.
        log (Path): File to append its output to.
        stop (threading.Event): Set it to end the entire process group.
        environment (dict[str, str]): Its environment variables.
        inherit (Sequence[int]): File descriptors to inherit.
        count (Callable): Called regularly with the seconds since the last
            call.

    Returns:
        int: Its exit status, or minus the number of the signal that killed
        it.

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
    """Ends a running process and all processes that it started.

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
