"""Writes a report of a run: one HTML file that opens without a network.

It has the accuracies, the curves of the training, the confusion matrix with
clips that play, the unlabelled clips that are least certain, an embedding of
the test clips, the config and the provenance.
"""
import argparse
import contextlib
import shlex
import sys
from pathlib import Path
from typing import List, Optional

from mmengine.runner import set_random_seed

from psp_plugin.annotations import InvalidClipError
from psp_plugin.apis import SkeletonInferencer
from psp_plugin.commands.command_line import (
    add_cfg_options,
    add_device,
    exit_on_error,
    positive,
    read_config,
)
from psp_plugin.tooling.report import (
    check_output,
    collect,
    find_checkpoint,
    find_config,
    write_report,
)
from psp_plugin.tooling.visualization.embedding import check_seed


def parse_args(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('work_dir', help='the folder of the training')
    parser.add_argument('-o', '--output', metavar='FILE',
                        help='the file to write (default: report.html in the '
                        'folder)')
    parser.add_argument('--config', metavar='FILE',
                        help='the config of the model (default: the one in '
                        'the folder)')
    parser.add_argument('--checkpoint', metavar='FILE',
                        help='its trained weights (default: the best, else '
                        'the last of the folder)')
    parser.add_argument(
        '--clips', type=positive, default=500, metavar='N',
        help='maximum number of test clips that the report plays (default: '
        '%(default)s); its numbers are of all test clips')
    parser.add_argument(
        '--unlabeled', type=positive, default=5000, metavar='N',
        help='maximum number of unlabelled clips to classify, drawn at random '
        '(default: %(default)s)')
    parser.add_argument('--split', metavar='NAME',
                        help='another split of the test dataset')
    parser.add_argument('--seed', type=int, default=0,
                        help='random seed (default: %(default)s)')
    add_device(parser)
    add_cfg_options(parser)
    return parser.parse_args(argv)


def run(args: argparse.Namespace, words: List[str]) -> Path:
    """Writes the report; returns its path."""
    check_seed(args.seed)
    folder = Path(args.work_dir)
    args.config = args.config or str(find_config(folder))
    checkpoint = find_checkpoint(folder, args.checkpoint)
    output = Path(args.output or folder / 'report.html')
    check_output(output)
    cfg = read_config(args)
    inferencer = SkeletonInferencer(cfg, checkpoint.path, args.device)
    set_random_seed(args.seed)  # for a pipeline that samples at random
    content = collect(cfg, inferencer, folder, checkpoint, shlex.join(
        ['python', 'tools/report.py', *words]), args.clips,
        args.unlabeled, args.split, args.seed)
    write_report(content, output)
    return output


def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    words = sys.argv[1:] if argv is None else argv
    with exit_on_error(InvalidClipError), contextlib.redirect_stdout(
            sys.stderr):  # MMEngine logs to stdout
        output = run(args, words)
    print(f'wrote {output}')


if __name__ == '__main__':
    main()
