"""Labels skeleton clips in a page of the browser, into a table of labels.

The page is only reachable from this machine; every answer is in the table
before the page shows it as saved. An existing table is continued.
"""
import argparse
import shlex
from pathlib import Path
from typing import List, Optional

from psp_plugin.commands.command_line import (
    add_read_options,
    exit_on_error,
    positive,
    read_options,
)
from psp_plugin.recordings import OF_CLIPS
from psp_plugin.tooling.labeling import (
    PORT,
    ClipPool,
    LabelStore,
    address_of,
    open_socket,
    require_packages,
    run_server,
)


def parse_args(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        'pool', metavar='POOL', help='the clips: an annotation pickle, or a '
        'folder of recordings')
    parser.add_argument(
        'labels', metavar='LABELS.csv', help='the table to write, as '
        'tools/data/convert_skeletons.py --labels takes it; an existing one '
        'is continued')
    parser.add_argument(
        '--clips', metavar='LIST', help='label only the clips of this split '
        'file, in its order (default: all)')
    parser.add_argument(
        '--classes', metavar='FILE', help='a label map, one class name per '
        'line, of the only classes (default: those of the table and the '
        'pickle, and new ones from the page)')
    parser.add_argument(
        '--layout', metavar='NAME', help='the joint layout, such as nwucla '
        '(default: that of the clips, or the built-in one with as many '
        'joints)')
    parser.add_argument(
        '--up', choices=('y', '-y', 'z'), help='the axis that points up in '
        '3D clips; --up=-y for -y (default: along the spine of the layout, '
        'else y)')
    parser.add_argument(
        '--port', type=positive, default=PORT, metavar='N',
        help='port of the page (default: %(default)s)')
    parser.add_argument('--no-browser', action='store_true',
                        help='do not open the page in a browser')
    add_read_options(parser)
    return parser.parse_args(argv)


def next_command(args: argparse.Namespace) -> Optional[str]:
    """Returns the command that takes the labels, None without one."""
    pool = Path(args.pool)
    if not pool.is_dir() and pool.suffix.lower() not in OF_CLIPS:
        return None
    words = ['python', 'tools/data/convert_skeletons.py', args.pool, '-o',
             'OUT.pkl', '--labels', args.labels]
    words += ['--scored'] * args.scored
    for name in ('classes', 'joints', 'axes', 'fps', 'recorded_fps'):
        value = getattr(args, name)
        if value is not None:
            words += [f'--{name.replace("_", "-")}', str(value)]
    return shlex.join(words)


def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    with exit_on_error():
        require_packages()
        pool = ClipPool(args.pool, read_options(args), args.clips,
                        args.layout, args.up)
        store = LabelStore(args.labels, pool.names, args.classes,
                           pool.classes)
        try:
            listener = open_socket(args.port)
            print(f'{len(pool.names)} clips of {args.pool}, labels in '
                  f'{args.labels}\n{address_of(listener)} (end with Ctrl-C)',
                  flush=True)
            run_server(pool, store, listener, next_command(args),
                       not args.no_browser)
        finally:
            store.close()


if __name__ == '__main__':
    main()
