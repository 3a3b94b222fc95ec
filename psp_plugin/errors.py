"""Errors that the commands print in one line, without a traceback."""


class InputError(ValueError):
    """An input of the user is invalid; the message explains it in a sentence.
    """


class FileError(InputError):
    """A file is invalid; the message is a sentence that begins with its path.

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
