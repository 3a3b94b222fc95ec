"""Formats tables as Markdown and CSV."""
import csv
import io
from pathlib import Path
from typing import Iterable, Optional, Sequence, Union

from psp_plugin.engine.atomic_backend import AtomicBackend


def as_markdown(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Formats a table as Markdown.

    Args:
        head (Iterable[str]): Names of the columns.
        rows (Iterable[Iterable[str]]): Cells; ``|`` is replaced with ``/``.
    """
    head = list(head)
    return ''.join(
        f'| {" | ".join(cell.replace("|", "/") for cell in line)} |\n'
        for line in (head, ['---'] * len(head), *rows))


def as_csv(rows: Sequence[dict],
           columns: Optional[Sequence[str]] = None) -> str:
    """Formats a table as CSV.

    Args:
        rows (Sequence[dict]): The rows, with the same keys.
        columns (Sequence[str], optional): The keys in order. Defaults to the
            order of the first row.
    """
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns or list(rows[0]),
                            lineterminator='\n')
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def write_atomically(text: str, path: Union[str, Path]) -> None:
    """Writes a text file atomically."""
    AtomicBackend().put(text.encode(), path)
