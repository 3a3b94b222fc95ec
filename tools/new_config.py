"""Writes a config that trains PSP on an annotation file of your own."""
import argparse
from typing import List, Optional

from psp_plugin.commands.command_line import exit_on_error
from psp_plugin.tooling.new_config import SIZES, Labels, write_config


def parse_args(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('ann_file', metavar='FILE',
                        help='a PoseDataset pickle; none of its code is run')
    parser.add_argument('-o', '--out', required=True, metavar='CONFIG.py',
                        help='the config to write, which must not exist')
    parser.add_argument('--size', choices=list(SIZES), default='small',
                        help='small: for CPUs; full: the sizes of the paper '
                        '(default: %(default)s)')
    labels = parser.add_mutually_exclusive_group()
    labels.add_argument(
        '--labeled-ratio', type=float, metavar='R',
        help='keep the labels of this share of the training clips, and hide '
        'those of the others')
    labels.add_argument(
        '--split-file', metavar='LIST',
        help='the names of the labelled clips, see tools/data/make_split.py')
    labels.add_argument(
        '--unlabeled-split', metavar='NAME',
        help='the split of the unlabelled clips; all of the training split '
        'are labelled (default: unlabeled, if the file has it)')
    parser.add_argument('--train-split', metavar='NAME',
                        help='(default: train, or the only *_train)')
    parser.add_argument('--val-split', metavar='NAME',
                        help='(default: val, or the only *_val)')
    parser.add_argument(
        '--layout', metavar='L', help='the joint layout, such as nwucla, or '
        'a JSON file with its table (default: that named in the file, or the '
        'only one with as many joints)')
    parser.add_argument(
        '--img-shape', type=int, nargs=2, metavar=('HEIGHT', 'WIDTH'),
        help='size of the images of 2D clips that lack img_shape, 1 1 for '
        'coordinates from 0 to 1')
    return parser.parse_args(argv)


def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    labels = Labels(args.labeled_ratio, args.split_file, args.unlabeled_split)
    with exit_on_error():
        data = write_config(
            args.ann_file, args.out, args.size, labels,
            (args.train_split, args.val_split), args.layout,
            args.img_shape and tuple(args.img_shape))
    print(f'{args.out}: {data.joints} joints ({data.source}), '
          f'{data.classes} classes, {data.labeled} labelled clips, '
          f'{data.unlabeled} unlabelled ones; train it with\n'
          f'python tools/train.py {args.out}')


if __name__ == '__main__':
    main()
