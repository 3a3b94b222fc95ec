"""Runs MMAction2's own command lines on configs of this plugin."""
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Sequence

from mmengine.config import Config

from .datasets.files import annotation_paths, check_annotation_file


def load_tool(name: str) -> ModuleType:
    """Loads a script of the toolbox, such as ``train``, as a module.

    Args:
        name (str): Path of the script below the toolbox's ``tools`` folder,
            without ``.py``.

    Raises:
        ImportError: If the installed toolbox has no such script.
    """
    toolbox = importlib.util.find_spec('mmaction')
    path = Path(toolbox.origin).parent / '.mim' / 'tools' / f'{name}.py'
    if not path.is_file():
        raise ImportError(f'the installed MMAction2 has no {path}: install a '
                          'released wheel, or run `pip install -e .` in its '
                          'source folder')
    spec = importlib.util.spec_from_file_location(f'mmaction_{name}', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run_tool(name: str, uses: Sequence[str]) -> None:
    """Runs ``train`` or ``test`` with the arguments of this process.

    Missing annotation files are told in one sentence before anything is
    built, which the toolbox's script would do only after the model.

    Args:
        name (str): ``'train'`` or ``'test'``.
        uses (Sequence[str]): Config keys whose datasets the script reads.
    """
    tool = load_tool(name)
    args = tool.parse_args()
    cfg = Config.fromfile(args.config)
    cfg.merge_from_dict(args.cfg_options or {})
    if getattr(args, 'no_validate', False):
        uses = [key for key in uses if not key.startswith('val_')]
    try:
        for path in annotation_paths([cfg.get(key) for key in uses]):
            check_annotation_file(path)
    except FileNotFoundError as error:
        sys.exit(f'{args.config}: {error}')
    tool.main()
