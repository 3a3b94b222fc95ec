"""Evaluates a frozen encoder: a linear layer and k-NN on its features.

The features are computed once, without augmentation; a linear layer is fitted
to those of the labelled clips for each label fraction and seed. Top-1 is of
the test clips. CHECKPOINT may be 'none' for the initial weights of a training.
"""
import argparse
import contextlib
import logging
import sys
from typing import List, Optional

from mmaction.apis import init_recognizer
from mmengine.config import Config
from mmengine.runner import set_random_seed
from torch import nn

from psp_plugin.annotations import InvalidClipError
from psp_plugin.commands.command_line import (
    add_device,
    exit_on_error,
    model_parser,
    positive,
    read_config,
)
from psp_plugin.commands.loading import choose_device, load_model
from psp_plugin.tooling.experiments.plan import config_name
from psp_plugin.tooling.experiments.text import as_csv, write_atomically
from psp_plugin.tooling.probe import Score, as_records, as_table, evaluate


def parse_args(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = model_parser(__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        '--labels', type=float, nargs='+', default=[0.05, 0.15, 0.3, 1.0],
        metavar='SHARE', help='label fractions, in (0, 1]; 1 for all clips '
        '(default: 0.05 0.15 0.3 1.0)')
    parser.add_argument(
        '--seeds', type=int, nargs='+', default=[0, 1, 2], metavar='SEED',
        help='seeds, each of the labelled clips and of the linear layer '
        '(default: 0 1 2)')
    parser.add_argument(
        '--draw', choices=('balanced', 'all'), default='balanced',
        help='the same number of labelled clips per class, or a fraction of '
        'all clips regardless of class (default: %(default)s)')
    parser.add_argument(
        '--test-splits', nargs='+', metavar='SPLIT',
        help='splits of the test data, such as xview_val_clean (default: the '
        'split of the config)')
    parser.add_argument(
        '--k', type=positive, default=1, metavar='N',
        help='number of nearest neighbours (default: %(default)s)')
    parser.add_argument(
        '--epochs', type=positive, default=100, metavar='N',
        help='epochs of the linear layer (default: %(default)s)')
    parser.add_argument(
        '--lr', type=float, default=0.1,
        help='initial learning rate (default: %(default)s)')
    parser.add_argument(
        '--csv', metavar='FILE',
        help='write top-1 of every fraction, seed and split to this file')
    add_device(parser)
    return parser.parse_args(argv)


def build_model(cfg: Config, args: argparse.Namespace) -> nn.Module:
    """Builds the model with its trained or initial weights."""
    device = choose_device(args.device)
    if args.checkpoint != 'none':
        return load_model(cfg, args.checkpoint, device)[0]
    model = init_recognizer(cfg, device=device)
    model.init_weights()
    return model


def run(args: argparse.Namespace) -> List[Score]:
    cfg = read_config(args)
    set_random_seed(0)  # for random weights and random pipelines
    return evaluate(
        cfg, build_model(cfg, args), list(dict.fromkeys(args.labels)),
        list(dict.fromkeys(args.seeds)), args.draw == 'balanced',
        args.test_splits, args.k, args.epochs, args.lr)


def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    logging.disable(logging.INFO)  # of MMEngine, for every labelled split
    try:
        with exit_on_error(InvalidClipError):
            with contextlib.redirect_stdout(sys.stderr):
                scores = run(args)
            print(as_table(scores, args.k), end='')
            if args.csv:
                rows = as_records(
                    scores, config=config_name(args.config),
                    checkpoint=args.checkpoint, draw=args.draw,
                    epochs=args.epochs, lr=args.lr, k=args.k)
                write_atomically(as_csv(rows), args.csv)
                print(f'wrote {args.csv}')
    finally:
        logging.disable(logging.NOTSET)


if __name__ == '__main__':
    main()
