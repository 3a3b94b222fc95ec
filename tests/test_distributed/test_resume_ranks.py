"""Killed and resumed runs of several processes and machines."""
import logging
import os
import subprocess
from types import SimpleNamespace

import pytest
from mmengine.hooks import CheckpointHook, SyncBuffersHook
from ranks import free_ports
from resumable_ranks import kill_ranks_and_resume, ranks_config, train_ranks
from resumable_runs import (
    ROOT,
    assert_as_uninterrupted,
    assert_same,
    load_state,
    logs,
)
from toy import write_ntu

from psp_plugin.engine import distributed
from psp_plugin.engine.distributed import check_processes
from psp_plugin.engine.hooks import SyncStatisticsHook
from psp_plugin.engine.hooks.exact_resume import check_epoch_end


@pytest.fixture(scope='module')
def ann_file(tmp_path_factory):
    return write_ntu(tmp_path_factory.mktemp('ntu') / 'ntu60_3d.pkl')


@pytest.fixture(scope='module')
def reference(ann_file, tmp_path_factory):
    """An uninterrupted run of two processes, by epochs."""
    folder = tmp_path_factory.mktemp('reference')
    assert train_ranks(ranks_config(ann_file, folder)) == [0, 0]
    return folder


@pytest.mark.parametrize('kill', [
    dict(at=6, rank=1),  # inside the second epoch
    dict(val=6, rank=0),  # after it, in its validation
], ids=str)
def test_two_processes_by_epoch(ann_file, tmp_path, reference, kill):
    kill_ranks_and_resume(ranks_config(ann_file, tmp_path), **kill)
    assert_as_uninterrupted(reference, tmp_path)


@pytest.mark.parametrize('loop, size', [('iteration', 2), ('epoch', 3)])
def test_other_runs(ann_file, tmp_path, loop, size):
    """Running statistics of processes differ within an epoch, and means of
    three constants are rounded."""
    def config(name):
        cfg = ranks_config(ann_file, tmp_path / name, loop, size)
        if loop == 'iteration':
            cfg.custom_hooks.append(dict(type='EMAHook', momentum=0.1,
                                         update_buffers=True))
        return cfg

    assert train_ranks(config('reference'), size=size) == [0] * size
    kill_ranks_and_resume(config('resumed'), at=6, rank=1, size=size)
    assert_as_uninterrupted(tmp_path / 'reference', tmp_path / 'resumed')


def test_another_number_of_processes_raises(ann_file, tmp_path, reference):
    cfg = ranks_config(ann_file, tmp_path)
    assert train_ranks(cfg, '--resume', str(reference / 'epoch_1.pth'),
                       size=1) == [1]
    assert ('the checkpoint is of a run with 2 processes and this is one with '
            '1: start 2, or') in (tmp_path / 'printed.txt').read_text()


def train_on_two_machines(cfg, *args, **environment):
    """Runs ``dist_train.sh`` twice, as if on two machines."""
    path = f'{cfg.work_dir}/config.py'
    cfg.dump(path)
    environment = dict(
        os.environ, NNODES='2', PORT=str(free_ports(1)[0]),
        OMP_NUM_THREADS='1', CUDA_VISIBLE_DEVICES='-1',
        PYTHONWARNINGS='ignore', PYTHONPATH=str(ROOT / 'tests'),
        **environment)
    with open(f'{cfg.work_dir}/printed.txt', 'w') as stream:
        machines = [subprocess.Popen(
            ['bash', str(ROOT / 'tools/dist_train.sh'), path, '1', *args],
            env=dict(environment, NODE_RANK=rank), cwd=cfg.work_dir,
            stdout=stream, stderr=subprocess.STDOUT) for rank in '10']
        assert [machine.wait(200) for machine in machines] == [0, 0]


def test_two_machines(ann_file, tmp_path, reference):
    train_on_two_machines(ranks_config(ann_file, tmp_path))
    assert_same(*(load_state(folder / 'epoch_3.pth')
                  for folder in (reference, tmp_path)))
    assert logs(tmp_path) == logs(reference)


def test_restart_on_two_machines(ann_file, tmp_path, reference):
    cfg = ranks_config(ann_file, tmp_path)
    cfg.custom_hooks.append(dict(type='KillRun', at=6, rank=1))
    train_on_two_machines(cfg, '--resume', MAX_RESTARTS='2')
    assert_as_uninterrupted(reference, tmp_path)


def resumed(size, hub=None, unused=True, hook=SyncStatisticsHook):
    """A runner of several processes, at iteration 6."""
    hub = {} if hub is None else hub
    return SimpleNamespace(
        iter=6, world_size=size, hooks=[hook()],
        logger=logging.getLogger('resumed'),
        model=SimpleNamespace(find_unused_parameters=unused),
        message_hub=SimpleNamespace(get_info=hub.get,
                                    update_info=hub.__setitem__))


def test_machines_that_see_other_checkpoints_raise(monkeypatch):
    monkeypatch.setattr(distributed, 'all_gather_object', lambda x: [x, 0])
    with pytest.raises(ValueError, match=r'ranks 0 to 1 begin at iterations '
                       r'\[6, 0\]: all machines must see the same work_dir'):
        check_processes(resumed(2))


@pytest.mark.parametrize('size, change, warned', [
    (3, {}, False), (2, dict(unused=False), False),
    (3, dict(unused=False), True), (3, dict(hook=SyncBuffersHook), True)])
def test_warning_of_rounding(caplog, size, change, warned):
    hub = {}
    check_processes(resumed(size, hub, **change))
    assert ('sums over them are rounded' in caplog.text) is warned
    assert hub == dict(processes=size)


def test_statistics_of_one_process_raise():
    runner = SimpleNamespace(world_size=2, train_loop=None,
                             hooks=[CheckpointHook(by_epoch=False)])
    with pytest.raises(ValueError, match='use AtomicCheckpointHook'):
        check_epoch_end(runner)
