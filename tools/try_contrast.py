"""Trains the first steps of configs to check their contrastive loss.

loss_con is printed as a share of chance, log(2N - 1): at 1 nothing is learnt.
No checkpoints are saved.
"""
import argparse
import json
import logging
import sys
from typing import List, Optional

from mmengine.fileio import put_text

import psp_plugin  # noqa: F401, before anything of the toolbox
from psp_plugin.commands.command_line import (
    add_cfg_options,
    exit_on_error,
    positive,
    read_config,
)
from psp_plugin.skeletons import LEVELS
from psp_plugin.tooling.experiments.contrast_trial import (
    DIAGNOSTICS,
    try_contrast,
)
from psp_plugin.tooling.experiments.plan import config_name

HEAD = ('config', 'steps', 's a step', 'below 60% at step',
        'loss_con / chance', *(name.replace('_', ' ')
                               for name in DIAGNOSTICS))


def parse_args(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('configs', nargs='+', help='configs, one row each')
    parser.add_argument('--steps', type=positive, default=100, metavar='N',
                        help='steps per config (default: %(default)s)')
    parser.add_argument('--seed', type=int, default=0,
                        help='seed of the training (default: 0)')
    parser.add_argument('--json', metavar='FILE',
                        help='write the values of every step to this file')
    add_cfg_options(parser)
    return parser.parse_args(argv)


def row(name: str, trial) -> str:
    """Formats a row of the table, levels in the order body, part, joint."""
    def triple(values: dict, form: str) -> str:
        return ' '.join(format(values[level], form) for level in LEVELS
                        if level in values) or '-'

    cells = [name, str(trial.steps), f'{trial.seconds:.2f}',
             str(trial.learnt_at() or 'not'), triple(trial.last(), '.2f')]
    for name in DIAGNOSTICS:
        found = {level: trial.diagnostics[f'{name}_{level}']
                 for level in LEVELS if f'{name}_{level}' in trial.diagnostics}
        cells.append(triple(found, '.2f'))
    return f'| {" | ".join(cells)} |'


def run(args: argparse.Namespace) -> None:
    print(f'| {" | ".join(HEAD)} |\n|{" --- |" * len(HEAD)}', flush=True)
    trials = {}
    for config in args.configs:
        cfg = read_config(argparse.Namespace(
            config=config, cfg_options=args.cfg_options))
        cfg.randomness = dict(seed=args.seed)
        trial = try_contrast(cfg, args.steps)
        trials[config_name(config)] = trial._asdict()
        print(row(config_name(config), trial), flush=True)
    if args.json:
        put_text(json.dumps(trials, indent=1) + '\n', args.json)


def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    logging.disable(logging.INFO)  # of MMEngine, about the model
    try:
        with exit_on_error(FloatingPointError):
            run(args)
    finally:
        logging.disable(logging.NOTSET)


if __name__ == '__main__':
    sys.exit(main())
