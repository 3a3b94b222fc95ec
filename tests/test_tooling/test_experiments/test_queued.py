"""Runs as jobs of a queue, with real trainings and with fast scripts."""
import argparse
import csv
import os
import signal
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
import submitit
from fake_slurm import install_slurm
from fake_tools import calls, plan, when_written, write_config, write_tools
from forked import run_forked
from resumable_runs import assert_same, load_state
from tiny import write_short_run

from psp_plugin.errors import InputError
from psp_plugin.tooling.experiments import (
    carry_out,
    queue_of,
    work,
    write_tables,
)
from psp_plugin.tooling.experiments.job import FAILURE
from psp_plugin.tooling.experiments.queued import last_job
from psp_plugin.tooling.experiments.run_folder import occupied
from psp_plugin.tooling.experiments.slurm import SlurmQueue, read_parameters

ROOT = Path(__file__).resolve().parents[3]
# A fast replacement of tools/test.py: the top-1 of the last validation.
TEST = '''
import json, sys
from pathlib import Path
folder = Path(sys.argv[sys.argv.index('--work-dir') + 1])
log = sorted(folder.parent.glob('*/vis_data/scalars.json'))[-1]
top1 = json.loads(log.read_text().splitlines()[-1])['acc/top1']
(folder / 'tested').mkdir(parents=True)
(folder / 'tested/metrics.json').write_text(json.dumps({'acc/top1': top1}))
'''


class LocalQueue(SlurmQueue):
    """Jobs of submitit's local executor, named by a process number."""
    pause, patience = 0.2, 0.5

    def __init__(self, folder):
        self.folder = folder
        self.executor = submitit.LocalExecutor(folder)
        self.executor.update_parameters(timeout_min=60, stderr_to_stdout=True)

    def active(self):
        return {path.name for path in Path('/proc').glob('[0-9]*')
                if alive(path)}


def alive(process):
    try:
        stat = (process / 'stat').read_text()
    except OSError:
        return False
    return stat.rpartition(')')[2].split()[0] != 'Z'


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """Makes a queue of the fake Slurm."""
    folder = install_slurm(tmp_path, monkeypatch)

    def make(jobs=4, **parameters):
        queue = SlurmQueue(tmp_path / 'table/jobs', jobs, parameters)
        queue.pause, queue.patience = 0.2, 0.5
        return queue
    make.folder = folder
    return make


@pytest.fixture
def tools(tmp_path):
    return write_tools(tmp_path / 'tools')


def failures(outcomes):
    return [outcome.failure for outcome in outcomes]


def fork_script(command, log, *_):
    """Replaces ``run_command`` by processes that need no imports."""
    done = run_forked(*command[1:])
    log.write_text(done.stdout + done.stderr)
    return done.returncode


def results(outcomes, folder):
    """Rows of both tables, without times and names."""
    write_tables(outcomes, str(folder))
    return [[{key: value for key, value in row.items()
              if key not in ('time', 'commit', 'machine', 'folder')}
             for row in csv.DictReader((folder / name).open())]
            for name in ('table.csv', 'runs.csv')]


def test_ended_jobs_give_the_same_table(tmp_path, monkeypatch):
    """One is pre-empted and requeued; one is killed and submitted again."""
    monkeypatch.setenv('PYTHONPATH', f'{ROOT}:{ROOT / "tests"}')
    tools = tmp_path / 'tools'
    tools.mkdir()
    (tools / 'train.py').symlink_to(ROOT / 'tools/train.py')
    (tools / 'test.py').write_text(TEST)
    configs = [
        write_short_run(tmp_path / 'a.py', type='EndJob', at=7, seed=0,
                        number=signal.SIGUSR2),
        write_short_run(tmp_path / 'b.py', type='EndJob', at=9, seed=1,
                        number=signal.SIGKILL)]
    runs = plan(tmp_path, *configs, seeds=(0, 1))
    queue = LocalQueue(tmp_path / 'jobs')
    outcomes = carry_out(runs, tools, 4, queue=queue)
    killed = last_job(runs[3])
    assert failures(outcomes) == [None, None, None, (
        f'job {killed} ended before the run did, see '
        f'{tmp_path}/jobs/{killed}_0_log.out')]
    assert 'Requeued job' in queue.log(last_job(runs[0])).read_text()
    outcomes = carry_out(runs, tools, 4, queue=queue)
    assert failures(outcomes) == [None] * 4
    assert last_job(runs[3]) != killed
    for run in (runs[0], runs[3]):
        assert 'resumed epoch: 1' in (run.folder / 'train.log').read_text()

    monkeypatch.setattr(work, 'run_command', fork_script)
    others = plan(tmp_path / 'local', *configs, seeds=(0, 1))
    uninterrupted = carry_out(others, tools, 2)
    assert results(outcomes, tmp_path / 'table') == results(
        uninterrupted, tmp_path / 'local/table')
    for run, other in zip(runs, others):
        assert_same(*(load_state(folder / 'epoch_2.pth')
                      for folder in (run.folder, other.folder)))


def test_jobs_of_slurm(tmp_path, tools, slurm, monkeypatch):
    """An array for several runs; a failed one is named."""
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    runs = plan(tmp_path, write_config(tmp_path, 'good'),
                write_config(tmp_path, 'bad', 'fail_once'))
    ended = []
    outcomes = carry_out(runs, tools, 2, ended.append, queue=slurm(
        jobs=2, **read_parameters(['partition=gpu', 'time=90',
                                   'setup=echo loading', 'cpus_per_task=3'])))
    log = runs[1].folder / 'train.log'
    assert failures(outcomes) == [
        None, f'tools/train.py ended with status 1, see {log} ("no such thing '
        'as a free lunch")']
    assert {x.run for x in ended} == set(runs)
    assert [last_job(run) for run in runs] == ['100_0', '100_1']
    script = (tmp_path / 'submitted_100').read_text()
    for line in ('partition=gpu', 'time=90', 'requeue', 'signal=USR2@90',
                 'array=0-1%2'):
        assert f'#SBATCH --{line}\n' in script
    assert '\necho loading\n' in script
    assert (runs[0].folder / 'attempt_0/threads').read_text() == '3'

    ended.clear()
    outcomes = carry_out(runs, tools, 2, ended.append, queue=slurm())
    assert failures(outcomes) == failures(ended) == [None, None]
    assert len(calls(runs[0])) == 2  # not again
    assert '--resume' in calls(runs[1])[1]
    assert [last_job(run) for run in runs] == ['100_0', '101']


def test_ctrl_c_leaves_the_jobs_and_the_next_call_waits_for_them(
        tmp_path, tools, slurm, capsys):
    """One of them is pre-empted meanwhile."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    run, = plan(tmp_path, write_config(tmp_path, 'a', 'wait'))
    pids = run.folder / 'pids'
    thread = when_written(pids, lambda: os.kill(os.getpid(), signal.SIGINT))
    outcome, = carry_out([run], tools, 1, queue=slurm())
    thread.join()
    signal.signal(signal.SIGINT, before)
    assert outcome.failure == 'in the queue as job 100' and outcome.is_open
    assert 'waits again for what is in the queue; `scancel 100` would' in (
        capsys.readouterr().out)
    training = int(pids.read_text().split()[0])
    stat = Path(f'/proc/{training}/stat').read_text()
    os.kill(int(stat.rpartition(')')[2].split()[1]), signal.SIGUSR2)
    os.kill(training, signal.SIGUSR2)
    outcome, = carry_out([run], tools, 1, queue=slurm())
    assert outcome.failure is None
    assert last_job(run) == '100'
    assert '--resume' in calls(run)[1]


def test_two_commands_at_once(tmp_path, tools, slurm):
    """The other one is submitting, and its job writes that it failed."""
    run, = plan(tmp_path, write_config(tmp_path, 'a'))
    queue, before = slurm(), []
    other = ExitStack()
    other.enter_context(occupied(queue.folder))

    def release():
        before.extend(tmp_path.glob('submitted_*'))
        other.close()

    def active():
        (run.folder / FAILURE).write_text('is in use by another process')
        return SlurmQueue.active(queue)

    run.folder.mkdir(parents=True)
    queue.active = active
    threading.Timer(1, release).start()
    outcome, = carry_out([run], tools, 1, queue=queue)
    assert outcome.failure is None and outcome.state.done(run)
    assert before == [] and last_job(run) == '100'


def test_refused_jobs_are_failures(tmp_path, tools, slurm):
    (tmp_path / 'refuse').touch()
    run, = plan(tmp_path, write_config(tmp_path, 'a'))
    outcome, = carry_out([run], tools, 1, queue=slurm())
    assert outcome.failure == ('sbatch failed: sbatch: error: invalid '
                               'partition specified: none')


def test_the_time_limit_of_a_study_is_not_that_of_jobs():
    with pytest.raises(InputError, match='--slurm time=MINUTES'):
        queue_of(argparse.Namespace(launcher='slurm', slurm=[], minutes=5))
