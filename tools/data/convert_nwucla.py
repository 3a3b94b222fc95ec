"""Converts NW-UCLA skeletons to the pickle that the toolbox reads."""
import argparse
import sys
from typing import List, Optional

from psp_plugin.recordings import nwucla


def parse_args(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'source', metavar='SRC',
        help='the all_sqe zip, or a folder with its aAA_sSS_eEE_vVV.json '
        'files')
    parser.add_argument(
        '-o', '--output', default='data/skeleton/nwucla_3d.pkl',
        help='the pickle to write (default: %(default)s)')
    return parser.parse_args(argv)


def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    try:
        _, summary = nwucla.convert(args.source, args.output)
    except nwucla.NWUCLAError as error:
        sys.exit(f'{error}.')
    except OSError as error:
        sys.exit(f'{args.output} cannot be written: {error.strerror}.')
    print(f'{summary}\n\nwrote {args.output}')


if __name__ == '__main__':
    main()
