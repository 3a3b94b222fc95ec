"""A table is changed by one program at a time."""
import fcntl
import os

from psp_plugin.errors import InputError


class TableLock:
    """Locks a table until it is released or the process ends.

    The lock is that of a hidden file next to the table, as the table itself
    is replaced with each change.

    Args:
        path (str): The table, which may be missing.

    Raises:
        InputError: If it is locked, or if its folder is missing.
        OSError: If the hidden file cannot be created.
    """

    def __init__(self, path: str) -> None:
        folder, name = os.path.split(os.path.realpath(path))
        if not os.path.isdir(folder):
            raise InputError(f'{path} cannot be written, for there is no '
                             f'folder {folder}: create it first')
        self.path = os.path.join(folder, f'.{name}.lock')
        while True:
            self.file = os.open(self.path, os.O_CREAT | os.O_RDWR, 0o666)
            try:
                fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                os.close(self.file)
                raise InputError(
                    f'{path} is being labelled by another tools/label.py: '
                    'open its page in another browser window, or end it '
                    'first') from error
            if self._is_current():
                return
            os.close(self.file)

    def _is_current(self) -> bool:
        """Whether the file was not removed by its owner before the lock."""
        try:
            return os.path.samestat(os.fstat(self.file), os.stat(self.path))
        except FileNotFoundError:
            return False

    @property
    def released(self) -> bool:
        """Whether others can lock the table."""
        return self.file < 0

    def release(self) -> None:
        """Removes the file and leaves the table to others."""
        if self.released:
            return
        if self._is_current():
            os.unlink(self.path)
        os.close(self.file)
        self.file = -1
