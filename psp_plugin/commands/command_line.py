"""Arguments, file names, progress and errors shared by the commands."""
import argparse
import contextlib
import copy
import importlib.util
import inspect
import itertools
import os
import sys
from pathlib import Path
from typing import (
    Any,
    Dict,
    Iterable,
    Iterator,
    List,
    Optional,
    Sequence,
    Set,
    Type,
)

from mmengine.config import Config, DictAction
from mmengine.runner import Runner
from rich.console import Console
from rich.progress import track

from psp_plugin.configs import find_dicts
from psp_plugin.errors import InputError
from psp_plugin.recordings import ReadOptions

# The top-level keys of a config that MMEngine's runner reads.
READ_KEYS = frozenset(inspect.signature(Runner.__init__).parameters) | {
    'compile', 'custom_imports', 'find_unused_parameters',
    'model_wrapper_cfg', 'sync_bn'}
# Packages whose modules have another name.
PACKAGE_OF = {'sklearn': 'scikit-learn'}


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


def add_read_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of recordings, see :func:`read_options`."""
    parser.add_argument(
        '--scored', action='store_true',
        help='the last channel of arrays is the score of the joint')
    parser.add_argument(
        '--joints', type=int, metavar='V',
        help='the number of joints: of tables of numbers without names, and '
        'of files of which others are left out (default: that of most)')
    parser.add_argument(
        '--axes', metavar='ORDER',
        help='the order of the axes of arrays, of N clips, M persons, T '
        'frames, V joints and C coordinates, such as CTVM or NCTVM (default: '
        'TVC or MTVC, checked)')
    parser.add_argument(
        '--fps', type=float,
        help='resample to this frame rate (default: as recorded)')
    parser.add_argument(
        '--recorded-fps', type=float,
        help='frame rate of files that do not have it')


def read_options(args: argparse.Namespace,
                 persons: Optional[int] = 2) -> ReadOptions:
    """Returns how recordings are read.

    Raises:
        ValueError: If an option is out of range.
    """
    return ReadOptions(args.scored, args.axes, args.joints, args.fps,
                       args.recorded_fps, persons)


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
    """Reads ``args.config`` and merges ``args.cfg_options`` into it.

    Raises:
        InputError: If an option changes a variable that only the config file
            reads, see :func:`check_variables`.
    """
    cfg = Config.fromfile(args.config)
    if args.cfg_options:
        before = copy.deepcopy(cfg.to_dict())
        cfg.merge_from_dict(args.cfg_options)
        check_variables(args.config, before, cfg.to_dict(), args.cfg_options)
    return cfg


def check_variables(path: str, before: Dict[str, Any], after: Dict[str, Any],
                    options: Iterable[str]) -> None:
    """Raises InputError if an option changes a variable without effect.

    MMEngine merges options after it has run the config file, when the value
    of a variable such as ``ann_file`` has been copied to where it is used, so
    that changing the variable changes nothing. A variable is a top-level key
    that the runner does not read; without a copy of its value in the config
    it may be one that a component reads, which is not checked.

    Args:
        path (str): The config, for the message.
        before (dict): The config without the options.
        after (dict): The config with them.
        options (Iterable[str]): The keys of the options, as ``a.0.b``.
    """
    for key in dict.fromkeys(option.split('.')[0] for option in options):
        value = before.get(key)
        if key in READ_KEYS or not value or after[key] == value:
            continue
        left = find_copies(after, value)
        copies = [place for place in find_copies(before, value)
                  if place.split('.')[0] in READ_KEYS and place in left]
        if copies:
            raise InputError(
                f'{key}=... of --cfg-options changes nothing, as {path} has '
                f'copied this variable: set {", ".join(copies)} instead, '
                'or write a config that is based on it')


def find_copies(cfg: Dict[str, Any], value: Any) -> List[str]:
    """Finds the places, as ``a.0.b``, that hold a value.

    A list also counts where it is a part of a longer one, as the transforms
    of a pipeline are; its place is then that of its first entry.
    """
    places = []
    for place, part in find_dicts(cfg):
        for key, held in part.items():
            here = f'{place}.{key}' if place else key
            if held == value and type(held) is type(value):
                places.append(here)
            elif isinstance(value, list) and isinstance(held, list):
                places += [
                    f'{here}.{first}' for first in range(len(held))
                    if held[first:first + len(value)] == value]
    return places


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


def check_packages(what: str, modules: Sequence[str], install: str) -> None:
    """Raises InputError if packages that a command needs are missing.

    Args:
        what (str): What needs them, for the message.
        modules (Sequence[str]): Names under which they are imported.
        install (str): What ``pip install`` is given to install them.
    """
    missing = [PACKAGE_OF.get(name, name) for name in modules
               if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            f'{what} needs {" and ".join(missing)}, which is not installed: '
            f'run `pip install {install}`')


def check_output(output: str, *inputs: Optional[str]) -> None:
    """Raises InputError if a file to be written is one that is read."""
    for path in filter(None, inputs):
        if os.path.realpath(path) == os.path.realpath(output):
            raise InputError(f'{output} is to be read, but also to be '
                             'written: choose another name for the output')


def check_writable(path: str) -> None:
    """Raises OSError if a file cannot be written; nothing is overwritten."""
    if path != '-' and '://' not in path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        with open(path, 'a'):
            pass


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
