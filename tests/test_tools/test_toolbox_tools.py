"""Runs every command of docs/guides/toolbox.md.

They run in the order of the page in one folder, as they need the files of
previous ones.
"""
import hashlib
import json
import pickle
import re
import shlex
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import torch
from mmaction.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from page import (
    BATCH,
    COMMANDS,
    CONFIGS,
    PAGE,
    ROOT,
    TEST_CLIPS,
    fill_in,
    logs,
    newest,
    run,
    run_apart,
    working_in,
)

from psp_plugin.commands.toolbox import find_tool

# One script that runs by its path, without the plugin, and one per error.
BY_PATH = list({c.by_path: c for c in COMMANDS
                if c.tool and not c.broken}.values())
# This one ends with logging.shutdown() and needs a separate process.
APART = 'analysis_tools/confusion_matrix CONFIG CHECKPOINT'


def test_the_page_was_read():
    assert len(COMMANDS) == 20
    assert len(BY_PATH) == 3
    assert set(CONFIGS) == {'tensorboard', 'ema', 'iterations'}
    assert {re.match('yes|no: |broken', c.by_path)[0]
            for c in COMMANDS} == {'yes', 'no: ', 'broken'}


@pytest.fixture(scope='module')
def outcomes(tmp_path_factory):
    """Runs all commands; returns what each printed, or its error."""
    results = {}
    with working_in(tmp_path_factory.mktemp('toolbox')):
        for text in (command.text for command in COMMANDS):
            try:
                results[text] = (run_in_subprocess if APART in text else
                                 run)(fill_in(text))
            except (Exception, SystemExit) as error:
                results[text] = error
        yield results


def run_in_subprocess(command: str) -> str:
    done = run_apart(*shlex.split(command)[1:])
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope='module')
def printed(outcomes):
    """The output of the only command that contains a word."""

    def find(word: str) -> str:
        (text, ) = [text for text in outcomes if word in text]
        return outcomes[text]

    return find


@pytest.mark.parametrize('command', COMMANDS, ids=lambda c: c.text[7:])
def test_commands_of_the_page(outcomes, command):
    outcome = outcomes[command.text]
    if 'without a GPU' in command.by_path and torch.cuda.is_available():
        assert isinstance(outcome, str), repr(outcome)
    elif command.broken:
        assert command.error in f'{type(outcome).__name__}: {outcome}'
    else:
        assert isinstance(outcome, str), repr(outcome)


@pytest.mark.parametrize('command', BY_PATH, ids=lambda c: c.tool)
def test_script_by_path(outcomes, command):
    arguments = shlex.split(fill_in(command.text))[4:]
    done = run_apart(str(find_tool(command.tool)), *arguments)
    if command.by_path == 'yes':
        assert done.returncode == 0, done.stderr
    else:
        assert done.returncode == 1
        assert command.error in done.stderr


def accuracy(output: str) -> float:
    """The last top-1 accuracy that was printed."""
    return float(re.findall(r"acc/top1'?: (?:np\.float64\()?([\d.]+)",
                            output)[-1])


def scores() -> list:
    with open('scores.pkl', 'rb') as stream:
        return pickle.load(stream)


def test_cfg_options_and_resume(outcomes, printed):
    first, resumed = logs('config')
    assert {line['epoch'] for line in first} == {1}
    assert {line['epoch'] for line in resumed} == {2}
    assert resumed[0]['step'] == first[-1]['step'] + 1
    assert 'resumed epoch: 1' in printed('--resume')
    assert Path('work_dirs/config/epoch_2.pth').is_file()


def test_seed(outcomes):
    first, scaled, other = (logs(name)[0][0]
                            for name in ('config', 'scaled', 'blind'))
    assert first['loss'] == scaled['loss']
    assert first['loss'] != other['loss']


def test_auto_scale_lr(outcomes, printed):
    (first, _), (scaled, ) = logs('config'), logs('scaled')
    ratio = BATCH / Config.fromfile('config.py').auto_scale_lr.base_batch_size
    assert f'Scaling the original LR by {ratio}' in printed('--auto-scale-lr')
    assert [line['lr'] for line in scaled[:len(first)]] == pytest.approx(
        [line['lr'] * ratio for line in first])


def test_no_validate(outcomes, printed):
    assert 'acc/top1' in printed('--resume')
    assert 'acc/top1' not in printed('--no-validate')
    assert list(Path('work_dirs/config').glob('best_*.pth'))
    assert not list(Path('work_dirs/blind').glob('best_*.pth'))
    assert Path('work_dirs/blind/epoch_2.pth').is_file()


def test_accuracies_agree(outcomes, printed):
    hits = sum(int(s['pred_score'].argmax() == s['gt_label'])
               for s in scores())
    assert len(scores()) == TEST_CLIPS
    metrics = json.loads(newest('work_dirs/test/*/*.json').read_text())
    assert metrics['acc/top1'] == hits / TEST_CLIPS
    assert accuracy(printed('eval_metric')) == hits / TEST_CLIPS
    assert accuracy(printed('PUBLISHED')) == hits / TEST_CLIPS
    with open('matrix.pkl', 'rb') as stream:
        matrix = pickle.load(stream)
    assert matrix.sum() == TEST_CLIPS and matrix.trace() == hits


@pytest.mark.parametrize('row', re.findall(
    r'^\| `(.+)` \| ([\d ]+) \| (.+) \| (.+) \| (.+) \| (\S+M) \|$', PAGE,
    re.MULTILINE), ids=lambda row: row[0])
def test_get_flops_counts_both_streams_of_every_person(row):
    from torch.utils.flop_counter import FlopCounterMode
    name, shape, total, sequence, counted, parameters = row
    config = str(ROOT / 'configs' / name)
    output = run('python -m psp_plugin.toolbox analysis_tools/get_flops '
                 f'{config} --shape {shape}')
    assert f'Flops: {total}\nParams: {parameters}\n' in output
    persons, frames, joints = map(int, shape.split()[1:4])
    assert number(sequence) == pytest.approx(
        number(total) / 2 / persons, rel=1e-3)
    backbone = MODELS.build(Config.fromfile(config).model).backbone.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        backbone(torch.zeros(1, 1, frames, joints, 3))
    assert number(counted) == pytest.approx(
        counter.get_total_flops() / 2, rel=1e-3)
    assert number(sequence) == pytest.approx(number(counted), rel=.1)


def number(text: str) -> float:
    return float(text[:-1]) * dict(M=1e6, G=1e9)[text[-1]]


def test_print_config(printed):
    assert "type='SemiSupervisedDataset'" in printed('print_config')
    assert 'max_epochs=3' in printed('print_config')


def test_analyze_logs(printed):
    log = logs('config')[-1]
    mean = sum(line['time'] for line in log) / len(log)
    assert f'average iter time: {mean:.4f}' in printed('cal_train_time')


def test_pictures(printed):
    iters = 2 * 500 // BATCH  # epochs, --dataset-size
    assert f'{iters}/{iters} iters' in printed('vis_scheduler')
    assert 'saved at matrix.png' in printed('--show-path')
    assert plt.imread('lr.png').std() and plt.imread('matrix.png').std()


def test_published_checkpoint(outcomes):
    from mmaction.apis import init_recognizer
    path = newest('published_*.pth')
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.stem.endswith(f'-{digest[:8]}')
    assert set(torch.load(path)) == {'meta', 'state_dict'}
    model = init_recognizer('config.py', str(path), device='cpu')
    clip = DATASETS.build(model.cfg.test_dataloader.dataset)[0]
    (sample, ) = model.test_step(pseudo_collate([clip]))
    torch.testing.assert_close(sample.pred_score, scores()[0]['pred_score'])
