"""Training runs in separate processes, which may be killed and resumed."""
import gc
import json
import multiprocessing
import os
import random
import resource
import runpy
import signal
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import torch
from mmaction.registry import HOOKS
from mmengine.config import Config
from mmengine.hooks import Hook
from toy import set_everywhere, small_config

ROOT = Path(__file__).resolve().parents[1]
CONFIG = 'psp_ntu60_xsub_5p.py'
# Slow imports of every run.
IMPORTED = ['psp_plugin', 'torch._dynamo', 'matplotlib.pyplot']
WALL_CLOCK = ('time', 'data_time', 'eta')
# Information of the message hub that every process sets at its start; the
# version includes that of the folder's git repository.
NOT_COMPARED = ('cfg', 'experiment_name', 'mmengine_version', 'epoch', 'iter',
                *WALL_CLOCK)


@HOOKS.register_module()
class RecordClips(Hook):
    """Writes every batch's clips, as names and sums, and the random states."""
    priority = 'LOW'

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        batch = {
            branch: [(sample.frame_dir, float(clip.double().sum()))
                     for clip, sample in zip(
                         clips, data_batch['data_samples'][branch])]
            for branch, clips in data_batch['inputs'].items()
        }
        name = f'clips_{runner.rank}.json' if runner.rank else 'clips.json'
        with open(Path(runner.work_dir, name), 'a') as stream:
            stream.write(json.dumps(dict(
                iter=runner.iter + 1, random=random_states(), **batch)) + '\n')


def random_states():
    """Check sums of the random states of Python, NumPy and PyTorch."""
    states = (random.getstate(), np.random.get_state(),
              torch.get_rng_state().tolist())
    return [zlib.crc32(repr(state).encode()) for state in states]


@HOOKS.register_module()
class KillRun(Hook):
    """Kills the process, unless the run has been resumed.

    Args:
        at (int): The iteration before which it is killed.
        save (int): The number of the checkpoint during whose writing it is
            killed, with a part of the file on disk.
        val (int): The iteration after which it is killed in validation.
        rank (int): The process that is killed, of several. Defaults to 0.
    """
    priority = 'LOWEST'

    def __init__(self, at=None, save=None, val=None, rank=0):
        self.at, self.save, self.val, self.rank = at, save, val, rank
        self.saved = 0

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.kill(runner, runner.iter + 1 == self.at)

    def before_val_iter(self, runner, batch_idx, data_batch=None):
        self.kill(runner, runner.iter == self.val)

    def kill(self, runner, due):
        if due and runner.rank == self.rank and not self.resumed(runner):
            os.kill(os.getpid(), signal.SIGKILL)

    def resumed(self, runner):
        """Torchrun restarts a run with the ``--resume`` of its first start."""
        restarted = 'TORCHELASTIC_RESTART_COUNT' in os.environ
        return runner._has_loaded if restarted else runner._resume

    def before_save_checkpoint(self, runner, checkpoint):
        self.saved += 1
        if self.saved == self.save and not runner._resume:
            # The kernel kills a process that exceeds this file size.
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


@HOOKS.register_module()
class EndJob(Hook):
    """Sends a signal to the job of this training, as Slurm does.

    Args:
        at (int): The iteration before which it is sent, by the first attempt.
        seed (int): The run that does so.
        number (int): The signal.
    """

    def __init__(self, at, seed, number):
        self.at, self.seed, self.number = at, seed, number

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if ('SUBMITIT_EXECUTOR' in os.environ and not runner._has_loaded
                and (runner.iter + 1, runner.seed) == (self.at, self.seed)):
            os.kill(os.getppid(), self.number)
            os.kill(os.getpid(), self.number)


def resumable_config(ann_file, work_dir, loop='epoch', workers=0) -> Config:
    """A run of nine iterations with dropout, checkpoints and validation."""
    cfg = small_config(CONFIG, ann_file, work_dir, epochs=3)
    set_everywhere(cfg._cfg_dict, 'clip_len', 8)
    cfg.custom_imports.imports.append('resumable_runs')
    cfg.model.cls_head.dropout = 0.5
    cfg.default_hooks.record = dict(type='RecordClips')
    loaders = [cfg.train_dataloader, cfg.custom_hooks[0].unlabeled_dataloader]
    cfg.train_cfg.val_interval = 2
    for loader in loaders:
        loader.num_workers = workers
    if loop == 'iteration':
        cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=9,
                             val_interval=4)
        cfg.log_processor.by_epoch = False
        cfg.default_hooks.checkpoint.update(by_epoch=False, interval=4,
                                            save_best=None)
        cfg.param_scheduler = [dict(type='LinearLR', start_factor=0.1, end=7,
                                    by_epoch=False)]
        for loader in loaders:
            loader.sampler.type = 'InfiniteSampler'
    return cfg


def train(cfg: Config, *args: str) -> int:
    """Runs ``tools/train.py`` in a separate process.

    The process is forked from one that has already imported the plugin, which
    saves several seconds.

    Args:
        cfg (Config): The config, which is written to the run's folder.
        *args (str): Arguments after the config.

    Returns:
        int: Exit status, or minus the signal that killed it.
    """
    folder = Path(cfg.work_dir)
    folder.mkdir(exist_ok=True)
    cfg.dump(str(folder / 'config.py'))
    return fork(run_script, folder, args)


def fork(function, *args) -> int:
    """Calls a function in a process with the imports; returns its status."""
    process = start(function, *args)
    process.join()
    return process.exitcode


def start(function, *args) -> multiprocessing.Process:
    """Starts a function in a process that has the slow imports."""
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(IMPORTED)
    process = context.Process(target=function, args=args)
    process.start()
    return process


def run_script(folder, args):
    """Runs the script with its output in ``printed.txt``."""
    gc.freeze()  # excludes the shared objects from garbage collection
    with open(folder / 'printed.txt', 'a') as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    torch.set_num_threads(1)
    script = str(ROOT / 'tools/train.py')
    sys.argv = [script, str(folder / 'config.py'), *args]
    runpy.run_path(script, run_name='__main__')


def train_killed_and_resumed(cfg: Config, **kill) -> None:
    """Trains until the run is killed, then resumes it.

    Args:
        cfg (Config): The run.
        **kill: Arguments of :class:`KillRun`.
    """
    cfg = cfg.copy()
    cfg.custom_hooks = [*cfg.custom_hooks, dict(type='KillRun', **kill)]
    expected = signal.SIGXFSZ if 'save' in kill else signal.SIGKILL
    assert train(cfg) == -expected
    time.sleep(1 - time.time() % 1)  # log folders are named by the second
    assert train(cfg, '--resume') == 0


def read_lines(path):
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def logs(folder):
    """The log of each process of a run, without times."""
    return [[{
        key: value
        for key, value in line.items() if key not in WALL_CLOCK
    } for line in read_lines(path)]
            for path in sorted(Path(folder).glob('*/vis_data/scalars.json'))]


def load_state(path):
    """The content of a checkpoint, except times, folders and the config."""
    checkpoint = torch.load(path, weights_only=True)
    hub = checkpoint.pop('message_hub')
    meta = checkpoint.pop('meta')
    checkpoint['scalars'] = {
        key: buffer.data
        for key, buffer in hub['log_scalars'].items()
        if key.split('/')[-1] not in WALL_CLOCK
    }
    checkpoint['info'] = {
        key: value
        for key, value in hub['runtime_info'].items()
        if key not in NOT_COMPARED
    }
    for key, value in checkpoint['info'].items():
        if isinstance(value, str):  # paths of checkpoints
            checkpoint['info'][key] = Path(value).name
    checkpoint['position'] = meta['epoch'], meta['iter']
    return checkpoint


def assert_same(first, second, path=''):
    """Asserts bit equality, including types and the order of keys."""
    assert type(first) is type(second), path
    if isinstance(first, dict):
        assert list(first) == list(second), path
        for key in first:
            assert_same(first[key], second[key], f'{path}/{key}')
    elif isinstance(first, (list, tuple)):
        assert len(first) == len(second), path
        for i, (a, b) in enumerate(zip(first, second)):
            assert_same(a, b, f'{path}/{i}')
    elif isinstance(first, torch.Tensor):
        assert torch.equal(first, second), path
    elif isinstance(first, np.ndarray):
        assert np.array_equal(first, second), path
    else:
        assert first == second, path


def assert_as_uninterrupted(uninterrupted, resumed):
    """Compares all output of two runs of nine iterations.

    Args:
        uninterrupted (Path): Folder of the uninterrupted run.
        resumed (Path): Folder of the run that was killed and resumed.
    """
    assert_same(*(load_state((folder / 'last_checkpoint').read_text())
                  for folder in (uninterrupted, resumed)))
    for path in uninterrupted.glob('clips*.json'):  # of all processes
        reference, clips = (read_lines(folder / path.name)
                            for folder in (uninterrupted, resumed))
        assert [batch['iter'] for batch in reference] == list(range(1, 10))
        assert {batch['iter'] for batch in clips} == set(range(1, 10))
        for batch in clips:
            assert batch == reference[batch['iter'] - 1]
    (expected, ), (first, second) = logs(uninterrupted), logs(resumed)
    assert first == expected[:len(first)]
    assert second == expected[-len(second):]
    assert len(first) + len(second) >= len(expected)
