"""Atomic writing of files."""
import os
from pathlib import Path
from typing import Union

from mmengine.fileio import LocalBackend, register_backend


@register_backend('atomic')
class AtomicBackend(LocalBackend):
    """Local files that are written completely or not at all.

    Use it by ``backend_args=dict(backend='atomic')`` in MMEngine's file
    functions and hooks.
    """

    def put(self, obj: bytes, filepath: Union[str, Path]) -> None:
        """Writes to ``<filepath>.part``, syncs it to disk and renames it.

        An existing file of that name does not change until the renaming.

        Args:
            obj (bytes): The content.
            filepath (str or Path): The file; missing folders are created.
        """
        Path(filepath).parent.mkdir(parents=True, exist_ok=True)
        part = f'{filepath}.part'
        with open(part, 'wb') as stream:
            stream.write(obj)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, filepath)
