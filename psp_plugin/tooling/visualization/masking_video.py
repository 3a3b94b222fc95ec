"""Writes masked, predicted and true motion as GIF or PNG.

Shape legend: M person, T frame, V joint.
"""
from pathlib import Path
from typing import Iterator, Optional, Sequence, Tuple, Union

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from psp_plugin.errors import InputError

from .masking import ClipMasking
from .masking_figure import DPI, GROUPS, PREDICTED, MaskingFigure
from .skeleton_video import save_figure, write_pictures

FORMATS = ('gif', 'png')


def write_masking(path: Union[str, Path],
                  masking: ClipMasking,
                  bones: Sequence[Tuple[int, int]],
                  title: str = '',
                  fps: float = 5,
                  frame: Optional[int] = None,
                  up: str = 'z') -> None:
    """Writes three skeletons side by side: visible, predicted and true.

    Args:
        path (str or Path): The file to write: ``.gif`` for all frames,
            ``.png`` for one. Its folder is created if missing.
        masking, bones, title, up: See :class:`MaskingFigure`.
        fps (float): Frames per second of a GIF. Defaults to 5.
        frame (int, optional): Index of the frame of a PNG. Defaults to None:
            the frame in which masked joints are farthest from their position
            in the first frame of their token.

    Raises:
        InputError: If the format is unknown, or if the frame does not exist.
        ValueError: If another argument is invalid.
        OSError: If the file cannot be written.
    """
    path = Path(path)
    frames = masking.masked.shape[1]
    if path.suffix.lower()[1:] not in FORMATS:
        raise InputError(f'{path} is neither .gif nor .png')
    if frame is not None and not 0 <= frame < frames:
        raise InputError(f'there is no frame {frame + 1}: clips of the model '
                         f'have frames 1 to {frames}')
    drawn = MaskingFigure(masking, bones, title, up)
    if path.suffix.lower() == '.gif':
        write_pictures(path, _draw_all(drawn), fps, (*GROUPS, PREDICTED))
        return
    drawn.show(farthest_frame(masking) if frame is None else frame)
    save_figure(drawn.figure, path, DPI)


def farthest_frame(masking: ClipMasking) -> int:
    """Returns the frame in which masked joints are farthest from their
    position in the first frame of their token."""
    paths = masking.paths(masking.true)[:, :, :-1]
    gone = np.linalg.norm(paths - paths[:, :, :1], axis=-1)
    gone = gone.reshape(masking.masked.shape) * masking.masked  # M, T, V
    return int(gone.sum((0, 2)).argmax())


def _draw_all(drawn: MaskingFigure) -> Iterator[np.ndarray]:
    """Yields the frames, (H, W, 3), uint8, RGB."""
    canvas = FigureCanvasAgg(drawn.figure)
    for frame in range(drawn.frames):
        drawn.show(frame)
        canvas.draw()
        yield np.asarray(canvas.buffer_rgba())[..., :3].copy()
