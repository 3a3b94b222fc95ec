"""Files that are written whole or not at all."""
import os
from pathlib import Path
from typing import Union

from mmengine.fileio import LocalBackend, register_backend


@register_backend('atomic')
class AtomicBackend(LocalBackend):
    """Local files, of which no other process ever sees a part.

    ``backend_args=dict(backend='atomic')`` of MMEngine's file functions and
    hooks.
    """

    def put(self, obj: bytes, filepath: Union[str, Path]) -> None:
        """Writes to ``<filepath>.part`` on the disk and renames that.

        Until the renaming a file of that name stays as it was.

        Args:
            obj (bytes): The content.
            filepath (str or Path): Where it goes; missing folders are made.
        """
        Path(filepath).parent.mkdir(parents=True, exist_ok=True)
        part = f'{filepath}.part'
        with open(part, 'wb') as stream:
            stream.write(obj)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, filepath)
