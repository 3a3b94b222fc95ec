"""Command lines of tools/train.py and tools/test.py."""
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from forked import run_forked
from resumable_runs import train
from toy import small_config, write_ntu

from psp_plugin.commands.toolbox import load_tool

ROOT = Path(__file__).resolve().parents[2]
CONFIG = 'configs/psp_ntu60_xsub_5p.py'


@pytest.fixture(scope='module')
def ann_file(tmp_path_factory):
    return write_ntu(tmp_path_factory.mktemp('ntu') / 'ntu60_3d.pkl')


def run(*args, cwd=ROOT):
    return subprocess.run([sys.executable, '-W', 'ignore', *map(str, args)],
                          cwd=cwd, capture_output=True, text=True,
                          check=False)


def tool(name, ours):
    """Our script, or the toolbox's installed one."""
    return ROOT / f'tools/{name}.py' if ours else load_tool(name).__file__


@pytest.mark.parametrize('ours', [True, False], ids=['tools', 'mim'])
def test_ntu_config_trains_and_tests(ann_file, tmp_path, ours):
    config = tmp_path / 'small.py'
    small_config('psp_ntu60_xsub_5p.py', ann_file, tmp_path / 'work',
                 epochs=1).dump(str(config))
    trained = run(tool('train', ours), config)
    assert trained.returncode == 0, trained.stderr
    assert 'loss_con_joint' in trained.stdout
    tested = run(tool('test', ours), config, tmp_path / 'work/epoch_1.pth',
                 '--dump', tmp_path / 'scores.pkl')
    assert tested.returncode == 0, tested.stderr
    assert re.search(r'acc/top1: \d', tested.stdout)
    assert (tmp_path / 'scores.pkl').is_file()


@pytest.mark.parametrize('command, config, advice', [
    (['train'], 'configs/psp_nwucla_xview_5p.py',
     'tools/data/convert_nwucla.py'),
    (['test', 'none.pth'], 'configs/psp_ntu60_xview_40p.py', 'download'),
])
def test_missing_data_exits_with_one_sentence(tmp_path, command, config,
                                              advice):
    name, *rest = command
    done = run_forked(tool(name, True), ROOT / config, *rest, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ''  # nothing was built, nothing logged
    message = done.stderr.strip()
    assert '\n' not in message and advice in message
    assert 'does not exist' in message
    assert not (tmp_path / 'work_dirs').exists()


def test_cfg_options_reach_the_check(tmp_path):
    done = run_forked(
        tool('test', True), ROOT / CONFIG, 'none.pth', '--cfg-options',
        'test_dataloader.dataset.ann_file=elsewhere.pkl', cwd=tmp_path)
    assert 'elsewhere.pkl does not exist' in done.stderr


@pytest.mark.parametrize('script, command', [
    ('slurm_train.sh gpu job config.py',
     'tools/train.py config.py --launcher=slurm'),
    ('slurm_test.sh gpu job config.py model.pth',
     'tools/test.py config.py model.pth --launcher=slurm'),
])
def test_slurm_scripts_reach_the_toolbox(tmp_path, script, command):
    """With a fake `srun` that prints its arguments."""
    srun = tmp_path / 'srun'
    srun.write_text('#!/bin/sh\necho "$@"\n')
    srun.chmod(0o755)
    name, *args = script.split()
    done = subprocess.run(
        ['bash', str(ROOT / 'tools' / name), *args], cwd=tmp_path,
        env=dict(os.environ, PATH=f'{tmp_path}:{os.environ["PATH"]}'),
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert command in done.stdout


def test_unlabeled_branch_does_not_use_labels(tmp_path):
    """Other labels of the unlabelled clips do not change the log."""
    from psp_plugin.datasets.split import write_split
    labels = [i % 6 for i in range(60)]
    split = tmp_path / 'split.json'
    names = [f'S001C001P001R001A{i:03}' for i in range(12)]
    write_split(str(split), names)
    # 12 labelled clips, 28 unlabelled ones, 20 of the validation split.
    changed = labels[:12] + labels[12:40][::-1] + labels[40:]
    assert changed != labels
    logs = []
    for run_name, run_labels in (('true', labels), ('changed', changed)):
        folder = tmp_path / run_name
        folder.mkdir()
        cfg = small_config('psp_ntu60_xsub_5p.py',
                           write_ntu(folder / 'ann.pkl', labels=run_labels),
                           folder, epochs=2)
        cfg.train_dataloader.dataset.dataset.update(
            labeled_per_class=None, split_file=str(split))
        assert train(cfg) == 0
        printed = (folder / 'printed.txt').read_text()
        logs.append(re.findall(r'(?:loss|acc)\S*: \S+', printed))
    assert len(logs[0]) > 40
    assert logs[0] == logs[1]


