"""The first steps of a training, as a row of a table."""
import json
import math

import pytest
from tiny import tiny_config
from toy import load_tool


@pytest.fixture(scope='module')
def main():
    return load_tool('try_contrast').main


def write(folder, name='psp_synthetic_5p.py', **options):
    """A shipped config with a small model and little data."""
    cfg = tiny_config(name, **{
        'train_dataloader.dataset.dataset.dataset.num_clips': 60, **options})
    path = folder / name
    cfg.dump(str(path))
    return str(path)


def test_a_row_and_every_step(main, tmp_path, capsys):
    config = write(tmp_path)
    main([config, '--steps', '7', '--json', str(tmp_path / 'steps.json')])
    lines = capsys.readouterr().out.splitlines()
    cells = [cell.strip() for cell in lines[2].strip('|').split('|')]
    assert len(lines) == 3 and lines[0].count('|') == lines[2].count('|')
    assert cells[0] == 'psp_synthetic_5p' and cells[1] == '7'
    (name, trial), = json.loads(
        (tmp_path / 'steps.json').read_text()).items()
    assert name == cells[0] and set(trial['shares']) == {
        'body', 'part', 'joint'}
    for level, share in trial['shares'].items():
        assert len(share) == 7 and all(0 < x < 3 for x in share)
        assert f'{sum(share[-5:]) / 5:.2f}' in cells[4].split()
        assert 1 <= trial['diagnostics'][f'effective_rank_{level}'] <= 8
    assert not list(tmp_path.glob('*.pth'))


def test_trials_in_the_same_second_are_separate(main, tmp_path, monkeypatch):
    """MMEngine names runs by the second; equal names would share scalars."""
    monkeypatch.setattr('time.time', lambda: 1e9)
    config = write(tmp_path)
    again = tmp_path / 'again.py'
    again.write_text(f'_base_ = {config!r}\n')
    main([config, str(again), '--steps', '5', '--json',
          str(tmp_path / 'steps.json')])
    trials = json.loads((tmp_path / 'steps.json').read_text())
    assert [len(trial['shares']['body']) for trial in trials.values()] == [
        5, 5]


def test_share_is_of_chance(main, tmp_path, capsys):
    """With equal features the loss is log(2N - 1), at any weight."""
    config = write(tmp_path, **{'model.loss_con.loss_weight': 0.3,
                                'model.loss_con.temperature': 1e6})
    main([config, '--steps', '5', '--json', str(tmp_path / 'steps.json')])
    trial, = json.loads((tmp_path / 'steps.json').read_text()).values()
    for share in trial['shares'].values():
        assert share == pytest.approx([1] * 5, abs=1e-4)
    assert '| not |' in capsys.readouterr().out


def test_a_config_without_contrast_raises(main, tmp_path):
    config = write(tmp_path, 'supervised_synthetic_5p.py')
    with pytest.raises(SystemExit, match='has no contrast to try'):
        main([config])


def test_too_many_steps_raise(main, tmp_path):
    config = write(tmp_path)
    with pytest.raises(SystemExit, match='ends before 1000: lower --steps'):
        main([config, '--steps', '1000'])


def test_learnt_at_needs_all_levels():
    from psp_plugin.tooling.experiments.contrast_trial import Trial
    good, bad = [1.] * 3 + [.5] * 7, [1.] * 10
    assert Trial(10, 0., dict(body=good, part=good), {}).learnt_at() == 8
    assert Trial(10, 0., dict(body=good, part=bad), {}).learnt_at() is None
    assert math.isclose(Trial(10, 0., dict(body=good), {}).last()['body'], .5)
