"""``dist_train.sh`` and ``dist_test.sh`` with two processes on CPUs."""
import os
import pickle
import re
import subprocess
import time
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner
from ranks import free_ports

from psp_plugin.engine.distributed import join_cpu_processes, wrapper_options

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / 'configs/psp_synthetic_5p.py'
TEST_CLIPS = 21
# A smaller demo.
SMALLER = ['train_cfg.max_epochs=1', 'train_dataloader.dataset.times=1',
           'train_dataloader.batch_size=2',
           'train_dataloader.dataset.dataset.dataset.num_clips=200',
           'custom_hooks.0.unlabeled_dataloader.batch_size=4',
           f'val_dataloader.dataset.num_clips={TEST_CLIPS}',
           f'test_dataloader.dataset.num_clips={TEST_CLIPS}',
           'default_hooks.logger.interval=1', 'randomness.seed=0',
           'model.loss_con.gather=True']
KILLER = '''
import os, signal, time
from mmaction.registry import HOOKS
from mmengine.hooks import Hook

@HOOKS.register_module()
class KillHook(Hook):
    def before_train_iter(self, runner, batch_idx, data_batch=None):
        with open(f'pid_{runner.rank}', 'w') as stream:
            stream.write(str(os.getpid()))
        if runner.rank == 1 and batch_idx == 1:
            with open('killed_at', 'w') as stream:
                stream.write(str(time.time()))
            os.kill(os.getpid(), signal.SIGKILL)
'''


def run(name, *args, cwd, **env):
    """Runs a script, without GPUs."""
    env = dict(os.environ, PORT=str(free_ports(1)[0]), OMP_NUM_THREADS='1',
               CUDA_VISIBLE_DEVICES='-1', PYTHONWARNINGS='ignore', **env)
    return subprocess.run(['bash', str(ROOT / 'tools' / name),
                           *map(str, args)], cwd=cwd, env=env, text=True,
                          capture_output=True, timeout=300, check=False)


def test_demo_trains_and_tests(tmp_path):
    """Two processes compute the same scores as one."""
    trained = run('dist_train.sh', DEMO, 2, '--cfg-options', *SMALLER,
                  cwd=tmp_path)
    assert trained.returncode == 0, trained.stderr
    # 10 labelled clips, 5 a process, in batches of 2; logged by rank 0 only.
    assert re.findall(r'Epoch\(train\) \[1\]\[(\d)/(\d)\]',
                      trained.stdout) == [(str(i), '3') for i in (1, 2, 3)]
    assert trained.stdout.count('acc/top1: ') == 1

    folder = tmp_path / 'work_dirs/psp_synthetic_5p'
    tested = run('dist_test.sh', DEMO, folder / 'epoch_1.pth', 2, '--dump',
                 'two.pkl', '--cfg-options', *SMALLER, cwd=tmp_path)
    assert tested.returncode == 0, tested.stderr

    cfg = Config.fromfile(str(folder / 'psp_synthetic_5p.py'))
    cfg.launcher = 'none'
    cfg.merge_from_dict(dict(
        load_from=str(folder / 'epoch_1.pth'), work_dir=str(tmp_path / 'one'),
        test_dataloader=dict(num_workers=0, persistent_workers=False),
        test_evaluator=[dict(type='AccMetric'), dict(
            type='DumpResults', out_file_path=str(tmp_path / 'one.pkl'))]))
    metrics = Runner.from_cfg(cfg).test()
    one, two = (pickle.loads((tmp_path / f'{count}.pkl').read_bytes())
                for count in ('one', 'two'))
    assert len(one) == len(two) == TEST_CLIPS
    for single, several in zip(one, two):
        torch.testing.assert_close(several['pred_score'], single['pred_score'],
                                   rtol=0, atol=1e-6)
        assert several['gt_label'] == single['gt_label']
    assert f'acc/top1: {metrics["acc/top1"]:.4f}' in tested.stdout


def test_launcher_ends_all_if_one_is_killed(tmp_path):
    (tmp_path / 'killer.py').write_text(KILLER)
    (tmp_path / 'config.py').write_text(
        f'_base_ = {str(DEMO)!r}\n'
        "custom_imports = dict(imports=['psp_plugin', 'killer'])\n"
        "custom_hooks = _base_.custom_hooks + [dict(type='KillHook')]\n")
    done = run('dist_train.sh', 'config.py', 2, '--cfg-options', *SMALLER,
               cwd=tmp_path, PYTHONPATH=str(tmp_path))
    seconds = time.time() - float((tmp_path / 'killed_at').read_text())
    assert done.returncode != 0
    assert 'SIGKILL' in done.stderr
    assert seconds < 60
    for rank in (0, 1):
        pid = int((tmp_path / f'pid_{rank}').read_text())
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.parametrize('script', ['dist_train.sh', 'dist_test.sh'])
def test_usage(tmp_path, script):
    done = run(script, 'config.py', cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(f'usage: bash tools/{script} CONFIG')


def test_restarts_need_resume(tmp_path):
    done = run('dist_train.sh', 'config.py', 2, cwd=tmp_path, MAX_RESTARTS='3')
    assert done.returncode == 2
    assert done.stderr.startswith('MAX_RESTARTS=3 needs --resume: without')
    done = run('dist_train.sh', 'config.py', 2, '--resume', 'epoch_1.pth',
               cwd=tmp_path, MAX_RESTARTS='3')
    assert done.returncode == 2
    assert 'needs --resume without epoch_1.pth: a res' in done.stderr


# Initialisation of the processes


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '-1')
    monkeypatch.delenv('RANK', raising=False)


def test_one_process_starts_no_process_group(no_gpu):
    assert join_cpu_processes('none', Config()) == []
    assert not torch.distributed.is_initialized()


@pytest.mark.parametrize('launcher, sentence', [
    ('slurm', '--launcher slurm needs GPUs; without them use `bash tools/di'),
    ('mpi', '--launcher mpi needs GPUs'),
    ('pytorch', '--launcher pytorch finds no RANK'),
])
def test_invalid_launcher_raises(no_gpu, launcher, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        join_cpu_processes(launcher, Config())


@pytest.mark.parametrize('cfg, options', [
    (dict(), ['type=MMDistributedDataParallel', 'broadcast_buffers=False',
              'find_unused_parameters=False']),
    (dict(find_unused_parameters=True),
     ['type=MMDistributedDataParallel', 'broadcast_buffers=False',
      'find_unused_parameters=True']),
    (dict(model_wrapper_cfg=dict(type='MyWrapper')), []),
])
def test_wrapper_of_the_config_is_kept(cfg, options):
    assert wrapper_options(Config(cfg)) == [
        f'model_wrapper_cfg.{option}'
        for option in ['device_ids=None', *options]]
