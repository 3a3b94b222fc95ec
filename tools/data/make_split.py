"""Samples the labelled clips of an annotation file into a split file."""
import argparse
from collections import Counter
from typing import List, Optional

from psp_plugin.commands.command_line import exit_on_error
from psp_plugin.datasets.semi_supervised import SemiSupervisedDataset
from psp_plugin.datasets.split import write_split


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
    parser.add_argument(
        '--over-all-classes', action='store_true',
        help='sample the ratio of all clips, independent of their labels, '
        'instead of equally many per class')
    parser.add_argument(
        '--seed', type=int, default=0, help='(default: %(default)s)')
    return parser.parse_args(argv)


def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    with exit_on_error():
        labeled = SemiSupervisedDataset(
            dict(
                type='CheckedPoseDataset', ann_file=args.ann_file,
                split=args.split),
            labeled_ratio=args.ratio,
            labeled_per_class=args.per_class,
            seed=args.seed,
            balanced=not args.over_all_classes)
        write_split(args.output, labeled.labeled_names,
                    ann_file=args.ann_file, split=args.split,
                    ratio=args.ratio, per_class=args.per_class,
                    over_all_classes=args.over_all_classes,
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
