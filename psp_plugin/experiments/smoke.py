"""Smoke test of the commands on every family of configs."""
import csv
import io
import os
import re
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Sequence

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from psp_plugin.benchmark import use_made_up
from psp_plugin.datasets.run_checks import find_dicts

from .command import Interrupted, run_command
from .provenance import commit, cores
from .text import as_csv, write_whole

PASSED = 'passed'
FIRST_PORT = 29600
CLIPS = 80  # at least, and two of each class; half of them are labelled


class Check(NamedTuple):
    """A command that has to end well.

    Args:
        name (str): Such as ``'resume'``.
        command (list[str]): Program and arguments.
    """
    name: str
    command: List[str]


def make_config(path: str, folder: Path) -> Path:
    """Writes a config cut down to seconds, with random clips of its layout.

    It is in float32: the checks say which of them train in half precision.

    Args:
        path (str): The config.
        folder (Path): Where it and its clips go.

    Returns:
        Path: The config to run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cfg = Config.fromfile(path)
    init_default_scope('mmaction')
    if any('ann_file' in part for _, part in find_dicts(cfg)):
        use_made_up(cfg, folder, max(
            CLIPS, 2 * cfg.model.cls_head.num_classes))
    cfg.optim_wrapper.type = 'OptimWrapper'
    for _, part in find_dicts(cfg):
        if part.get('type') == 'SemiSupervisedDataset':
            part.update(labeled_ratio=0.5, labeled_per_class=None)
        if part.get('type') == 'RepeatDataset':
            part['times'] = 1
        if 'batch_size' in part:
            part.update(batch_size=16, num_workers=1)
        if 'num_clips' in part and 'clip_len' in part:  # of a sampler
            part['num_clips'] = min(2, part['num_clips'])
        if 'milestones' in part:
            part['milestones'] = [1000]
        if 'T_max' in part:
            part['T_max'] = 1000
    file = folder / 'config.py'
    cfg.dump(str(file))
    return file


def chains(config: Path, tools: Path, folder: Path, clip: str, port: int,
           compiled: bool) -> List[List[Check]]:
    """The checks of a config; those of a chain need each other.

    MMEngine's AMP is among them on a GPU alone, which it needs.

    Args:
        config (Path): The config, as :func:`make_config` writes it.
        tools (Path): Folder of the scripts.
        folder (Path): Of the runs.
        clip (str): A clip for ``tools/infer.py``; '' if there is none.
        port (int): For the process group.
        compiled (bool): Whether the encoder is compiled as well.
    """
    cfg = Config.fromfile(str(config))
    bf16 = ['optim_wrapper.type=BFloat16OptimWrapper']
    if cfg.model.backbone.type == 'DSTANet':
        bf16.append('model.backbone.channels_last=True')
    by_epoch = 'max_epochs' in cfg.train_cfg
    length = 'train_cfg.max_epochs' if by_epoch else 'train_cfg.max_iters'
    extra = ['train_cfg.val_interval=1',
             'default_hooks.checkpoint.interval=1']

    def script(name: str, *arguments: str) -> List[str]:
        return [sys.executable, str(tools / f'{name}.py'), str(config),
                *arguments]

    def train(run: str, steps: int, *options: str, flags: Sequence[str] = (),
              ) -> List[str]:
        return script('train', '--work-dir', str(folder / run), *flags,
                      '--cfg-options', f'{length}={steps}', *extra, *options)

    checkpoint = str(folder / 'fp32' /
                     ('epoch_2.pth' if by_epoch else 'iter_2.pth'))
    plain = [Check('train', train('fp32', 1)),
             Check('resume', train('fp32', 2, flags=['--resume'])),
             Check('test', script('test', checkpoint, '--work-dir',
                                  str(folder / 'test')))]
    if clip:
        plain.append(Check('infer', script('infer', checkpoint, clip)))
    found = [
        plain,
        [Check('bf16', train('bf16', 1, *bf16))],
        [Check('one process of a group', [
            sys.executable, '-m', 'torch.distributed.run',
            '--nproc_per_node=1', f'--master_port={port}',
            *train('group', 1, flags=['--launcher', 'pytorch'])[1:]])],
    ]
    if torch.cuda.is_available():
        found.append([
            Check('amp', train('amp', 1, flags=['--amp'])),
            Check('amp resume', train('amp', 2, flags=['--amp', '--resume']))])
    if compiled:  # the slowest first
        found.insert(0, [Check('bf16 compiled', train(
            'compiled', 1, *bf16, 'default_hooks.compile.type=CompileHook'))])
    return found


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
            data = folder / 'made_up.pkl'
            clip = f'{data}#made_up_0000000' if data.is_file() else ''
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
