"""Scripts in processes that are forked from one with the slow imports."""
import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

from resumable_runs import start

OUTPUTS = ('stdout', 'stderr')


def run_forked(script, *args, cwd='.') -> subprocess.CompletedProcess:
    """Runs a script, as ``python -W ignore`` does, without its imports.

    Args:
        script (str or Path): The script.
        *args: Its arguments.
        cwd (str or Path): The folder to run it in. Defaults to this one.

    Returns:
        subprocess.CompletedProcess: Exit status and what it printed.
    """
    words = [str(script), *map(str, args)]
    with tempfile.TemporaryDirectory() as folder:
        process = start_forked(*words, cwd=cwd, folder=folder)
        process.join()
        return subprocess.CompletedProcess(
            words, process.exitcode,
            *(Path(folder, name).read_text() for name in OUTPUTS))


def start_forked(script, *args, cwd='.', folder) -> multiprocessing.Process:
    """Starts a script, see :func:`run_forked`.

    Args:
        script, *args, cwd: See :func:`run_forked`.
        folder (str or Path): Gets its output, ``stdout`` and ``stderr``.
    """
    return start(run_script, [str(script), *map(str, args)], str(cwd),
                 [str(Path(folder, name)) for name in OUTPUTS])


def run_script(words, cwd, files):
    """Runs the script in this process, which is the forked one."""
    for number, path in enumerate(files, 1):
        os.dup2(os.open(path, os.O_CREAT | os.O_WRONLY), number)
    os.chdir(cwd)
    warnings.simplefilter('ignore')
    sys.argv = words
    runpy.run_path(words[0], run_name='__main__')
