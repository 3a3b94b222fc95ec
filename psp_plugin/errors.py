"""Errors that the commands tell in one line, without a traceback."""


class InputError(ValueError):
    """Why what a user gave cannot be used, in one sentence."""


class FileError(InputError):
    """Why a file cannot be used, in one sentence that begins with its path.

    Args:
        path (str): The file.
        reason (str): The rest of the sentence.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f'{self.path} {self.reason}'
