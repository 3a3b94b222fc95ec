"""tools/data/make_split.py, and reading its files."""
import pickle
from pathlib import Path

import numpy as np
import pytest
from forked import run_forked
from toy import load_tool, write_ntu
from user_cases import case

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


def counts_of(printed):
    """The table of clips per class."""
    rows = [line.split() for line in printed.splitlines()]
    return {int(row[0]): int(row[1]) for row in rows
            if len(row) == 2 and row[0].isdecimal()}


def test_draw_in_proportion_to_imbalanced_classes(main, tmp_path, capsys):
    """Classes of 100, 20, 2 and 1 clips, refused by the balanced draw."""
    out, path = tmp_path / 's.json', case('imbalanced') / 'a.pkl'
    with pytest.raises(SystemExit, match="draw='proportional'"):
        main(path, out, '--split', 'train', '--ratio', 0.2)
    main(path, out, '--split', 'train', '--ratio', 0.2, '--draw',
         'proportional')
    assert counts_of(capsys.readouterr().out) == {0: 20, 1: 4, 2: 1, 3: 1}
    assert len(read_split(str(out))) == 26
    assert '"draw": "proportional"' in out.read_text()


def test_all_labelled_clips_of_a_partly_labelled_file(main, tmp_path, capsys):
    ann_file = write_ntu(tmp_path / 'ann.pkl', 60,
                         labels=[i % 3 if i < 12 else -1 for i in range(60)])
    out = tmp_path / 'split.txt'
    main(ann_file, out, '--split', 'train', '--all-labeled')
    assert counts_of(capsys.readouterr().out) == {0: 4, 1: 4, 2: 4}
    assert read_split(str(out)) == [
        f'S001C001P001R001A{i:03}' for i in range(12)]
    assert '# draw: all-labeled' in out.read_text()
    main(ann_file, out, '--split', 'train', '--ratio', 0.5)
    assert counts_of(capsys.readouterr().out) == {0: 2, 1: 2, 2: 2}


@pytest.mark.parametrize('name', ['a.pkl', 'partly.pkl'])
def test_labels_of_a_user_that_are_partly_absent(main, tmp_path, name):
    out = tmp_path / 's.txt'
    main(case('label_minus_one') / name, out, '--split', 'train',
         '--all-labeled')
    assert len(read_split(str(out))) == 12


@pytest.mark.parametrize('args, message', [
    (['--all-labeled', '--draw', 'balanced'], '--all-labeled draws no clips'),
    (['--per-class', 2, '--draw', 'proportional'],
     'contradicts labeled_per_class: set labeled_ratio'),
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


def test_clips_of_a_table_of_labels(main, tmp_path, capsys):
    ann_file = write_ntu(tmp_path / 'ann.pkl', labels=[i % 6 for i in range(
        59)] + [-1])  # 40 clips train
    out, table = tmp_path / 'split.txt', tmp_path / 'labels.csv'
    rows = [f'S001C001P001R001A{i:03},{i % 6}' for i in (7, 3, 50)]
    table.write_text('\n'.join(['name,label', *rows]))
    main(ann_file, out, '--split', 'xsub_train', '--labels', table)
    assert '2 labelled clips in 2 classes' in capsys.readouterr().out
    assert read_split(str(out)) == ['S001C001P001R001A003',
                                    'S001C001P001R001A007']
    assert f'# draw: {table}' in out.read_text()


@pytest.mark.parametrize('row, message', [
    ('S001C001P001R001A057,2', "clip 'S001C001P001R001A057' has the label 2 "
     'in {table}, but 3 in {ann}'),
    ('S001C001P001R001A059,2', "clip 'S001C001P001R001A059' has no label in "
     "{ann}, split 'xsub_val': write those of {table} into a new pickle"),
    ('other,2', 'none of the 1 clips with a label in {table} is in {ann}'),
])
def test_table_that_does_not_fit(main, tmp_path, row, message):
    ann_file = write_ntu(tmp_path / 'ann.pkl', labels=[i % 6 for i in range(
        59)] + [-1])
    table = tmp_path / 'labels.csv'
    table.write_text(f'name,label\n{row}\n')
    with pytest.raises(SystemExit) as stop:
        main(ann_file, tmp_path / 'split.txt', '--split', 'xsub_val',
             '--labels', table)
    assert message.format(table=table, ann=ann_file) in stop.value.code
    assert not (tmp_path / 'split.txt').exists()


def test_table_of_numbers_is_compared_with_named_classes(main, tmp_path):
    path, table = tmp_path / 'ann.pkl', tmp_path / 'labels.csv'
    clips = [dict(frame_dir='a', label=1, keypoint=np.ones((1, 2, 20, 3)),
                  total_frames=2)]
    path.write_bytes(pickle.dumps(dict(
        split=dict(train=['a']), annotations=clips,
        metainfo=dict(classes=['walk', 'sit']))))
    table.write_text('name,label\na,0\n')
    args = ('--split', 'train', '--labels', table)
    with pytest.raises(SystemExit, match='label 0 in .*labels.csv, but 1 in'):
        main(path, tmp_path / 'split.txt', *args)
    with pytest.raises(SystemExit, match='to be read, but also to be written'):
        main(path, path, *args)
