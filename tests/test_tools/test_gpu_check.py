"""The GPU check, on the CPU at tiny size."""
import csv
import json
import runpy
import sys
import time

import pytest
from fake_tools import write_tools
from mmengine.config import Config
from tiny import tiny_config
from toy import CONFIGS, load_tool

from psp_plugin.annotations.pickles import load_pickle
from psp_plugin.tooling.experiments import smoke
from psp_plugin.tooling.experiments.smoke import SmokeTest, last_error
from psp_plugin.tooling.experiments.smoke_checks import chains, make_config

CHECKS = ['train', 'resume', 'test', 'bf16', 'one process of a group']


def write_tiny(folder):
    cfg = tiny_config(**{'val_dataloader.dataset.num_clips': 20})
    cfg.train_dataloader.dataset.dataset.dataset.num_clips = 40
    cfg.dump(str(folder / 'tiny.py'))
    return str(folder / 'tiny.py')


def test_everything_at_tiny_size_and_once(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    tool, config = load_tool('gpu_check'), write_tiny(tmp_path)
    (tmp_path / 'study.yml').write_text(f'''
seeds: [0]
baseline: labels_only
settings:
  labels_only:
    config: {config}
    options: [train_cfg.max_epochs=1]
''')
    command = [
        '--configs', config, '--benchmark', config, '--study', 'study.yml',
        '--logs', 'logs', '--work-dir', 'runs', '--jobs', '1',
        '--benchmark-args', '--modes', 'fp32', 'channels-last', '--labeled',
        '2', '--unlabeled', '2', '--rounds', '1']
    with pytest.raises(SystemExit) as ended:
        tool.main(command)
    output = capfd.readouterr()
    assert ended.value.code == 0, output.err
    with open('logs/gpu_smoke.csv') as stream:
        rows = list(csv.DictReader(stream))
    assert sorted(row['check'] for row in rows) == sorted(CHECKS)
    assert {row['result'] for row in rows} == {'passed'}
    with open('logs/gpu_benchmark.json') as stream:
        modes = [row['mode'] for row in json.load(stream)['step']['rows']]
    assert modes == ['fp32', 'channels-last']
    with open('logs/study.csv') as stream:
        run, = csv.DictReader(stream)
    assert run['setting'] == 'labels_only' and 0 <= float(run['top1']) <= 100

    began = time.monotonic()
    with pytest.raises(SystemExit) as ended:
        tool.main(command)
    assert ended.value.code == 0
    output = capfd.readouterr().out
    assert 'exists for this machine' in output and 'contains 1 of 1' in output
    assert 'passed' not in output
    assert time.monotonic() - began < 60


def test_failures_are_named_and_repeated(tmp_path, monkeypatch):
    """With other scripts instead of the real ones."""
    tools = write_tools(tmp_path / 'tools')
    (tools / 'train.py').write_text('raise ValueError("too few cooks")')
    monkeypatch.setattr(smoke, 'chains', lambda config, tools, *_: [
        [smoke.Check('train', ['python', str(tools / 'train.py')]),
         smoke.Check('test', ['python', '-c', 'pass'])],
        [smoke.Check('other', ['python', '-c', 'pass'])]])
    monkeypatch.setattr(smoke, 'make_config', lambda path, folder: (
        folder.mkdir(parents=True, exist_ok=True), path)[1])
    results, lines = str(tmp_path / 'smoke.csv'), []

    def run():
        lines.clear()
        return SmokeTest(results, 'here', lines.append).run(
            ['a.py'], tools, tmp_path / 'runs', 2, 60)

    failed, = run()
    assert failed['check'] == 'train'
    assert failed['result'] == 'status 1: ValueError: too few cooks'
    assert len(lines) == 2  # the test needs the training and is not run
    (tools / 'train.py').write_text('')
    assert run() == []
    assert sorted(line.split(' (')[0] for line in lines) == [
        'a.py, test: passed', 'a.py, train: passed']
    # Another machine repeats all checks; without time there is no result.
    failed = SmokeTest(results, 'there', lines.append).run(
        ['a.py'], tools, tmp_path / 'runs', 1, 0)
    assert {row['result'] for row in failed} == {'no time left'}


def test_configs_are_reduced(tmp_path):
    file = make_config('configs/psp_nwucla_xview_5p_small.py', tmp_path / 'a')
    cfg = Config.fromfile(str(file))
    clip = load_pickle(str(tmp_path / 'a/synthetic.pkl'))['annotations'][0]
    assert clip['keypoint'].shape[2:] == (20, 3)
    assert cfg.train_dataloader.dataset.times == 1
    assert cfg.train_dataloader.dataset.dataset.labeled_ratio == 0.5
    assert cfg.test_dataloader.dataset.pipeline[2].num_clips == 2
    assert cfg.param_scheduler[1].milestones == [1000]
    assert cfg.optim_wrapper.type == 'OptimWrapper'  # for --amp


def test_clips_in_pixels_for_a_config_of_key_points(tmp_path):
    make_config('configs/pretrain/mamp_ntu60_2d.py', tmp_path)
    clip = load_pickle(str(tmp_path / 'synthetic.pkl'))['annotations'][0]
    assert clip['keypoint'].shape[2:] == (17, 2)
    assert clip['keypoint_score'].shape == clip['keypoint'].shape[:3]
    assert 0 < clip['keypoint'].min() < clip['keypoint'].max() < 1920


def test_configs_that_start_from_a_pre_training(tmp_path, monkeypatch):
    """The encoder is the one that the first check writes."""
    folder, tools = tmp_path / 'run', CONFIGS.parent / 'tools'
    config = make_config(
        'configs/pretrain/hacm_nwucla_xview_small_finetune_5p.py', folder)
    chain, = chains(config, tools, folder, 'data.pkl#clip', 29500, False)
    names = [check.name for check in chain]
    assert names[:6] == ['pre-training', 'train', 'resume', 'test', 'infer',
                         'bf16']
    wanted = folder / 'encoder/run/epoch_1.pth'
    cfg = Config.fromfile(str(config))
    assert cfg.model.backbone.init_cfg.checkpoint == str(wanted)
    for check in chain[:2]:
        _, script, *_ = check.command
        monkeypatch.setattr(sys, 'argv', check.command[1:])
        runpy.run_path(script, run_name='__main__')
        assert wanted.is_file()
    assert (folder / 'fp32/epoch_1.pth').is_file()

    # The pre-training itself is not tested.
    found = chains(folder / 'encoder/config.py', tools, tmp_path / 'other',
                   'data.pkl#clip', 29500, False)
    assert [[check.name for check in chain] for chain in found[:2]] == [
        ['train', 'resume'], ['bf16']]


def test_every_family_can_be_resumed():
    """ExactResumeHook does not support persistent workers."""
    families = load_tool('gpu_check').FAMILIES
    assert len(set(families)) == len(families)
    for name in families:
        cfg = Config.fromfile(str(CONFIGS / f'{name}.py'))
        if 'exact_resume' in cfg.default_hooks:
            assert not cfg.train_dataloader.get('persistent_workers'), name


def test_last_error(tmp_path):
    log = tmp_path / 'log'
    log.write_text('a\nValueError: no\n====\nexited with 1\n---\n')
    assert last_error(log) == 'ValueError: no'
    log.write_text('a\nb\n--\n')
    assert last_error(log) == 'b'
    log.write_text('')
    assert last_error(log) == ''
