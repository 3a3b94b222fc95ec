"""Arguments, file names, progress and errors shared by the commands."""
import argparse
import contextlib
import itertools
import sys
from typing import Any, Iterable, Iterator, Sequence, Set, Type

from mmengine.config import Config, DictAction
from rich.console import Console
from rich.progress import track


def model_parser(description: str) -> argparse.ArgumentParser:
    """Returns a parser of config, checkpoint and ``--cfg-options``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('config', help='the config of the model')
    parser.add_argument('checkpoint', help='its trained weights')
    add_cfg_options(parser)
    return parser


def add_cfg_options(parser: argparse.ArgumentParser) -> None:
    """Adds ``--cfg-options``, as in the toolbox's scripts."""
    parser.add_argument(
        '--cfg-options', nargs='+', action=DictAction, metavar='KEY=VALUE',
        help='keys of the config to override')


def add_device(parser: argparse.ArgumentParser) -> None:
    """Adds ``--device``."""
    parser.add_argument(
        '--device', help='such as cpu or cuda:1 (default: cuda:0 if '
        'available, else cpu)')


def add_jobs(parser: argparse.ArgumentParser, default: int = 1) -> None:
    """Adds ``--jobs``."""
    parser.add_argument(
        '--jobs', type=positive, default=default, metavar='N',
        help='number of parallel runs, which share cores and GPU (default: '
        '%(default)s)')


def read_config(args: argparse.Namespace) -> Config:
    """Reads ``args.config`` and merges ``args.cfg_options`` into it."""
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options or {})
    return cfg


@contextlib.contextmanager
def exit_on_error(*kinds: Type[Exception]) -> Iterator[None]:
    """Exits with the message of an error, without a traceback.

    Args:
        *kinds (type[Exception]): Error types to handle in addition to
            ``ValueError`` and ``OSError``.
    """
    try:
        yield
    except (ValueError, *kinds) as error:  # type: ignore[misc]
        sys.exit(f'{error}.')
    except OSError as error:
        about = error.filename and f'{error.filename}: {error.strerror}'
        sys.exit(f'{about or error}.')


def positive(text: str) -> int:
    """Parses an argument that is a positive integer.

    Raises:
        argparse.ArgumentTypeError: If it is not.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'{text!r} is not a positive integer')
    return int(text)


def free_name(name: str, taken: Set[str]) -> str:
    """Returns a unique file name, without suffix, for a clip.

    Args:
        name (str): Name of the clip.
        taken (set[str]): Names in use; the new one is added.
    """
    stem = name.replace('/', '_')
    stems = (f'{stem}_{i}' if i else stem for i in itertools.count())
    free = next(stem for stem in stems if stem not in taken)
    taken.add(free)
    return free


def show_progress(items: Sequence[Any], doing: str) -> Iterable[Any]:
    """Yields items, with a progress bar on stderr if it is a terminal.

    Args:
        items (Sequence): The items.
        doing (str): Label of the bar, such as ``'reading'``.
    """
    console = Console(stderr=True)
    return track(items, doing, console=console,
                 disable=not console.is_terminal)
