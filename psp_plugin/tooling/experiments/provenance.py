"""Identifies the commit and the machine of a run."""
import functools
import os
import platform
import subprocess
from pathlib import Path

import torch

from psp_plugin.version import __version__

PACKAGE = Path(__file__).resolve().parents[1]


def commit() -> str:
    """Returns the current commit, with ``-dirty`` if there are changes.

    It is read anew each time, as the code may change between runs. Outside a
    git checkout, returns the version of the package. Untracked files are
    ignored.
    """
    git = ['git', '-C', str(PACKAGE)]
    try:
        tracked = subprocess.run(
            [*git, 'ls-files', '--error-unmatch', '__init__.py'],
            capture_output=True, check=False)
        if tracked.returncode == 0:
            return subprocess.run(
                [*git, 'describe', '--always', '--dirty', '--abbrev=7',
                 '--exclude=*'], capture_output=True, text=True,
                check=True).stdout.strip()
    except FileNotFoundError:
        pass  # git is not installed
    return f'version {__version__}'


@functools.lru_cache(maxsize=None)
def machine() -> str:
    """Describes processor, cores, GPU and PyTorch version."""
    processor = platform.processor() or platform.machine()
    info = Path('/proc/cpuinfo')
    if info.is_file():
        names = [line.partition(':')[2].strip()
                 for line in info.read_text().splitlines()
                 if line.startswith('model name')]
        processor = names[0] if names else processor
    parts = [processor, f'{cores()} cores']
    if torch.cuda.is_available():
        parts.append(torch.cuda.get_device_name())
    return ', '.join([*parts, f'PyTorch {torch.__version__}'])


def cores() -> int:
    """Returns the number of processor cores that this process may use."""
    if hasattr(os, 'sched_getaffinity'):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
