"""Samples the labelled clips of an annotation file into a split file.

Clips without a label, or with label -1, are never drawn: of a partly labelled
file, the label fraction is that of the clips that have a label.
"""
import argparse
from collections import Counter
from typing import List, Optional

from psp_plugin.commands.command_line import exit_on_error
from psp_plugin.datasets.semi_supervised import DRAWS, SemiSupervisedDataset
from psp_plugin.datasets.split import write_split
from psp_plugin.errors import InputError


def parse_args(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('ann_file', help='a PoseDataset pickle')
    parser.add_argument(
        'output', help='the file to write: JSON for .json, else plain text')
    parser.add_argument(
        '--split', help='split of the pickle, such as xsub_train')
    amount = parser.add_mutually_exclusive_group(required=True)
    amount.add_argument(
        '--ratio', type=float, help='label fraction, such as 0.05')
    amount.add_argument(
        '--per-class', type=int, help='labelled clips per class')
    amount.add_argument(
        '--all-labeled', action='store_true',
        help='every clip that has a label')
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        '--draw', choices=DRAWS, help='equally many clips per class; the '
        'ratio of each class, at least one clip; or the ratio of all clips, '
        'independent of their labels (default: balanced)')
    how.add_argument(
        '--over-all-classes', action='store_true',
        help='the same as --draw over-all')
    parser.add_argument(
        '--seed', type=int, default=0, help='(default: %(default)s)')
    return parser.parse_args(argv)


def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    ratio, draw = args.ratio, args.draw
    if args.over_all_classes:
        draw = 'over-all'
    with exit_on_error():
        if args.all_labeled and draw:
            raise InputError('--all-labeled draws no clips: leave --draw and '
                             '--over-all-classes out')
        if args.all_labeled:
            ratio, draw = 1., 'over-all'
        labeled = SemiSupervisedDataset(
            dict(
                type='CheckedPoseDataset', ann_file=args.ann_file,
                split=args.split),
            labeled_ratio=ratio,
            labeled_per_class=args.per_class,
            seed=args.seed,
            draw=draw)
        write_split(args.output, labeled.labeled_names,
                    ann_file=args.ann_file, split=args.split,
                    ratio=args.ratio, per_class=args.per_class,
                    draw='all-labeled' if args.all_labeled else labeled.draw,
                    over_all_classes=labeled.draw == 'over-all',
                    seed=args.seed)
    counts = Counter(
        labeled.get_data_info(i)['label'] for i in range(len(labeled)))
    print('class  labelled clips')
    for label, count in sorted(counts.items()):
        print(f'{label:5}  {count:14}')
    print(f'{len(labeled)} labelled clips in {len(counts)} classes, written '
          f'to {args.output}')


if __name__ == '__main__':
    main()
