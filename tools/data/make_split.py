"""Samples the labelled clips of an annotation file into a split file.

Clips without a label, or with label -1, are never drawn: of a partly labelled
file, the label fraction is that of the clips that have a label.
"""
import argparse
from collections import Counter
from typing import List, Optional, Tuple

from psp_plugin.commands.command_line import check_output, exit_on_error
from psp_plugin.datasets.semi_supervised import (
    DRAWS,
    SemiSupervisedDataset,
    Source,
    open_source,
)
from psp_plugin.datasets.split import write_split
from psp_plugin.errors import InputError
from psp_plugin.recordings import read_labels


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
    amount.add_argument(
        '--labels', metavar='CSV',
        help='the clips that have a label in this table, which is that of '
        'convert_skeletons.py or tools/label.py; the pickle has their labels')
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


def names_in_table(path: str, source: Source) -> List[str]:
    """Returns the clips of a dataset that a table labels.

    Raises:
        InputError: If there are none, or if one has no label or another one
            in the dataset.
    """
    table = read_labels(path)
    own = {name: label for name, label in zip(*source.clips)
           if name in table.labels}
    if not own:
        raise InputError(f'none of the {len(table.labels)} clips with a label '
                         f'in {path} is in {source}')
    classes = source.dataset.metainfo.get('classes')
    named = bool(table.classes and classes)
    comparable = named or not table.classes
    for name, label in own.items():
        if label is None:
            raise InputError(
                f'clip {name!r} has no label in {source}: write those of '
                f'{path} into a new pickle with tools/data/'
                'convert_skeletons.py --labels')
        given = table.labels[name]
        pair = ((table.classes[given], classes[label]) if named
                else (given, label))
        if comparable and pair[0] != pair[1]:
            raise InputError(f'clip {name!r} has the label {pair[0]!r} in '
                             f'{path}, but {pair[1]!r} in {source}')
    return sorted(own)


def draw(args: argparse.Namespace, cfg: dict) -> Tuple[List[str], str]:
    """Returns the names of the labelled clips, and how they were chosen.

    Raises:
        InputError: If the arguments contradict each other or the data.
    """
    ratio, how = args.ratio, args.draw
    if args.over_all_classes:
        how = 'over-all'
    listed = ('--all-labeled' if args.all_labeled else
              '--labels' if args.labels else None)
    if listed and how:
        raise InputError(f'{listed} draws no clips: leave --draw and '
                         '--over-all-classes out')
    if args.labels:
        return names_in_table(args.labels, open_source(cfg)), args.labels
    if args.all_labeled:
        ratio, how = 1., 'over-all'
    labeled = SemiSupervisedDataset(
        cfg, labeled_ratio=ratio, labeled_per_class=args.per_class,
        seed=args.seed, draw=how)
    return labeled.labeled_names, (
        'all-labeled' if args.all_labeled else labeled.draw)


def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    cfg = dict(type='CheckedPoseDataset', ann_file=args.ann_file,
               split=args.split)
    with exit_on_error():
        check_output(args.output, args.ann_file, args.labels)
        source = open_source(cfg)  # kept, so that the file is read once
        names, how = draw(args, cfg)
        write_split(args.output, names, ann_file=args.ann_file,
                    split=args.split, ratio=args.ratio,
                    per_class=args.per_class, draw=how,
                    over_all_classes=how == 'over-all', seed=args.seed)
        label_of = dict(zip(*source.clips))
    counts = Counter(label_of[name] for name in names)
    print('class  labelled clips')
    for label, count in sorted(counts.items()):
        print(f'{label:5}  {count:14}')
    print(f'{len(names)} labelled clips in {len(counts)} classes, written '
          f'to {args.output}')


if __name__ == '__main__':
    main()
