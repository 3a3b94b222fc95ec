"""Compares settings over cases and seeds, and records all runs in a CSV."""
import argparse
import signal
import sys
from pathlib import Path
from typing import List, Optional

from psp_plugin.commands.command_line import add_jobs, exit_on_error
from psp_plugin.tooling.experiments import (
    Record,
    add_launcher,
    compare,
    plan_study,
    queue_of,
    read_study,
)
from psp_plugin.tooling.experiments.record import carry_out_study

TOOLS = Path(__file__).resolve().parent


def parse_args(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog='When restarted, also on another machine '
        'with the CSV, it skips the recorded runs.')
    parser.add_argument(
        'study', help='a YAML file, see docs/guides/experiments.md')
    parser.add_argument(
        '--csv', metavar='FILE', required=True,
        help='file of finished runs, one row per tested split')
    parser.add_argument(
        '--work-dir', default='work_dirs/study',
        help='folder of the runs (default: %(default)s)')
    add_jobs(parser)
    add_launcher(parser)
    parser.add_argument(
        '--minutes', type=float, metavar='M',
        help='time limit; no run starts that would exceed it (default: none)')
    parser.add_argument(
        '--baseline', metavar='SETTING',
        help='the setting that others are compared with (default: the '
        'baseline of the study)')
    parser.add_argument('--show', action='store_true',
                        help='only print the table of the runs in the CSV')
    return parser.parse_args(argv)


def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    with exit_on_error():
        study = read_study(args.study, args.baseline)
        runs = plan_study(study, args.work_dir)
        record = Record(args.csv)
        seconds = None if args.minutes is None else 60 * args.minutes
        failed, open_runs = [], []
        if not args.show:
            queue = queue_of(args)
            Path(args.work_dir).mkdir(parents=True, exist_ok=True)
            failed, open_runs = carry_out_study(
                runs, record, TOOLS, args.jobs, seconds, queue)
    print(f'\n{compare(study, runs, record)}\n{args.csv} contains '
          f'{sum(map(record.holds, runs))} of {len(runs)} runs')
    for outcome in failed:
        print(f'{outcome.run.name} seed {outcome.run.seed} failed: '
              f'{outcome.failure}', file=sys.stderr)
    if failed:
        sys.exit(f'{len(failed)} of {len(runs)} runs failed')
    if open_runs and seconds is None:
        sys.exit(128 + signal.SIGINT)


if __name__ == '__main__':
    main()
