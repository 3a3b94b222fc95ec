"""One clip of a toolbox pickle."""
import functools
import os
from typing import Any, List, Optional

from ..pickles import PickleFileError, load_pickle
from .checks import Flaw
from .json_forms import keypoint_form


def read_entry(path: str, name: Optional[str]) -> dict:
    """Reads one annotation of a pickle; its label is disregarded.

    Args:
        path (str): The pickle: one annotation, a list of them, or a data set
            with ``annotations``.
        name (str, optional): ``frame_dir`` or ``filename`` of the clip; None
            for a pickle of one annotation.

    Returns:
        dict: The arguments of :func:`.checks.make_annotation`.
    """
    stat = os.stat(path)
    try:
        data = load_once(path, stat.st_mtime_ns, stat.st_size)
    except PickleFileError as error:
        raise Flaw(error.reason) from error
    record = the_entry(data, name)
    if 'keypoint' not in record:
        raise Flaw('has no "keypoint" in its annotation, but '
                   f'{", ".join(map(repr, list(record)[:5])) or "nothing"}')
    return keypoint_form(record)


@functools.lru_cache(maxsize=1)
def load_once(path: str, changed: int, size: int) -> Any:
    """The pickle last read, so that its clips come one by one quickly."""
    return load_pickle(path)


def the_entry(data: Any, name: Optional[str]) -> dict:
    """The annotation of one name, or the only one."""
    if name is None and isinstance(data, dict) and 'keypoint' in data:
        return data
    entries = list_entries(data)
    names = [entry.get('frame_dir', entry.get('filename'))
             for entry in entries]
    if name is None:
        raise Flaw(f'holds {len(entries)} clips: name one behind a #, such '
                   f'as #{names[0] if names else "NAME"}')
    count = names.count(name)
    if count != 1:
        raise Flaw(f'holds {count} clips of this name among {len(names)}')
    return entries[names.index(name)]


def list_entries(data: Any) -> List[dict]:
    """The annotations of a data set."""
    entries = data.get('annotations') if isinstance(data, dict) else data
    if not isinstance(entries, list) or not all(
            isinstance(entry, dict) for entry in entries):
        raise Flaw('is neither an annotation nor a list of them nor a dict '
                   'with "annotations"')
    return entries
