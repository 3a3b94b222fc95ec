"""Turns an annotation pickle into a file that opens at once.

Its clips are checked here instead of at each start, and all processes of a
machine share its contents. Configs and commands take it like the pickle.
"""
import argparse
from functools import partial
from pathlib import Path
from typing import List, Optional

from psp_plugin.annotations import prepare
from psp_plugin.commands.command_line import exit_on_error, show_progress

# Clips named that were left out.
LISTED = 20


def parse_args(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('ann_file', metavar='IN.pkl',
                        help='a PoseDataset pickle; none of its code is run')
    parser.add_argument(
        '-o', '--output', required=True, metavar='OUT',
        help='the file to write, such as ntu60_3d.clips')
    parser.add_argument(
        '--invalid-clips', choices=('stop', 'skip'), default='stop',
        help='what to do about invalid clips: stop at the first, or leave '
        'them out (default: %(default)s)')
    parser.add_argument(
        '--points-apart', action='store_true',
        help="key points are in one file per clip, data_prefix['skeleton']")
    parser.add_argument(
        '--drop-labels', action='store_true',
        help='leave labels out, without checking them')
    return parser.parse_args(argv)


def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    with exit_on_error():
        made = prepare(args.ann_file, args.output, args.invalid_clips,
                       not args.points_apart, args.drop_labels,
                       partial(show_progress, doing='preparing'))
    for name, problem in made.left_out[:LISTED]:
        print(f'left out {name!r}, which {problem.text}')
    if len(made.left_out) > LISTED:
        print(f'left out {len(made.left_out) - LISTED} more')
    size = Path(args.output).stat().st_size
    print(f'{made.clips} clips in {size / 1e6:.1f} MB, written to '
          f'{args.output}; hash of the contents: {made.sha256}')


if __name__ == '__main__':
    main()
