"""Tables as text: Markdown and CSV."""
import csv
import io
from pathlib import Path
from typing import Iterable, Optional, Sequence, Union

from psp_plugin.engine.atomic_backend import AtomicBackend


def as_markdown(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table in Markdown.

    Args:
        head (Iterable[str]): Names of the columns.
        rows (Iterable[Iterable[str]]): Cells; a ``|`` in them becomes a
            ``/``.
    """
    head = list(head)
    return ''.join(
        f'| {" | ".join(cell.replace("|", "/") for cell in line)} |\n'
        for line in (head, ['---'] * len(head), *rows))


def as_csv(rows: Sequence[dict],
           columns: Optional[Sequence[str]] = None) -> str:
    """A table in CSV.

    Args:
        rows (Sequence[dict]): The rows, which have the same keys.
        columns (Sequence[str], optional): The keys in their order. Defaults
            to that of the first row.
    """
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns or list(rows[0]),
                            lineterminator='\n')
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def write_whole(text: str, path: Union[str, Path]) -> None:
    """Writes a file, whole or not at all."""
    AtomicBackend().put(text.encode(), path)
