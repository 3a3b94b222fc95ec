"""The split tool, and that its file gives the split it printed."""
import subprocess
import sys
from pathlib import Path

import pytest
from toy import write_ntu

from psp_plugin.datasets import SemiSupervisedDataset
from psp_plugin.datasets.split import read_split

TOOL = Path(__file__).resolve().parents[2] / 'tools/data/make_split.py'


def run(*args):
    return subprocess.run(
        [sys.executable, '-W', 'ignore', str(TOOL), *map(str, args)],
        capture_output=True, text=True, check=False)


@pytest.mark.parametrize('suffix', ['json', 'txt'])
def test_split_file_and_counts(tmp_path, suffix):
    ann_file = write_ntu(tmp_path / 'ann.pkl')  # 40 clips, 6 classes
    out = tmp_path / f'split.{suffix}'
    done = run(ann_file, out, '--split', 'xsub_train', '--ratio', 0.5,
               '--seed', 3)
    assert done.returncode == 0, done.stderr
    assert '18 labelled clips in 6 classes' in done.stdout
    table = [line.split() for line in done.stdout.splitlines()]
    assert [row for row in table if len(row) == 2] == [
        [str(label), '3'] for label in range(6)]
    drawn = SemiSupervisedDataset(
        dict(type='PoseDataset', ann_file=ann_file, split='xsub_train'),
        labeled_ratio=0.5, seed=3)
    assert read_split(str(out)) == drawn.labeled_names


@pytest.mark.parametrize('args, message', [
    (['--per-class', 9], 'class 0 has 7 clips, fewer than the 9'),
    (['--per-class', 1, '--split', 'nope'], "has no split 'nope', but"),
    (['--ratio', 2], 'labeled_ratio must be in (0, 1], not 2.0'),
])
def test_impossible_splits_are_one_sentence(tmp_path, args, message):
    done = run(write_ntu(tmp_path / 'ann.pkl'), tmp_path / 'out.json',
               '--split', 'xsub_train', *args)
    assert done.returncode == 1 and message in done.stderr
    assert 'Traceback' not in done.stderr
    assert not (tmp_path / 'out.json').exists()
