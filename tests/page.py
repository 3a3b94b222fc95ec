"""Parses docs/guides/toolbox.md and runs its commands on a small run."""
import contextlib
import io
import json
import re
import runpy
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator, List, NamedTuple

import matplotlib.pyplot as plt
import pytest
from toy import small_config

from psp_plugin import toolbox

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / 'docs/guides/toolbox.md').read_text(encoding='utf-8')
BATCH, CLIPS, TEST_CLIPS = 4, 40, 20


class Command(NamedTuple):
    """A row of the page: a command, and whether it runs by its path."""
    text: str
    by_path: str

    @property
    def tool(self) -> str:
        """The name of the toolbox's script, '' for a wrapper in tools/."""
        return ''.join(re.findall(r'-m psp_plugin.toolbox (\S+)', self.text))

    @property
    def broken(self) -> bool:
        """Whether it fails, started by its path or by the plugin."""
        return self.by_path.startswith('broken')

    @property
    def error(self) -> str:
        """The documented error, by its path or (broken) in any case."""
        return ''.join(re.findall('`(.+)`', self.by_path))


COMMANDS = [Command(*cells) for cells in re.findall(
    r'^\| `(python .+?)` \|.*\| (.+) \|$', PAGE, re.MULTILINE)]
CONFIGS = dict(re.findall(r'```python\n# (\w+)\.py\n(.+?)```', PAGE,
                          re.DOTALL))


def dump_small(path: Path) -> None:
    """Writes a smaller config of the synthetic data, without a seed."""
    cfg = small_config('psp_synthetic_5p.py', '', '')
    for key in ('work_dir', 'randomness'):
        cfg.pop(key)
    cfg.train_dataloader.dataset.dataset.dataset.num_clips = CLIPS
    cfg.val_dataloader.dataset.num_clips = TEST_CLIPS
    cfg.test_dataloader.dataset.num_clips = TEST_CLIPS
    cfg.default_hooks.checkpoint.interval = 1
    cfg.dump(str(path))


@contextlib.contextmanager
def working_in(folder: Path) -> Iterator[Path]:
    """Changes to a folder with ``config.py``, and restores the process."""
    dump_small(folder / 'config.py')
    with pytest.MonkeyPatch.context() as patch, plt.rc_context():
        patch.chdir(folder)
        patch.setattr(sys, 'argv', sys.argv)
        patch.setenv('LOCAL_RANK', '0')  # the toolbox's scripts set it
        yield folder
        plt.close('all')


def newest(pattern: str) -> Path:
    """Returns the most recent file that matches."""
    return max(Path().glob(pattern), key=lambda path: path.stat().st_mtime)


def fill_in(command: str) -> str:
    """Replaces the words in capitals by files of the small run."""
    for name, pattern in dict(
            CONFIG='config.py', CHECKPOINT='work_dirs/config/epoch_2.pth',
            PUBLISHED='published_*.pth',
            LOG='work_dirs/config/*/vis_data/scalars.json').items():
        if name in command.split():
            command = command.replace(name, str(newest(pattern)))
    return command


def run(command: str) -> str:
    """Runs a command of the page in this process; returns what it printed."""
    words = shlex.split(command)[1:]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        if words[:2] == ['-m', 'psp_plugin.toolbox']:
            toolbox.main(words[2:])
        else:
            sys.argv = words
            # MMEngine names the runs of a process by the second.
            time.sleep(1 - time.time() % 1)
            runpy.run_path(str(ROOT / words[0]), run_name='__main__')
    return printed.getvalue()


def run_apart(*words: str) -> subprocess.CompletedProcess:
    """Runs Python with these arguments in a new process."""
    return subprocess.run([sys.executable, '-W', 'ignore', *words],
                          capture_output=True, text=True, check=False)


def logs(name: str) -> List[list]:
    """Returns the log of each training in ``work_dirs/NAME``, oldest first."""
    runs = []
    for path in sorted(Path('work_dirs', name).glob('*/*/scalars.json')):
        lines = map(json.loads, path.read_text().splitlines())
        runs.append([line for line in lines if 'loss' in line])
    return runs
