"""A progress bar for work of many steps."""
from typing import Iterable, Sequence

from rich.console import Console
from rich.progress import track


def show_progress(items: Sequence, doing: str) -> Iterable:
    """Yields items, with a bar on the standard error if that is a terminal.

    Args:
        items (Sequence): What is gone through.
        doing (str): What is done with it, such as ``'reading'``.
    """
    console = Console(stderr=True)
    return track(items, doing, console=console,
                 disable=not console.is_terminal)
