"""Checks an annotation file: lists all its problems and its contents.

Exits with status 0 if there is no problem, otherwise 1.
"""
import argparse
import json
import sys
from functools import partial
from typing import List, Optional

from mmengine.fileio import put_text

from psp_plugin.annotations import describe, survey
from psp_plugin.commands.command_line import exit_on_error, show_progress
from psp_plugin.skeletons import get_pyramid


def parse_args(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('ann_file', metavar='FILE',
                        help='a PoseDataset pickle; none of its code is run')
    parser.add_argument('--split', metavar='NAME',
                        help='check this split only (default: all clips)')
    parser.add_argument(
        '--num-classes', type=int, metavar='N',
        help='the number of classes of the model, which labels must be below')
    joints = parser.add_mutually_exclusive_group()
    joints.add_argument('--layout', metavar='L',
                        help='the joint layout of the model, such as nwucla')
    joints.add_argument(
        '--joints', type=int, metavar='V',
        help='the number of joints of the model (default: that of most '
        'clips)')
    parser.add_argument('--multi-class', action='store_true',
                        help='clips have lists of labels')
    parser.add_argument(
        '--points-apart', action='store_true',
        help="key points are in one file per clip, data_prefix['skeleton']")
    parser.add_argument('--json', metavar='OUT',
                        help='write the complete results to this file')
    return parser.parse_args(argv)


def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    with exit_on_error():
        joints = args.joints
        if args.layout is not None:
            joints = get_pyramid(args.layout).num_joints
        found = survey(args.ann_file, args.split, args.num_classes, joints,
                       partial(show_progress, doing='checking'),
                       multi_class=args.multi_class,
                       need_points=not args.points_apart)
        if args.json:
            put_text(json.dumps(found.as_dict(), indent=1, default=repr),
                     args.json)
    print(describe(found))
    if found.invalid:
        sys.exit(1)


if __name__ == '__main__':
    main()
