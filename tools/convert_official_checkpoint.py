"""Converts a checkpoint of the released implementation to MMEngine's."""
import argparse
from pathlib import Path
from typing import List, Optional

from psp_plugin.commands.command_line import (
    add_cfg_options,
    exit_on_error,
    read_config,
)
from psp_plugin.tooling.official import convert_file

CONFIG = Path(__file__).resolve().parents[1].joinpath(
    'configs/official/psp_ntu60_xsub_10p.py')


def parse_args(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'source', help='the released checkpoint: a state dict, or a dict with '
        "one under 'model', with or without `module.` in its keys")
    parser.add_argument('target', help='the checkpoint to write')
    parser.add_argument(
        '--config', default=str(CONFIG), help='config of the model that loads '
        'the weights (default: configs/official/psp_ntu60_xsub_10p.py)')
    add_cfg_options(parser)
    return parser.parse_args(argv)


def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    with exit_on_error():
        count = convert_file(args.source, args.target, read_config(args))
    print(f'{count} tensors written to {args.target}, for {args.config}')


if __name__ == '__main__':
    main()
