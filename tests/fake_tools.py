"""Fast replacements of tools/train.py and tools/test.py, for tests.

They accept the same arguments and write the same files. A word in the config
sets their behaviour: ``fail_once``, ``fail_always``, ``wait`` or ``linger``.
"""
import json
import subprocess
import threading
import time
from pathlib import Path

from psp_plugin.tooling.experiments import plan_runs

SCRIPT = '''
import json, os, signal, subprocess, sys, time
from pathlib import Path

tool, config = Path(__file__).stem, Path(sys.argv[1])
folder = Path(sys.argv[sys.argv.index('--work-dir') + 1])
seed = int(folder.parts[-1 if tool == 'train' else -2].replace('seed', ''))
attempt = len(list(folder.glob('attempt_*')))
logs = folder / f'attempt_{attempt}'
(logs / 'vis_data').mkdir(parents=True)
with open(folder / 'arguments.json', 'a') as stream:
    stream.write(json.dumps([tool, *sys.argv[1:]]) + '\\n')
(logs / 'threads').write_text(os.environ['OMP_NUM_THREADS'])
text = config.read_text()

def log(**line):
    with open(logs / 'vis_data/scalars.json', 'a') as stream:
        stream.write(json.dumps(line) + '\\n')

if tool == 'test':
    split = folder.name.replace('test_', '')
    score = 0.5 + seed / 10 - ('clean' in split) / 100
    (logs / 'metrics.json').write_text(json.dumps({'acc/top1': score}))
    sys.exit()
log(loss=1.0, epoch=1, iter=1, step=1)
log(**{'acc/top1': 0.6 + attempt / 100, 'step': 1})
(folder / 'epoch_1.pth').touch()
(folder / 'last_checkpoint').write_text(str(folder / 'epoch_1.pth'))
if 'wait' in text and attempt == 0:
    child = subprocess.Popen(['sleep', '60'])
    Path(folder, 'pids').write_text(f'{os.getpid()} {child.pid}')
    time.sleep(60)
if 'linger' in text:
    def ask(*_):
        Path(folder, 'asked').write_text('yes')
        time.sleep(1)
        sys.exit(1)
    signal.signal(signal.SIGTERM, ask)
    Path(folder, 'pids').write_text(str(os.getpid()))
    time.sleep(60)
if 'fail_once' in text and attempt == 0 or 'fail_always' in text:
    print('first things first')
    sys.exit('no such thing as a free lunch')
log(loss=0.5, epoch=2, iter=2, step=2)
log(**{'acc/top1': 0.55, 'step': 2})
(folder / 'last_checkpoint').write_text(str(folder / 'epoch_2.pth'))
'''
CONFIG = '''
note = '{note}'
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=2)
train_dataloader = dict(
    dataset=dict(type='SemiSupervisedDataset', labeled_ratio=0.05, seed=7))
test_dataloader = dict(dataset=dict(split='val'))
'''


def write_tools(folder: Path) -> Path:
    """Writes the two scripts."""
    folder.mkdir()
    for name in ('train.py', 'test.py'):
        (folder / name).write_text(SCRIPT)
    return folder


def write_config(folder: Path, name: str, note: str = 'plain') -> str:
    """Writes a config for the scripts."""
    path = folder / f'{name}.py'
    path.write_text(CONFIG.format(note=note))
    return str(path)


def plan(folder: Path, *configs: str, seeds=(0, ), **arguments):
    """Plans runs in a folder ``table``."""
    return plan_runs(configs, seeds, str(folder / 'table'), **arguments)


def calls(run) -> list:
    """Returns the arguments of all trainings and tests of a run."""
    paths = [run.folder / 'arguments.json',
             *sorted(run.folder.glob('test_*/arguments.json'))]
    return [json.loads(line) for path in paths if path.is_file()
            for line in path.read_text().splitlines()]


def write_log(folder: Path, name: str, *lines: dict, cut: str = '') -> None:
    """Writes the log of one process of a training."""
    path = folder / name / 'vis_data/scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text(''.join(json.dumps(line) + '\n' for line in lines) + cut)


def val(step: int, top1: float) -> dict:
    """Returns the logged line of a validation."""
    return {'acc/top1': top1, 'step': step}


def write_repository(folder: Path) -> Path:
    """Creates a git repository with one file and one commit."""
    folder.mkdir()
    (folder / '__init__.py').touch()
    git(folder, 'init', '--quiet')
    git(folder, 'add', '__init__.py')
    git(folder, 'commit', '--quiet', '--message', 'first')
    return folder


def git(folder: Path, *arguments: str) -> str:
    """Runs a git command and returns its output."""
    command = ['git', '-C', str(folder), '-c', 'user.name=a', '-c',
               'user.email=a@b', '-c', 'commit.gpgsign=false', *arguments]
    return subprocess.run(command, check=True, capture_output=True,
                          text=True).stdout.strip()


def when_written(path, action):
    """Calls an action in a thread as soon as a file is not empty."""
    def watch():
        while not path.is_file() or not path.read_text():
            time.sleep(0.05)
        action()
    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread
