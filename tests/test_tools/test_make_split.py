"""tools/data/make_split.py, and reading its files."""
from pathlib import Path

import pytest
from forked import run_forked
from toy import load_tool, write_ntu

from psp_plugin.datasets import SemiSupervisedDataset
from psp_plugin.datasets.split import read_split

TOOL = Path(__file__).resolve().parents[2] / 'tools/data/make_split.py'


@pytest.fixture(scope='module')
def main():
    tool = load_tool('data/make_split')
    return lambda *args: tool.main(list(map(str, args)))


@pytest.mark.parametrize('suffix', ['json', 'txt'])
def test_split_file_and_counts(main, tmp_path, capsys, suffix):
    ann_file = write_ntu(tmp_path / 'ann.pkl')  # 40 clips, 6 classes
    out = tmp_path / f'split.{suffix}'
    main(ann_file, out, '--split', 'xsub_train', '--ratio', 0.5, '--seed', 3)
    printed = capsys.readouterr().out
    assert '18 labelled clips in 6 classes' in printed
    table = [line.split() for line in printed.splitlines()]
    assert [row for row in table if len(row) == 2] == [
        [str(label), '3'] for label in range(6)]
    drawn = SemiSupervisedDataset(
        dict(type='PoseDataset', ann_file=ann_file, split='xsub_train'),
        labeled_ratio=0.5, seed=3)
    assert read_split(str(out)) == drawn.labeled_names


@pytest.mark.parametrize('suffix', ['json', 'txt'])
def test_draw_over_all_classes(main, tmp_path, capsys, suffix):
    ann_file = write_ntu(tmp_path / 'ann.pkl')  # 40 clips, 6 classes
    out = tmp_path / f'split.{suffix}'
    main(ann_file, out, '--split', 'xsub_train', '--ratio', 0.29, '--seed', 3,
         '--over-all-classes')
    assert '11 labelled clips in ' in capsys.readouterr().out
    drawn = SemiSupervisedDataset(
        dict(type='PoseDataset', ann_file=ann_file, split='xsub_train'),
        labeled_ratio=0.29, seed=3, balanced=False)
    assert read_split(str(out)) == drawn.labeled_names
    note = '"over_all_classes": true' if suffix == 'json' else \
        '# over_all_classes: True'
    assert note in out.read_text()


@pytest.mark.parametrize('args, message', [
    (['--per-class', 9], 'class 0 has 7 clips, fewer than the 9'),
    (['--per-class', 1, '--split', 'nope'], "has no split 'nope', only"),
    (['--ratio', 2], 'labeled_ratio must be in (0, 1], not 2.0'),
    (['--ratio', 0.02, '--over-all-classes'], 'of 40 clips gives no labelled'),
    (['--per-class', 1, '--over-all-classes'],
     'contradicts labeled_per_class: set labeled_ratio'),
])
def test_impossible_splits_exit_with_one_sentence(main, tmp_path, args,
                                                  message):
    with pytest.raises(SystemExit) as end:
        main(write_ntu(tmp_path / 'ann.pkl'), tmp_path / 'out.json',
             '--split', 'xsub_train', *args)
    assert message in end.value.code and '\n' not in end.value.code
    assert not (tmp_path / 'out.json').exists()


def test_as_a_command(tmp_path):
    done = run_forked(
        TOOL, write_ntu(tmp_path / 'ann.pkl'), tmp_path / 'out.json',
        '--split', 'xsub_train', '--ratio', 2)
    assert done.returncode == 1 and 'not 2.0' in done.stderr
    assert 'Traceback' not in done.stderr
