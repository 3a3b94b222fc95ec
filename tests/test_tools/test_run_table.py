"""The command for a table, with the real training and test."""
import csv
import importlib.util
import json
import os
import signal
from pathlib import Path

import pytest
import torch
from fake_slurm import install_slurm
from fake_tools import when_written, write_config, write_tools
from mmengine.config import Config
from tiny import write_short_run
from toy import load_tool

ROOT = Path(__file__).resolve().parents[2]


def rows(folder, name='runs'):
    with open(folder / f'{name}.csv') as stream:
        return list(csv.DictReader(stream))


def test_real_run_that_is_killed_and_resumed(
        tmp_path, monkeypatch, capsys):
    monkeypatch.setenv('PYTHONPATH', str(ROOT / 'tests'))
    main = load_tool('run_table').main
    command = [write_short_run(tmp_path / 'tiny.py', type='KillRun', at=7),
               '--seeds', '4', '--work-dir', str(tmp_path / 'table'),
               '--splits', 'train', '--cfg-options',
               'default_hooks.logger.interval=2']
    with pytest.raises(SystemExit, match='1 of 1 runs failed'):
        main(command)
    folder = tmp_path / 'table/tiny/seed4'
    assert f'train.py ended with status -9, see {folder}/train.log' in (
        capsys.readouterr().err)
    row, = rows(tmp_path / 'table')
    assert row['val'] == '-' and row['last'] == row['best'] != '-'

    main(command)
    assert 'resumed epoch: 1' in (folder / 'train.log').read_text()
    row, = rows(tmp_path / 'table')
    assert row['state'] == 'done' and row['seed'] == '4'
    checkpoint = torch.load(folder / 'epoch_2.pth', weights_only=True)
    text = checkpoint['message_hub']['runtime_info']['cfg']
    assert 'seed=4' in text and 'interval=2' in text and 'seed=0' not in text
    for split in ('val', 'train'):
        metrics, = folder.glob(f'test_{split}/*/*.json')
        top1 = json.loads(metrics.read_text())['acc/top1']
        assert row[split] == f'{100 * top1:.2f}'
        cfg = Config.fromfile(str(metrics.parent / 'vis_data/config.py'))
        assert cfg.test_dataloader.dataset.split == split
    table, = rows(tmp_path / 'table', 'table')
    assert (table['labels'], table['seeds'], table['val spread']) == (
        '2 a class', '1', '-')
    assert table['val mean'] == row['val']
    logged = (folder / 'train.log').read_text()

    main(command)  # all runs are finished
    assert (folder / 'train.log').read_text() == logged
    assert rows(tmp_path / 'table')[0] == row


@pytest.fixture
def main(tmp_path):
    """The command, next to other scripts."""
    tools = write_tools(tmp_path / 'tools')
    module = load_tool('run_table')
    module.TOOLS = tools
    return module.main


def test_failures_are_named_and_the_table_is_written(tmp_path, main, capsys):
    configs = [write_config(tmp_path, 'good'),
               write_config(tmp_path, 'bad', 'fail_always'),
               write_config(tmp_path, 'fine')]
    with pytest.raises(SystemExit, match='2 of 6 runs failed'):
        main([*configs, '--seeds', '0', '1', '--work-dir',
              str(tmp_path / 'table'), '--jobs', '3'])
    printed = capsys.readouterr()
    for seed in (0, 1):
        log = tmp_path / f'table/bad/seed{seed}/train.log'
        assert (f'bad seed {seed} failed: tools/train.py ended with status 1, '
                f'see {log} ("no such thing as a free lunch")') in printed.err
    assert (tmp_path / 'table/table.md').read_text() in printed.out
    table = rows(tmp_path / 'table', 'table')
    assert [row['config'] for row in table] == ['good', 'bad', 'fine']
    assert [row['val mean'] for row in table] == ['55.00', '-', '55.00']
    assert [row['seeds'] for row in table] == ['2', '0 of 2', '2']


def test_a_signal_still_writes_the_table(tmp_path, main):
    path = write_config(tmp_path, 'a', 'wait')
    command = [path, '--seeds', '0', '--work-dir', str(tmp_path / 'table')]
    before = signal.getsignal(signal.SIGTERM)
    pids = tmp_path / 'table/a/seed0/pids'
    thread = when_written(pids, lambda: os.kill(os.getpid(), signal.SIGTERM))
    with pytest.raises(SystemExit) as ended:
        main(command)
    thread.join()
    assert ended.value.code == 130
    assert signal.getsignal(signal.SIGTERM) is before
    assert [row['state'] for row in rows(tmp_path / 'table')] == [
        'interrupted']
    main(command)
    assert [row['state'] for row in rows(tmp_path / 'table')] == ['done']


@pytest.mark.parametrize('args, message', [
    (['none.py'], 'none.py does not exist'),
    (['CONFIG', '--cfg-options', 'x'], 'cannot be read with these options'),
    (['CONFIG', 'CONFIG'], 'have the same name, a: run them'),
])
def test_invalid_plans_start_nothing(tmp_path, main, args, message):
    config = write_config(tmp_path, 'a')
    args = [config if arg == 'CONFIG' else arg for arg in args]
    with pytest.raises(SystemExit, match=message):
        main([*args, '--work-dir', str(tmp_path / 'table')])
    assert not (tmp_path / 'table').exists()


@pytest.mark.parametrize('args', [['--jobs', '0'], ['--seeds', 'a'], []])
def test_wrong_arguments(tmp_path, main, args, capsys):
    with pytest.raises(SystemExit) as ended:
        main([*[write_config(tmp_path, 'a')] * bool(args), *args])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith('usage')


@pytest.mark.parametrize('args, message', [
    (['--slurm', 'time=9'], '--slurm time=9 needs --launcher slurm'),
    (['--launcher', 'slurm', '--slurm', 'time'], 'time is not KEY=VALUE'),
    (['--launcher', 'slurm', '--slurm', 'time=1:00'], 'is not in minutes'),
    (['--launcher', 'slurm', '--slurm', 'nodes=2'], 'nodes cannot be set'),
    (['--launcher', 'slurm', '--slurm', 'memory=1GB'], 'memory is not a '
     'parameter of submitit, which has account, comment, '),
])
def test_wrong_parameters_of_jobs_start_nothing(tmp_path, main, monkeypatch,
                                                args, message):
    folder = install_slurm(tmp_path, monkeypatch)
    with pytest.raises(SystemExit, match=message):
        main([write_config(tmp_path, 'a'), *args, '--work-dir',
              str(tmp_path / 'table')])
    assert not list(folder.glob('submitted_*'))


def test_without_slurm_nothing_starts(tmp_path, main, monkeypatch):
    command = [write_config(tmp_path, 'a'), '--launcher', 'slurm']
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(SystemExit, match='needs sbatch, which is not install'):
        main(command)
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(SystemExit, match=r'needs submitit, .* run `pip instal'
                       r'l "psp_plugin\[slurm\]"`'):
        main(command)
