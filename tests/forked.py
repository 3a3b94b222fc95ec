"""Scripts in processes that are forked from one with the slow imports."""
import os
import runpy
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

from resumable_runs import fork


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
        files = [Path(folder, name) for name in ('stdout', 'stderr')]
        status = fork(run_script, words, str(cwd), list(map(str, files)))
        return subprocess.CompletedProcess(
            words, status, *(path.read_text() for path in files))


def run_script(words, cwd, files):
    """Runs the script in this process, which is the forked one."""
    for number, path in enumerate(files, 1):
        os.dup2(os.open(path, os.O_CREAT | os.O_WRONLY), number)
    os.chdir(cwd)
    warnings.simplefilter('ignore')
    sys.argv = words
    runpy.run_path(words[0], run_name='__main__')
