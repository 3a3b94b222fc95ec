"""Studies: files, runs, records and comparisons."""
import csv
import math

import pytest
from fake_tools import calls, write_config, write_tools

from psp_plugin.errors import FileError, InputError
from psp_plugin.tooling.experiments import (
    Record,
    compare,
    plan_study,
    read_study,
)
from psp_plugin.tooling.experiments.compare import difference
from psp_plugin.tooling.experiments.record import carry_out_study

STUDY = '''
options: [note=x]
seeds: [0, 1]
baseline: base
cases:
  one: [test_dataloader.dataset.split=view2]
  two: [test_dataloader.dataset.split=view1]
settings:
  base: {{config: {config}}}
  more: {{config: {config}, options: [train_cfg.max_epochs=3]}}
'''


@pytest.fixture
def study(tmp_path):
    config = write_config(tmp_path, 'a')
    path = tmp_path / 'study.yml'
    path.write_text(STUDY.format(config=config))
    return read_study(str(path))


def planned(study, folder):
    return plan_study(study, str(folder / 'runs'))


def test_runs_go_case_by_case_and_seed_by_seed(study, tmp_path):
    runs = planned(study, tmp_path)
    assert [(run.name, run.seed) for run in runs] == [
        (f'{case}/{setting}', seed) for case in ('one', 'two')
        for seed in (0, 1) for setting in ('base', 'more')]
    assert [run.splits[0] for run in runs] == ['view2'] * 4 + ['view1'] * 4
    assert [run.length for run in runs[:2]] == [2, 3]
    assert len({run.settings for run in runs}) == 8


def test_finished_runs_are_recorded_and_not_repeated(study, tmp_path):
    runs = planned(study, tmp_path)
    tools, path = write_tools(tmp_path / 'tools'), str(tmp_path / 'kept.csv')
    assert carry_out_study(runs, Record(path), tools, 2) == ([], [])
    with open(path) as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 8
    row = next(row for row in rows if row['seed'] == '1')
    assert row['top1'] == '60.00' and row['split'] in ('view1', 'view2')

    # On another machine with only the CSV, all runs are skipped.
    elsewhere = plan_study(study, str(tmp_path / 'elsewhere'))
    record = Record(path)
    assert all(map(record.holds, elsewhere))
    assert carry_out_study(elsewhere, record, tools, 2) == ([], [])
    assert not (tmp_path / 'elsewhere').exists()
    # A changed setting is another run.
    changed = study._replace(options=['note=y'])
    assert not any(map(record.holds, plan_study(changed, 'runs')))


def test_failures_are_not_recorded(study, tmp_path):
    bad = write_config(tmp_path, 'bad', 'fail_always')
    study = study._replace(
        cases={'one': []}, seeds=[0],
        settings={**study.settings, 'bad': dict(config=bad, options=[])})
    tools = write_tools(tmp_path / 'tools')
    record = Record(str(tmp_path / 'kept.csv'))
    runs = planned(study, tmp_path)
    failed, ended = carry_out_study(runs, record, tools, 1)
    assert [x.run.name for x in failed] == ['one/bad'] and not ended
    assert {row['setting'] for row in record.rows} == {'base', 'more'}


def test_no_run_starts_that_would_exceed_the_time(study, tmp_path):
    tools = write_tools(tmp_path / 'tools')
    record = Record(str(tmp_path / 'kept.csv'))
    runs = planned(study._replace(cases={'one': []}), tmp_path)
    carry_out_study(runs[:1], record, tools, 1)
    record.rows[0]['seconds'] = '1000'  # of base, on this machine
    failed, ended = carry_out_study(runs, record, tools, 1, seconds=100)
    assert not failed
    assert [(x.run.name, x.run.seed) for x in ended] == [('one/base', 1)]
    assert calls(runs[2]) == []
    assert sum(map(record.holds, runs)) == 3


def test_the_time_limit_ends_active_runs(tmp_path):
    config = write_config(tmp_path, 'slow', 'wait')
    path = tmp_path / 'study.yml'
    path.write_text(f'settings: {{slow: {{config: {config}}}}}\nseeds: [0]')
    runs = planned(read_study(str(path)), tmp_path)
    record = Record(str(tmp_path / 'kept.csv'))
    failed, ended = carry_out_study(
        runs, record, write_tools(tmp_path / 'tools'), 1, seconds=2)
    assert not failed and len(ended) == 1 and not record.rows


def test_difference_is_paired():
    """By hand: gaps 1, 3 have mean 2 and standard error 1; t(0.975, 1) is
    12.706."""
    gap = difference([51, 63], [50, 60])
    assert (gap.mean, gap.ahead, gap.pairs) == (2, 2, 2)
    assert gap.margin == pytest.approx(12.7062, abs=1e-4)
    assert math.isnan(difference([51], [50]).margin)
    assert difference([50, 49], [50, 50]).ahead == 0


def test_table_pairs_by_case_and_seed(study, tmp_path):
    runs = planned(study, tmp_path)
    record = Record(str(tmp_path / 'kept.csv'))
    scores = dict(zip(runs, (50, 51, 60, 63, 40, 44, 45, None)))
    for run, top1 in scores.items():
        if top1 is not None:
            record.rows.append(dict(
                setting=run.name.split('/')[1], seed=str(run.seed),
                split=run.splits[0], top1=str(top1),
                hash=run.settings[:12]))
    lines = compare(study, runs, record).split('\n')
    assert '| one | base | test | 2 | 55.0 ± 7.1 |  |  |' in lines
    assert '| one | more | test | 2 | 57.0 ± 8.5 | +2.0 ± 12.7 | 2 of 2 |' in (
        lines)
    assert '| two | more | test | 1 | 44.0 | +4.0 | 1 of 1 |' in lines
    # Gaps 1, 3, 4: mean 2.67, standard deviation 1.53, t(0.975, 2) = 4.303.
    assert any(line.startswith('| all | more | test | 3 | 52.7 ±') and
               line.endswith('| +2.7 ± 3.8 | 3 of 3 |') for line in lines)
    # Only seed 0 has run in both cases: (50 + 40) / 2, (51 + 44) / 2.
    assert '| by seed | more | test | 1 | 47.5 | +2.5 | 1 of 1 |' in lines


def test_another_baseline_can_be_chosen(study):
    assert study.baseline == 'base'
    assert read_study(study.path, 'more').baseline == 'more'
    with pytest.raises(FileError, match="'mor' for the baseline, only base"):
        read_study(study.path, 'mor')


@pytest.mark.parametrize('text, sentence', [
    ('a: [', 'is not YAML'),
    ('[]', 'must be a mapping of options, splits'),
    ('settings: {}', 'needs settings'),
    ('settings: {a: {}}', 'setting a has no config'),
    ('settings: {a: {config: x, option: []}}', 'setting a has option, but'),
    ('settings: {a/b: {config: x}}', "the name 'a/b' must consist of"),
    ('settings: {1: {config: x}}', 'the name 1 must consist of'),
    ('settings: {a: {config: x}}\ncases: {"..": []}', "name '..' must"),
    ('settings: {a: {config: x}}\ncases: {all: [], b: []}', "named 'all'"),
    ('settings: {a: {config: x}}\nseed: [1]', 'the study has seed, but'),
    ('settings: {a: {config: x}}\nbaseline: b', "'b' for the baseline"),
    ('settings: {a: {config: x}}\nseeds: 3', 'seeds must be a list of'),
    ('settings: {a: {config: x}}\nseeds: [a]', 'seeds must be a list of'),
    ('settings: {a: {config: x}}\nsplits: b', 'splits must be a list of'),
    ('settings: {a: {config: x, options: b=1}}', 'options of setting a must'),
    ('settings: {a: {config: x}}\ncases: [b]', 'cases must be names with'),
    ('settings: {a: {config: x}}\ncases: {b: c=1}', 'options of case b must'),
])
def test_invalid_study_files_raise(tmp_path, text, sentence):
    path = tmp_path / 'study.yml'
    path.write_text(text)
    with pytest.raises(FileError, match=str(path)) as caught:
        read_study(str(path))
    assert sentence in str(caught.value)


def test_missing_files_and_other_csvs_raise(tmp_path, study):
    with pytest.raises(FileError, match='does not exist'):
        read_study(str(tmp_path / 'none.yml'))
    other = tmp_path / 'other.csv'
    other.write_text('config,seed\n')
    with pytest.raises(FileError, match='is not a record of runs'):
        Record(str(other))
    missing = study._replace(settings={'a': dict(config='no.py', options=[])})
    with pytest.raises(InputError, match='no.py'):
        planned(missing, tmp_path)
