"""Converts a folder of skeleton recordings to the toolbox's pickle.

Formats are recognized by suffix and content; --explain FILE shows what a file
holds. Recordings without a label are in the split "unlabeled".
"""
import argparse
import os
import sys
from functools import partial
from typing import List, Optional

from psp_plugin import recordings
from psp_plugin.commands.command_line import (
    add_read_options,
    positive,
    read_options,
    show_progress,
)


def parse_args(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        'folder', metavar='FOLDER', nargs='?',
        help='the recordings, at any depth; or one file of several clips, '
        'such as a pickle, whose names are kept')
    parser.add_argument(
        '-o', '--output', metavar='OUT.pkl',
        help='the pickle to write; class names are written to OUT.classes.txt')
    parser.add_argument(
        '--explain', metavar='FILE',
        help='show what a file holds (format, clips, persons, joints, frame '
        'rate), and stop')
    parser.add_argument(
        '--labels', metavar='CSV',
        help='a table with the header name,label or name,label,split; a name '
        'is the path in FOLDER, with or without suffix, or the name in a '
        'file of several clips; a label is an integer from 0 or a class '
        'name, empty or -1 for none. Or "inside" for the labels in the '
        'recordings, or "folders" for the folder of each recording as its '
        'class (default: no labels)')
    parser.add_argument(
        '--classes', metavar='TXT',
        help='a label map, one class name per line, in the order of the '
        'labels (default: that of the classes in a pickle, if the labels are '
        'among them, otherwise alphabetical)')
    parser.add_argument(
        '--split', metavar='NAME',
        help='only the clips of this split of a pickle (default: all)')
    parser.add_argument(
        '--val-ratio', type=float, default=0.2,
        help='share of labelled clips sampled per class for the split "val", '
        'if the table has no splits; 0 for none (default: %(default)s)')
    parser.add_argument(
        '--seed', type=int, default=0,
        help='seed of the sampling (default: %(default)s)')
    parser.add_argument(
        '--persons', type=int, default=2, metavar='M',
        help='maximum number of persons per clip (default: %(default)s)')
    add_read_options(parser)
    parser.add_argument(
        '--jobs', type=positive, default=os.cpu_count(), metavar='N',
        help='number of processes (default: %(default)s, that of CPU cores)')
    parser.add_argument(
        '--report', metavar='CSV',
        help='write what was skipped, joined or dropped, with reasons, to '
        'this file')
    args = parser.parse_args(argv)
    if not args.explain and not (args.folder and args.output):
        parser.error('FOLDER and -o OUT.pkl are required, or --explain FILE')
    return args


def convert(args: argparse.Namespace) -> recordings.Conversion:
    if not args.output.endswith('.pkl'):
        raise recordings.ConvertError(
            f'{args.output} must end in .pkl for the toolbox to read it')
    if args.classes and not args.labels:
        raise recordings.ConvertError('--classes requires --labels')
    table, labels = None, None
    if args.labels in (recordings.INSIDE, recordings.FOLDERS):
        labels = args.labels
    elif args.labels:
        known = [] if args.classes else recordings.classes_in(args.folder)
        table = recordings.read_labels(args.labels, args.classes, known)
    return recordings.convert_folder(
        args.folder, table, args.val_ratio, args.seed, output=args.output,
        progress=partial(show_progress, doing='reading'), labels=labels,
        classes=args.classes, options=read_options(args, args.persons),
        jobs=args.jobs, split=args.split,
        ignore=[path for path in (args.classes, args.report) if path])


def explain(args: argparse.Namespace) -> str:
    return recordings.explain(args.explain, read_options(args, args.persons))


def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    try:
        if args.explain:
            print(explain(args))
            return
        made = convert(args)
    except ValueError as error:
        sys.exit(f'{error}.')
    print(recordings.skipped_table(made.skipped))
    path = args.report
    try:
        if path:
            recordings.write_report(path, made.skipped, made.remarks)
        path = args.output
        written = made.write(path)
    except recordings.ConvertError as error:
        sys.exit(f'{error}.')
    except OSError as error:
        sys.exit(f'{path} cannot be written: {error.strerror}.')
    print(f'\n{recordings.summarize(made)}\n\nwrote {" and ".join(written)}')


if __name__ == '__main__':
    main()
