"""Converts a folder of skeleton recordings to the toolbox's pickle.

Formats: .npy, .json, NTU .skeleton, and .pkl of one annotation. Recordings
without a label are in the split "unlabeled".
"""
import argparse
import sys
from functools import partial
from typing import List, Optional

from psp_plugin import recordings
from psp_plugin.commands.command_line import show_progress


def parse_args(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'folder', metavar='FOLDER', help='the recordings, at any depth')
    parser.add_argument(
        '-o', '--output', required=True, metavar='OUT.pkl',
        help='the pickle to write; class names are written to OUT.classes.txt')
    parser.add_argument(
        '--labels', metavar='CSV',
        help='a table with the header name,label or name,label,split; a name '
        'is the path in FOLDER, with or without suffix; a label is an integer '
        'from 0 or a class name (default: no labels)')
    parser.add_argument(
        '--classes', metavar='TXT',
        help='a label map, one class name per line, in the order of the '
        'labels (default: alphabetical)')
    parser.add_argument(
        '--val-ratio', type=float, default=0.2,
        help='share of labelled clips sampled per class for the split "val", '
        'if the table has no splits; 0 for none (default: %(default)s)')
    parser.add_argument(
        '--seed', type=int, default=0,
        help='seed of the sampling (default: %(default)s)')
    parser.add_argument(
        '--joints', type=int, metavar='V',
        help='the number of joints; files with another number are skipped '
        '(default: that of most files)')
    parser.add_argument(
        '--persons', type=int, default=2, metavar='M',
        help='maximum number of persons per clip (default: %(default)s)')
    parser.add_argument(
        '--scored', action='store_true',
        help='the third channel is the score of 2-D key points')
    parser.add_argument(
        '--report', metavar='CSV',
        help='write the skipped files, with reasons, to this file')
    return parser.parse_args(argv)


def convert(args: argparse.Namespace) -> recordings.Conversion:
    if not args.output.endswith('.pkl'):
        raise recordings.ConvertError(
            f'{args.output} must end in .pkl for the toolbox to read it')
    if args.classes and not args.labels:
        raise recordings.ConvertError('--classes requires --labels')
    table = None
    if args.labels:
        table = recordings.read_labels(args.labels, args.classes)
    return recordings.convert_folder(
        args.folder, table, args.val_ratio, args.seed, args.joints,
        args.persons, args.scored, args.output,
        partial(show_progress, doing='reading'))


def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    try:
        made = convert(args)
    except (recordings.ConvertError, recordings.LabelError) as error:
        sys.exit(f'{error}.')
    print(recordings.skipped_table(made.skipped))
    path = args.report
    try:
        if path:
            recordings.write_report(path, made.skipped)
        path = args.output
        written = made.write(path)
    except recordings.ConvertError as error:
        sys.exit(f'{error}.')
    except OSError as error:
        sys.exit(f'{path} cannot be written: {error.strerror}.')
    print(f'\n{recordings.summarize(made)}\n\nwrote {" and ".join(written)}')


if __name__ == '__main__':
    main()
