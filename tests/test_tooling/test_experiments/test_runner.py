"""Concurrent runs: outcomes, failures, interruptions and resuming."""
import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fake_tools import (
    SCRIPT,
    calls,
    git,
    plan,
    when_written,
    write_config,
    write_repository,
    write_tools,
)

from psp_plugin.tooling.experiments import carry_out, provenance
from psp_plugin.tooling.experiments.provenance import cores
from psp_plugin.tooling.experiments.run_folder import occupied


@pytest.fixture
def tools(tmp_path):
    return write_tools(tmp_path / 'tools')


def failures(outcomes):
    return [outcome.failure for outcome in outcomes]


def test_runs_and_tests_with_the_commands_of_the_toolbox(tmp_path, tools):
    path = write_config(tmp_path, 'a')
    runs = plan(tmp_path, path, seeds=[0, 3], splits=['clean'],
                options=['note=x'])
    outcomes = carry_out(runs, tools, jobs=2)
    assert failures(outcomes) == [None, None]
    for run, outcome in zip(runs, outcomes):
        options = ['--cfg-options', 'note=x',
                   f'train_dataloader.dataset.seed={run.seed}']
        checkpoint = str(run.folder / 'epoch_2.pth')
        assert calls(run) == [
            ['train', path, '--seed', str(run.seed), '--work-dir',
             str(run.folder), *options],
            ['test', path, checkpoint, '--work-dir',
             str(run.folder / 'test_clean'), *options,
             'test_dataloader.dataset.split=clean'],
            ['test', path, checkpoint, '--work-dir',
             str(run.folder / 'test_val'), *options],
        ]
        val = 0.5 + run.seed / 10
        assert outcome.state.scores == pytest.approx(
            dict(val=val, clean=val - 0.01))
        assert outcome.state.seconds > 0
        assert len(outcome.state.commits) == len(outcome.state.machines) == 1


def test_finished_runs_are_skipped_and_a_new_split_only_tested(
        tmp_path, tools, capsys):
    path = write_config(tmp_path, 'a')
    run, = plan(tmp_path, path)
    first, = carry_out([run], tools, jobs=1)
    count = len(calls(run))
    again, = carry_out([run], tools, jobs=1)
    assert len(calls(run)) == count == 2
    assert again.state == first.state
    assert 'a seed 0: done before' in capsys.readouterr().out
    more, = carry_out(plan(tmp_path, path, splits=['clean']), tools, jobs=1)
    assert len(calls(run)) == 3
    assert set(more.state.scores) == {'val', 'clean'}


def test_a_failed_run_is_named_and_the_others_go_on(tmp_path, tools):
    runs = plan(tmp_path, write_config(tmp_path, 'bad', 'fail_once'),
                write_config(tmp_path, 'good'))
    outcomes = carry_out(runs, tools, jobs=1)
    log = runs[0].folder / 'train.log'
    assert failures(outcomes) == [
        f'tools/train.py ended with status 1, see {log} ("no such thing as a '
        'free lunch")', None]
    assert 'first things first' in log.read_text()
    outcomes = carry_out(runs, tools, jobs=1)  # resumes where it failed
    assert failures(outcomes) == [None, None]
    first, second, tested = calls(runs[0])
    assert '--resume' not in first and tested[0] == 'test'
    assert second[second.index('--resume') + 1] == 'auto'


def test_a_test_without_score_is_a_failure(tmp_path, tools):
    (tools / 'test.py').write_text('')
    outcome, = carry_out(plan(tmp_path, write_config(tmp_path, 'a')), tools, 1)
    assert 'test_val contains no acc/top1' in outcome.failure
    assert outcome.state.trained


def test_an_unexpected_error_ends_only_its_run(tmp_path, tools):
    (tools / 'train.py').write_text(SCRIPT + '''
if config.stem == 'bad':
    (folder / 'last_checkpoint').write_bytes(b'\\xff')
''')
    runs = plan(tmp_path, write_config(tmp_path, 'bad'),
                write_config(tmp_path, 'good'))
    first, second = failures(carry_out(runs, tools, jobs=1))
    assert first.startswith("UnicodeDecodeError: 'utf-8' codec can't decode")
    assert second is None


def test_code_that_changes_during_a_table_is_recorded(
        tmp_path, tools, monkeypatch):
    repository = write_repository(tmp_path / 'package')
    monkeypatch.setattr(provenance, 'PACKAGE', repository)
    (tools / 'train.py').write_text(
        f"{SCRIPT}\nopen({str(repository / '__init__.py')!r}, 'w').write('#')")
    runs = plan(tmp_path, write_config(tmp_path, 'a'), seeds=[0, 1])
    commit = git(repository, 'rev-parse', '--short=7', 'HEAD')
    first, second = carry_out(runs, tools, jobs=1)
    assert first.state.commits == [commit, f'{commit}-dirty']  # by the test
    assert second.state.commits == [f'{commit}-dirty']


def alive(pid):
    """Whether a process exists and is not a zombie."""
    try:
        state = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2]
    except FileNotFoundError:
        return False
    return state.split()[0] != 'Z'


@pytest.fixture
def ctrl_c():
    """SIGINT interrupts, also if the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_ends_all_processes_and_the_next_call_resumes(tmp_path, tools,
                                                             ctrl_c):
    runs = plan(tmp_path, write_config(tmp_path, 'a', 'wait'),
                write_config(tmp_path, 'b'), write_config(tmp_path, 'c'))
    before, = carry_out(runs[2:], tools, jobs=1)
    pids = runs[0].folder / 'pids'
    thread = when_written(pids, lambda: os.kill(os.getpid(), signal.SIGINT))
    outcomes = carry_out(runs, tools, jobs=1)
    given_up = time.monotonic() + 30  # the processes would take 60
    thread.join()
    assert failures(outcomes) == ['interrupted', 'interrupted', None]
    assert outcomes[2].state == before.state  # done, though it had no turn
    for pid in pids.read_text().split():  # killed, but not all by a parent
        while alive(pid):
            assert time.monotonic() < given_up
            time.sleep(0.05)
    assert not calls(runs[1])  # not started
    seconds = outcomes[0].state.seconds
    assert seconds > 0
    outcomes = carry_out(runs, tools, jobs=1)
    assert failures(outcomes) == [None, None, None]
    assert '--resume' in calls(runs[0])[1]
    assert outcomes[0].state.seconds > seconds


def test_a_second_signal_does_not_lose_the_table(tmp_path, tools, ctrl_c):
    """It is sent while a process is still ending."""
    run, = plan(tmp_path, write_config(tmp_path, 'a', 'linger'))

    def end_twice():
        os.kill(os.getpid(), signal.SIGTERM)
        when_written(run.folder / 'asked',
                   lambda: os.kill(os.getpid(), signal.SIGINT)).join()

    before = signal.getsignal(signal.SIGTERM)
    thread = when_written(run.folder / 'pids', end_twice)
    outcomes = carry_out([run], tools, jobs=1)
    thread.join()
    assert failures(outcomes) == ['interrupted']
    assert signal.getsignal(signal.SIGTERM) == before
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


def test_concurrent_runs_share_the_cores(tmp_path, tools, monkeypatch):
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    for jobs in (1, 1000):
        run, = plan(tmp_path, write_config(tmp_path, f'a{jobs}'))
        carry_out([run], tools, jobs)
        threads = (run.folder / 'attempt_0/threads').read_text()
        assert threads == str(max(1, cores() // jobs))
    monkeypatch.setenv('OMP_NUM_THREADS', '77')
    run, = plan(tmp_path, write_config(tmp_path, 'b'))
    carry_out([run], tools, 1)
    assert (run.folder / 'attempt_0/threads').read_text() == '77'


def test_jobs_is_the_number_of_concurrent_runs(tmp_path, tools):
    """Two runs that each wait for the other one to start."""
    (tools / 'train.py').write_text('''
import sys, time
from pathlib import Path
folder = Path(sys.argv[sys.argv.index('--work-dir') + 1])
Path(folder, 'here').touch()
other = folder.parent / f'seed{1 - int(folder.name[-1])}/here'
end = time.time() + 20
while not other.exists():
    if time.time() > end:
        sys.exit('alone')
    time.sleep(0.05)
Path(folder, 'last_checkpoint').write_text('x.pth')
''')
    runs = plan(tmp_path, write_config(tmp_path, 'a'), seeds=[0, 1])
    assert failures(carry_out(runs, tools, jobs=2)) == [None, None]


def test_other_settings_are_another_run(tmp_path, tools):
    path = write_config(tmp_path, 'a')
    carry_out(plan(tmp_path, path), tools, jobs=1)
    run, = plan(tmp_path, path, options=['note=other'])
    outcome, = carry_out([run], tools, jobs=1)
    assert outcome.failure == (
        f'{run.folder} contains a run with other settings of {path}: '
        'remove it or use another work dir')
    assert len(calls(run)) == 2


@pytest.mark.parametrize('name, content, message', [
    ('epoch_3.pth', '', 'contains checkpoints but no run.json'),
    ('run.json', '{"x": 1}', 'run.json is not the state of a run'),
    ('run.json', '{', 'run.json is not the state of a run'),
])
def test_other_folders_are_not_changed(tmp_path, tools, name, content,
                                          message):
    run, = plan(tmp_path, write_config(tmp_path, 'a'))
    run.folder.mkdir(parents=True)
    (run.folder / name).write_text(content)
    outcome, = carry_out([run], tools, jobs=1)
    assert message in outcome.failure
    assert not calls(run)


def test_a_folder_in_use_raises(tmp_path, tools):
    run, = plan(tmp_path, write_config(tmp_path, 'a'))
    with occupied(run.folder):
        outcome, = carry_out([run], tools, jobs=1)
    assert 'is in use by another process' in outcome.failure


def test_a_config_that_changes_meanwhile_raises(tmp_path, tools):
    path = write_config(tmp_path, 'a')
    run, = plan(tmp_path, path, options=['note=x'])
    Path(path).write_text(Path(path).read_text().replace('0.05', '0.1'))
    outcome, = carry_out([run], tools, jobs=1)
    assert outcome.failure == (f'{path} has changed since this run was '
                               'planned: start the command again')
    assert not calls(run)


def test_a_file_system_without_locks_raises(tmp_path, tools, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSYS, 'Function not implemented')

    monkeypatch.setattr(fcntl, 'flock', refuse)
    run, = plan(tmp_path, write_config(tmp_path, 'a'))
    outcome, = carry_out([run], tools, jobs=1)
    assert outcome.failure == (
        f'{run.folder} cannot be locked by flock (Function not implemented): '
        'use a work dir on another file system, or mount this one with flock')


def test_a_child_of_a_killed_parent_keeps_the_lock(tmp_path, tools):
    """Otherwise a second training would write to the same folder."""
    path = write_config(tmp_path, 'a', 'wait')
    run, = plan(tmp_path, path)
    script = (f'from pathlib import Path; from fake_tools import plan; '
              f'from psp_plugin.tooling.experiments import carry_out; '
              f'carry_out(plan(Path({str(tmp_path)!r}), {path!r}), '
              f'Path({str(tools)!r}), 1)')
    parent = subprocess.Popen(
        [sys.executable, '-W', 'ignore', '-c', script],
        stdout=subprocess.DEVNULL, env=dict(
            os.environ, PYTHONPATH=str(Path(__file__).resolve().parents[2])))
    thread = when_written(run.folder / 'pids', parent.kill)
    parent.wait()
    thread.join(60)
    leader = int((run.folder / 'pids').read_text().split()[0])
    try:
        assert alive(leader)
        outcome, = carry_out([run], tools, jobs=1)
        assert 'is in use by another process' in outcome.failure
    finally:
        os.killpg(leader, signal.SIGKILL)
    while alive(leader):
        time.sleep(0.05)
    outcome, = carry_out([run], tools, jobs=1)
    assert outcome.failure is None
    assert json.loads((run.folder / 'run.json').read_text())['trained']
