"""Figures without a window, saved so that the same one is the same file."""
from pathlib import Path
from typing import Union

import matplotlib
from matplotlib.figure import Figure

from psp_plugin.errors import InputError

FORMATS = ('png', 'svg')


def check_format(path: Union[str, Path]) -> None:
    """Raises InputError unless a file is to be PNG or SVG."""
    if Path(path).suffix.lower()[1:] not in FORMATS:
        raise InputError(f'{path} is neither .png nor .svg')


def save_figure(figure: Figure, path: Union[str, Path],
                dpi: float = 100) -> None:
    """Saves a figure as PNG or SVG, without date and random names within.

    Args:
        figure (Figure): The figure.
        path (str or Path): The file to write: ``.png`` or ``.svg``. Its
            folder is made where it is missing.
        dpi (float): Dots per inch of a PNG file. Defaults to 100.

    Raises:
        InputError: If the format is another one.
        OSError: If the file cannot be written.
    """
    check_format(path)
    path = Path(path)
    kind = path.suffix.lower()[1:]
    path.parent.mkdir(parents=True, exist_ok=True)
    # Matplotlib names its clip paths by a hash, with a random salt if none.
    with matplotlib.rc_context({'svg.hashsalt': 'psp_plugin'}):
        figure.savefig(path, format=kind, dpi=dpi, facecolor='white',
                       metadata={'Date': None} if kind == 'svg' else None)
