"""Where a run and its report come from: versions, files and commands."""
import importlib.metadata
import json
import re
from pathlib import Path
from typing import Any, Dict, List, Tuple

from mmengine.config import Config

from psp_plugin.annotations import PreparedFile, is_prepared, sha256_of
from psp_plugin.commands.run_checks import annotation_paths
from psp_plugin.errors import FileError

from ..experiments.provenance import commit
from ..experiments.run_folder import FILE, scalar_logs

PACKAGES = ('torch', 'mmengine', 'mmaction2', 'numpy', 'scikit-learn',
            'plotly')
# Lines of the first page of MMEngine's logs.
ENVIRONMENT = re.compile(r'^ {4}(Python|PyTorch|MMEngine|GPU [\d,]+): (.+)$',
                         re.M)
Rows = List[Tuple[str, str]]


def training_rows(folder: Path, meta: Dict[str, Any]) -> Rows:
    """Describes the training that wrote a checkpoint.

    Args:
        folder (Path): The work dir.
        meta (dict): ``meta`` of the checkpoint.
    """
    rows: Rows = [('Epoch of the checkpoint', _known(meta, 'epoch')),
                  ('Iteration of the checkpoint', _known(meta, 'iter')),
                  ('Date of the checkpoint', date_of(meta)),
                  ('Seed', _known(meta, 'seed')),
                  ('Commit', commits_of(folder))]
    logs = [log for path in scalar_logs(folder)
            for log in path.parents[1].glob('*.log')]
    if logs:  # the last start is that of the last checkpoint
        text = logs[-1].read_text(encoding='utf-8', errors='replace')
        rows += ENVIRONMENT.findall(text[:20000])
    return rows


def _known(meta: Dict[str, Any], key: str) -> str:
    value = meta.get(key)
    return 'not recorded' if value is None else str(value)


def date_of(meta: Dict[str, Any]) -> str:
    """The date and time at which a checkpoint was written."""
    parts = re.fullmatch(r'(\d{4})(\d\d)(\d\d)_(\d\d)(\d\d)(\d\d)',
                         str(meta.get('time')))
    return '{}-{}-{} {}:{}:{}'.format(*parts.groups()) if parts else (
        'not recorded')


def commits_of(folder: Path) -> str:
    """The commits that a study recorded for a run.

    Raises:
        FileError: If its record is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        return 'not recorded: only tools/run_study.py records it'
    try:
        found = json.loads(path.read_text(encoding='utf-8'))['commits']
    except (ValueError, KeyError, TypeError) as error:
        raise FileError(str(path), 'is not the state of a run: remove it'
                        ) from error
    return ', '.join(map(str, found))


def report_rows(device: str, seed: int, command: str) -> Rows:
    """Describes how a report was made.

    Args:
        device (str): What the model was run on.
        seed (int): Seed of t-SNE and of the choice of clips.
        command (str): The command line.
    """
    return [('Command', command), ('Device', device), ('Seed', str(seed)),
            ('Commit', commit()),
            *((name, version_of(name)) for name in PACKAGES)]


def version_of(package: str) -> str:
    """The version of an installed package."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return 'not installed'


def file_rows(cfg: Config, checkpoint: Path) -> Rows:
    """Names the checkpoint and the annotation files, with their SHA-256."""
    paths = [str(checkpoint), *annotation_paths(cfg)]
    return [(path, f'SHA-256 {hash_of(Path(path))}')
            for path in dict.fromkeys(paths)]


def hash_of(path: Path) -> str:
    """SHA-256 of a file, or why there is none."""
    if not path.is_file():
        return 'unknown, as the file is not on this machine'
    if is_prepared(str(path)):  # too large to be read for a report
        return f'of the contents {PreparedFile(str(path)).sha256}'
    return sha256_of(str(path))
