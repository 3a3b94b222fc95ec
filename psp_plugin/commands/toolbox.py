"""Runs MMAction2's scripts, unmodified, with the plugin imported.

``python -m psp_plugin.toolbox TOOL ARGUMENTS...`` imports the plugin, which
patches the toolbox, before the script's first line. Started by its path, a
script that imports ``mmaction.models`` or loads a checkpoint before it reads
a config fails because of problems in the released wheel
(:mod:`psp_plugin.compat`).
"""
import argparse
import importlib.util
import runpy
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import List, Optional, Sequence

import mmaction
from mmengine.config import Config

from psp_plugin.annotations import InvalidClipError, check_annotation_file
from psp_plugin.commands.command_line import read_config
from psp_plugin.commands.loading import check_checkpoint_file
from psp_plugin.commands.run_checks import (
    annotation_paths,
    check_run,
    class_options,
    label_options,
)
from psp_plugin.configs import find_dicts
from psp_plugin.engine.distributed import join_cpu_processes
from psp_plugin.errors import InputError


def tools_folder() -> Path:
    """Returns the folder with the scripts of the installed toolbox."""
    return Path(mmaction.__file__).parent / '.mim' / 'tools'


def list_tools() -> List[str]:
    """Lists the toolbox's scripts, such as ``analysis_tools/get_flops``."""
    folder = tools_folder()
    return sorted(path.relative_to(folder).with_suffix('').as_posix()
                  for path in folder.rglob('*.py'))


def find_tool(name: str) -> Path:
    """Finds a script of the toolbox by its name.

    Args:
        name (str): Path of the script below the toolbox's ``tools`` folder,
            without ``.py``.

    Raises:
        ImportError: If the installed toolbox has no such script.
    """
    path = tools_folder() / f'{name}.py'
    if path.is_file():
        return path
    tools = list_tools()
    if not tools:
        raise ImportError(f'the installed MMAction2 has no {path.parent}: '
                          'install a released wheel, or run `pip install -e '
                          '.` in its source folder')
    similar = [tool for tool in tools if Path(tool).stem == Path(name).stem]
    raise ImportError(
        f'the installed MMAction2 has no tool {name!r}: ' +
        (f'did you mean {" or ".join(similar)}?' if similar else
         '`python -m psp_plugin.toolbox --help` lists its tools'))


def load_tool(name: str) -> ModuleType:
    """Loads a script of the toolbox as a module, see :func:`find_tool`."""
    path = find_tool(name)
    loader = SourceFileLoader(f'mmaction_{name}', str(path))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None  # as there is a loader
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def run_tool(name: str, uses: Sequence[str]) -> None:
    """Runs ``train`` or ``test`` with the arguments of this process.

    Exits with one sentence for missing files and incompatible settings,
    before anything is built, and for a checkpoint that does not fit the model,
    before anything is computed. Sets the number of classes of checked
    datasets, and that those of a classifier need labels. Supports several
    processes without an accelerator.

    Args:
        name (str): ``'train'`` or ``'test'``.
        uses (Sequence[str]): Config keys whose datasets the script reads.
    """
    tool = load_tool(name)
    args = tool.parse_args()
    if getattr(args, 'no_validate', False):
        uses = [key for key in uses if not key.startswith('val_')]
    try:
        cfg = read_config(args)
        for path in annotation_paths([cfg.get(key) for key in uses]):
            check_annotation_file(path)
        check_run(cfg, uses)
        if getattr(args, 'amp', False):
            _check_amp(args.config)
        options = [*class_options(cfg, uses), *label_options(cfg, uses),
                   *resume_options(args, cfg),
                   *fit_options(name, args, cfg),
                   *join_cpu_processes(args.launcher, cfg)]
    except (FileNotFoundError, ValueError) as error:
        sys.exit(f'{args.config}: {error}')
    if options:  # in addition to those of the user
        sys.argv += ['--cfg-options', *options]
    try:
        tool.main()
    except (InputError, InvalidClipError, FloatingPointError) as error:
        sys.exit(f'{args.config}: {error}')


def resume_options(args: argparse.Namespace, cfg: Config) -> List[str]:
    """Returns options with which ``--resume`` respects ``load_from``.

    In the toolbox, ``--resume`` without a checkpoint to resume from trains
    from scratch, whatever the config's ``load_from``; with ``load_from`` in
    ``--cfg-options`` it resumes that checkpoint instead of the run's own.

    Args:
        args (argparse.Namespace): Arguments of the script.
        cfg (Config): The config of the run.

    Returns:
        list[str]: Values for ``--cfg-options``: the run resumes its own last
        checkpoint, or begins with ``load_from`` if it has none.
    """
    path = cfg.get('load_from')
    if getattr(args, 'resume', None) != 'auto' or not path:
        return []
    folder = Path(args.work_dir or cfg.get('work_dir') or
                  Path('work_dirs', Path(args.config).stem))
    if (folder / 'last_checkpoint').is_file() or any(folder.glob('*.pth')):
        return ['load_from=None']
    check_checkpoint_file(str(path))
    return ['resume=False', f'load_from={path}']


def fit_options(name: str, args: argparse.Namespace,
                cfg: Config) -> List[str]:
    """Returns options that add :class:`CheckpointFitHook` to a run.

    Args:
        name (str): ``'train'``, in which ``load_from`` may fit partly, or
            ``'test'``, in which it must not without ``partial_checkpoint``.
        args (argparse.Namespace): Arguments of the script.
        cfg (Config): The config of the run.

    Returns:
        list[str]: Values for ``--cfg-options``; none if the config has the
        hook.

    Raises:
        FileNotFoundError: If the named checkpoint is missing.
    """
    path = (args.checkpoint if name == 'test' else
            cfg.get('load_from') if args.resume is None else
            None if args.resume == 'auto' else args.resume)
    if path:
        check_checkpoint_file(str(path))
    if any(part.get('type') == 'CheckpointFitHook' for _, part in find_dicts(
            [cfg.get('default_hooks'), cfg.get('custom_hooks')])):
        return []
    partial = name == 'train' or bool(cfg.get('partial_checkpoint'))
    return ['default_hooks.checkpoint_fit.type=CheckpointFitHook',
            f'default_hooks.checkpoint_fit.partial={partial}']


def _check_amp(path: str) -> None:
    """Raises ValueError where ``--amp`` fails an assertion of the toolbox.

    Like the toolbox, it reads the file without ``--cfg-options``.
    """
    wrapper = Config.fromfile(path).optim_wrapper.get('type', 'OptimWrapper')
    if wrapper not in ('OptimWrapper', 'AmpOptimWrapper'):
        raise ValueError(
            '--amp only replaces the plain OptimWrapper, but this config '
            f'has {wrapper}: leave --amp out, or set optim_wrapper='
            "dict(type='OptimWrapper') in a config based on it")


def parse_args(argv: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """Parses the command line; the tool gets all arguments after its name."""
    parser = argparse.ArgumentParser(
        prog='python -m psp_plugin.toolbox',
        description='Runs a script of the installed MMAction2, unmodified, '
        'with the plugin imported.',
        epilog='\n  '.join(['tools:', *list_tools()]),
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('tool', help='name of a script listed below')
    parser.add_argument('arguments', nargs=argparse.REMAINDER,
                        help='arguments of the script, such as its --help')
    return parser.parse_args(argv)


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Runs a script of the toolbox as ``__main__``.

    Args:
        argv (Sequence[str], optional): Name of the script and its arguments.
            Defaults to those of this process.
    """
    args = parse_args(argv)
    try:
        path = find_tool(args.tool)
    except ImportError as error:
        sys.exit(str(error))
    sys.argv = [str(path), *args.arguments]
    runpy.run_path(str(path), run_name='__main__')
