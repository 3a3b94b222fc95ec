"""Runs configs over several seeds and writes a table of their results."""
import argparse
import signal
import sys
from pathlib import Path
from typing import List, Optional

from psp_plugin.commands.command_line import add_jobs, exit_on_error
from psp_plugin.tooling.experiments import (
    add_launcher,
    carry_out,
    plan_runs,
    queue_of,
    write_tables,
)

TOOLS = Path(__file__).resolve().parent


def parse_args(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog='When restarted, it skips finished runs '
        'and resumes interrupted ones.')
    parser.add_argument('configs', nargs='+', help='configs, one row each')
    parser.add_argument(
        '--seeds', type=int, nargs='+', default=[0, 1, 2],
        help='seeds, each of the labelled clips and of the initialisation '
        '(default: 0 1 2)')
    parser.add_argument(
        '--work-dir', default='work_dirs/table',
        help='folder of the runs and tables (default: %(default)s)')
    add_jobs(parser)
    add_launcher(parser)
    parser.add_argument(
        '--splits', nargs='+', default=[],
        help='splits to test on in addition to that of the config, such as '
        'xview_val_clean')
    parser.add_argument(
        '--cfg-options', nargs='+', default=[],
        help='options for all configs, key=value, as in tools/train.py')
    return parser.parse_args(argv)


def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    with exit_on_error():
        runs = plan_runs(args.configs, args.seeds, args.work_dir,
                         args.cfg_options, args.splits)
        queue = queue_of(args)
        Path(args.work_dir).mkdir(parents=True, exist_ok=True)
        outcomes = carry_out(runs, TOOLS, args.jobs, queue=queue)
        files = write_tables(outcomes, args.work_dir)
    print(f'\n{files[0].read_text()}\nwritten to ' +
          ', '.join(map(str, files)))
    failed = [x for x in outcomes if x.has_failed]
    for outcome in failed:
        print(f'{outcome.run.name} seed {outcome.run.seed} failed: '
              f'{outcome.failure}', file=sys.stderr)
    if any(x.is_open for x in outcomes):
        sys.exit(128 + signal.SIGINT)
    if failed:
        sys.exit(f'{len(failed)} of {len(outcomes)} runs failed')


if __name__ == '__main__':
    main()
