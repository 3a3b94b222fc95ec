"""The tables of results, against expected numbers."""
import csv
import json

import pytest
from fake_tools import plan, val, write_config, write_log

from psp_plugin.errors import FileError
from psp_plugin.tooling.experiments import Outcome, write_tables
from psp_plugin.tooling.experiments.run_folder import (
    State,
    progress,
    score_of_test,
    validation_scores,
)


def test_scalars_of_a_resumed_run(tmp_path):
    write_log(tmp_path, '20260101_000000', dict(epoch=1, step=40),
               val(5, 0.5), dict(epoch=6, step=240), val(10, 0.9),
               cut='{"epoch": 11, "st')
    assert progress(tmp_path)[0] == 10
    write_log(tmp_path, '20260102_000000', val(10, 0.7),
               dict(epoch=11, step=440), val(15, 0.6))
    assert validation_scores(tmp_path) == {5: 0.5, 10: 0.7, 15: 0.6}
    assert progress(tmp_path)[0] == 15


def test_progress_in_iterations_and_without_log(tmp_path):
    assert progress(tmp_path)[0] == 0 and validation_scores(tmp_path) == {}
    write_log(tmp_path, 'a', dict(iter=20, step=20))
    assert progress(tmp_path)[0] == 20


@pytest.mark.parametrize('content', [b'{"step": 1, \n', b'5\n',
                                     b'{"loss": 1}\n', b'\xff'])
def test_a_damaged_log_is_named(tmp_path, content):
    write_log(tmp_path, 'a', val(1, 0.5))
    path = tmp_path / 'a/vis_data/scalars.json'
    path.write_bytes(path.read_bytes() + content)
    with pytest.raises(FileError, match='scalars.json (is damaged|cannot be)'):
        progress(tmp_path)


def test_a_damaged_score_is_named(tmp_path):
    (tmp_path / '1').mkdir()
    (tmp_path / '1/m.json').write_text('{"acc')
    with pytest.raises(FileError, match='m.json is damaged, remove it: '):
        score_of_test(tmp_path)


def test_score_of_test_is_the_latest(tmp_path):
    with pytest.raises(FileError, match='contains no acc/top1'):
        score_of_test(tmp_path)
    for life, top1 in (('1', 0.25), ('2', 0.75)):
        (tmp_path / life).mkdir()
        (tmp_path / life / 'm.json').write_text(json.dumps({'acc/top1': top1}))
    assert score_of_test(tmp_path) == 0.75


def read(folder, name):
    with open(folder / name) as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def tables(tmp_path):
    """Three seeds of one config, one of which failed, and another config."""
    folder = tmp_path / 'configs'
    folder.mkdir()
    a = write_config(folder, 'psp_nwucla_xview_5p')
    runs = plan(tmp_path, a, write_config(folder, 'b'), seeds=[0, 1, 2],
                splits=['clean'])
    outcomes = []
    for run, score in zip(runs, [0.60, 0.70, None, 0.5, 0.5, 0.8]):
        write_log(run.folder, 'a', val(1, 0.9), val(2, 0.75))
        state = State('', True, dict(val=score, clean=score and score - 0.1),
                      3600. + 30 * run.seed, ['c1', 'c2-dirty'], ['m, 2'])
        if score is None:
            state.trained, state.scores = False, {}
        outcomes.append(Outcome(run, state, score is None and 'why|not'
                                or None))
    write_tables(outcomes, str(tmp_path))
    return tmp_path


def test_config_rows(tables):
    first, second = read(tables, 'table.csv')
    assert first == {
        'config': 'psp_nwucla_xview_5p', 'labels': '5%', 'seeds': '2 of 3',
        'val mean': '65.00', 'val spread': '7.07', 'clean mean': '55.00',
        'clean spread': '7.07', 'paper': '69.2',
        'best of each': '90.00 90.00', 'last of each': '75.00 75.00',
        'time': '1:00:15', 'commit': 'c1, c2-dirty', 'machine': 'm, 2'}
    # Mean and sample deviation of 50, 50 and 80.
    assert (second['seeds'], second['val mean'], second['val spread'],
            second['paper']) == ('3', '60.00', '17.32', '-')


def test_run_rows(tables):
    rows = read(tables, 'runs.csv')
    assert [row['val'] for row in rows] == [
        '60.00', '70.00', '-', '50.00', '50.00', '80.00']
    assert [row['state'] for row in rows] == [
        'done', 'done', 'why|not', 'done', 'done', 'done']
    assert rows[1]['clean'] == '60.00' and rows[1]['time'] == '1:00:30'


def test_markdown_has_the_same_cells(tables):
    lines = (tables / 'table.md').read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip('|').split('|')]
             for line in lines if line.startswith('|')]
    assert len({len(row) for row in cells[:4]}) == 1
    assert cells[0] == list(read(tables, 'table.csv')[0])
    assert cells[2] == list(read(tables, 'table.csv')[0].values())
    assert cells[4] == list(read(tables, 'runs.csv')[0])
    assert 'why/not' in cells[8]
    assert any('sample standard deviation' in line for line in lines)


def test_one_seed_has_no_spread_and_no_finished_run_no_mean(tmp_path):
    run, = plan(tmp_path, write_config(tmp_path, 'a'))
    write_tables([Outcome(run, State('', True, dict(val=0.5)))], str(tmp_path))
    row, = read(tmp_path, 'table.csv')
    assert (row['val mean'], row['val spread']) == ('50.00', '-')
    write_tables([Outcome(run, None, 'interrupted')], str(tmp_path))
    row, = read(tmp_path, 'table.csv')
    assert (row['val mean'], row['seeds'], row['time']) == ('-', '0 of 1', '-')


def test_a_damaged_log_is_named_and_the_table_is_written(tmp_path):
    runs = plan(tmp_path, write_config(tmp_path, 'a'), seeds=[0, 1])
    write_log(runs[0].folder, 'a', val(1, 0.9), cut='{"step\n')
    write_log(runs[1].folder, 'a', val(1, 0.7))
    write_tables([Outcome(run, State('', True, dict(val=0.5)))
                  for run in runs], str(tmp_path))
    first, second = read(tmp_path, 'runs.csv')
    assert (first['val'], first['best'], second['best']) == (
        '50.00', '-', '70.00')
    assert first['state'].startswith('done; ')
    assert 'scalars.json is damaged, remove it: ' in first['state']
    assert second['state'] == 'done'
    row, = read(tmp_path, 'table.csv')
    assert row['best of each'] == '- 70.00'


def test_the_note_explains_what_is_not_comparable(tables):
    text = ' '.join((tables / 'table.md').read_text().split())
    assert 'of one test clip per sample, while most shipped configs' in text
    assert 'overwrites these tables' in text
