"""Slurm's queue, through submitit."""
import argparse
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Set

from psp_plugin.commands.command_line import check_packages
from psp_plugin.errors import InputError

COMMANDS = ('sbatch', 'srun', 'squeue', 'scontrol')
TIME_LIMITS = 10  # that a run may reach before its job is not requeued
LISTS = ('setup', 'srun_args', 'teardown')  # parameters that are lists
# Parameters that follow from other arguments, or from a run being one process.
FIXED = dict(job_name='psp', nodes=1, ntasks_per_node=1,
             stderr_to_stdout=True,
             additional_parameters=dict(requeue=True))


class SlurmQueue:
    """Submits jobs to Slurm and asks which of them have not ended.

    Args:
        folder (Path): Folder of the jobs' logs and of submitit's files, which
            all machines must see.
        jobs (int): Number of jobs of one submission at the same time.
        parameters (dict): Parameters of submitit's ``SlurmExecutor``.

    Raises:
        InputError: If submitit or a command of Slurm is missing, or if there
            is no such parameter.
    """
    pause = 10.  # seconds between questions
    patience = 90.  # seconds until files of other machines are visible

    def __init__(self, folder: Path, jobs: int,
                 parameters: Dict[str, Any]) -> None:
        check_packages('--launcher slurm', ['submitit'],
                       '"psp_plugin[slurm]"')
        for command in COMMANDS:
            if shutil.which(command) is None:
                raise InputError(
                    f'--launcher slurm needs {command}, which is not '
                    'installed here: run this on a login node of the cluster')
        import submitit
        self.folder = folder
        self.executor = submitit.SlurmExecutor(
            folder, max_num_timeout=TIME_LIMITS)
        fixed = dict(FIXED, array_parallelism=jobs)
        for name in parameters:
            if name in fixed:
                raise InputError(f'--slurm {name} cannot be set, as a run is '
                                 'a job of one process and --jobs is how many '
                                 'there are at once')
        try:
            self.executor.update_parameters(**fixed, **parameters)
        except ValueError as error:
            names = re.findall(r'- (\w+) \(default', str(error))
            unknown = sorted(set(parameters) - set(names))
            raise InputError(
                f'--slurm {", ".join(unknown)} is not a parameter of '
                f'submitit, which has {", ".join(sorted({*names} - {*fixed}))}'
            ) from error

    def submit(self, jobs: Sequence[Any]) -> List[str]:
        """Submits jobs, as one array, and returns their numbers.

        Raises:
            InputError: If Slurm refuses them.
        """
        from submitit.core.utils import UncompletedJobError
        try:
            submitted = self.executor.submit_array(jobs)
        except UncompletedJobError as error:
            raise InputError(f'sbatch failed: {error}') from error
        return [job.job_id for job in submitted]

    def active(self) -> Optional[Set[str]]:
        """Returns the user's jobs that have not ended; None if ``squeue``
        fails, which then prints why."""
        asked = subprocess.run(
            ['squeue', '--noheader', '--array', '--format=%i',
             f'--user={os.getuid()}'],
            stdout=subprocess.PIPE, text=True, check=False)
        return None if asked.returncode else set(asked.stdout.split())

    def log(self, job: str) -> Path:
        """Returns the file with what a job prints."""
        return self.folder / f'{job}_0_log.out'


def add_launcher(parser: argparse.ArgumentParser) -> None:
    """Adds ``--launcher`` and ``--slurm``."""
    parser.add_argument(
        '--launcher', choices=('local', 'slurm'), default='local',
        help='where runs are carried out: as processes of this machine, or '
        'as jobs of a cluster, which are resumed when Slurm ends them early '
        '(default: %(default)s)')
    parser.add_argument(
        '--slurm', nargs='+', default=[], metavar='KEY=VALUE',
        help="parameters of the jobs, named as submitit's: partition=NAME "
        'time=MINUTES gpus_per_node=1 cpus_per_task=8 mem=32GB and others')


def queue_of(args: argparse.Namespace) -> Optional[SlurmQueue]:
    """Returns the queue of ``--launcher``; None for this machine.

    Raises:
        InputError: If arguments do not fit together, and as SlurmQueue.
    """
    if args.launcher == 'local':
        if args.slurm:
            raise InputError(f'--slurm {args.slurm[0]} needs --launcher slurm')
        return None
    if getattr(args, 'minutes', None) is not None:
        raise InputError('--minutes is for --launcher local: limit jobs with '
                         '--slurm time=MINUTES')
    return SlurmQueue(Path(args.work_dir, 'jobs'), args.jobs,
                      read_parameters(args.slurm))


def read_parameters(items: Sequence[str]) -> Dict[str, Any]:
    """Parses parameters of jobs.

    Args:
        items (Sequence[str]): ``key=value`` each; a value is a number, True,
            False or text.

    Raises:
        InputError: If one is no pair, or if ``time`` is not in minutes.
    """
    parameters: Dict[str, Any] = {}
    for item in items:
        name, equals, text = item.partition('=')
        if not equals:
            raise InputError(f'--slurm {item} is not KEY=VALUE')
        value: Any = {'True': True, 'False': False}.get(text, text)
        if text.isdecimal() and str(int(text)) == text:  # not account=007
            value = int(text)
        if name == 'time' and not isinstance(value, int):
            raise InputError(f'--slurm {item} is not in minutes, as in '
                             'time=1440 for a day')
        parameters[name] = [value] if name in LISTS else value
    if 'cpus_per_task' in parameters:  # which srun alone may not inherit
        parameters.setdefault('srun_args', []).append(
            f'--cpus-per-task={parameters["cpus_per_task"]}')
    return parameters
