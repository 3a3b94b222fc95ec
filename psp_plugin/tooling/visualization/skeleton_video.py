"""Writes skeleton videos (GIF, MP4) and figures (PNG, SVG).

Videos are written by Pillow and OpenCV, dependencies of matplotlib and the
toolbox; matplotlib's MP4 writer would need ffmpeg.
"""
from itertools import chain
from pathlib import Path
from typing import Iterator, Optional, Sequence, Tuple, Union

import cv2
import matplotlib
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from psp_plugin.errors import InputError

from .frames import COLORS, PLAIN, draw_frames

Color = Union[str, Tuple[float, float, float]]  # matplotlib's
FORMATS = ('png', 'svg')  # of figures


def write_skeleton_video(path: Union[str, Path],
                         keypoint: np.ndarray,
                         bones: Sequence[Tuple[int, int]],
                         importance: Optional[np.ndarray] = None,
                         title: Optional[str] = None,
                         fps: float = 20,
                         up: str = 'y') -> None:
    """Writes a clip as a video.

    3D skeletons are shown from the view of Kinect's sensor, without
    perspective, and 2D ones as in the image: upright, not mirrored, with the
    same view in all frames. Joints at the origin or NaN are missing; they and
    their bones are not drawn.

    Args:
        path (str or Path): The file to write: ``.gif`` or ``.mp4``. Its
            folder is created if missing.
        keypoint (np.ndarray): Joints as recorded, (M, T, V, 3), or (M, T, V,
            2) in pixels, y down.
        bones (Sequence[tuple[int, int]]): Pairs of joints to connect.
        importance (np.ndarray, optional): (V,); colour and size of the
            joints. Colours span its range, or 0.05 if the range is smaller.
            Defaults to None: one colour and no colour bar.
        title (str, optional): Title above the skeleton. Defaults to None.
        fps (float): Frames per second; in a GIF, the duration of a frame is
            rounded to hundredths of a second. Defaults to 20.
        up (str): The axis that points up in 3D: ``'y'`` as for Kinect,
            ``'z'`` or ``'-y'``. Defaults to ``'y'``.

    Raises:
        ValueError: If the format is unknown or arguments are invalid.
        OSError: If the file cannot be written.
    """
    scale = [tuple(tone[:3]) for tone in COLORS(np.linspace(0, 1, 40))]
    write_pictures(path, draw_frames(keypoint, bones, importance, title, up),
                   fps, [PLAIN], scale)


def write_pictures(path: Union[str, Path],
                   pictures: Iterator[np.ndarray],
                   fps: float,
                   colors: Sequence[Color],
                   scale: Sequence[Color] = ()) -> None:
    """Writes pictures as a video.

    Args:
        path (str or Path): The file to write: ``.gif`` or ``.mp4``. Its
            folder is created if missing.
        pictures (Iterator[np.ndarray]): (H, W, 3), uint8, RGB, of one size.
        fps (float): Pictures per second; in a GIF, the duration of a picture
            is rounded to hundredths of a second.
        colors (Sequence[str or tuple]): Colours of the pictures other than
            black, greys and white. The palette of a GIF contains each in five
            tones towards white.
        scale (Sequence[str or tuple]): Further colours of the palette, in one
            tone. Defaults to none.

    Raises:
        ValueError: If the format is unknown or ``fps`` is not positive.
        OSError: If the file cannot be written.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in ('.gif', '.mp4'):
        raise ValueError(f'{path} is neither .gif nor .mp4')
    if not fps > 0:
        raise ValueError(f'fps must be positive, not {fps}')
    pictures = chain([next(pictures)], pictures)  # validates arguments
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == '.gif':
        _write_gif(path, pictures, fps, _palette(colors, scale))
    else:
        _write_mp4(path, pictures, fps)


def _write_gif(path: Path, pictures: Iterator[np.ndarray], fps: float,
               palette: Image.Image) -> None:
    images = (Image.fromarray(picture).quantize(
        palette=palette, dither=Image.Dither.NONE) for picture in pictures)
    next(images).save(path, format='GIF', save_all=True, append_images=images,
                      duration=max(20, round(100 / fps) * 10), loop=0)


def _palette(colors: Sequence[Color], scale: Sequence[Color]) -> Image.Image:
    """Builds one palette for all frames, which keeps a GIF small."""
    blends = np.linspace(.2, 1, 5)[:, None]
    tones = np.concatenate([
        np.array([to_rgb(color) for color in scale]).reshape(-1, 3),
        np.linspace([0] * 3, [1] * 3, 16),
        *(1 - blends * (1 - np.array(to_rgb(color))) for color in colors),
    ])
    palette = Image.new('P', (1, 1))
    palette.putpalette((255 * tones).round().astype(np.uint8).tobytes())
    return palette


def _write_mp4(path: Path, pictures: Iterator[np.ndarray],
               fps: float) -> None:
    first = next(pictures)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), fps,
                             first.shape[1::-1])
    if not writer.isOpened():
        raise OSError(f'OpenCV cannot write the video {path}')
    for picture in chain([first], pictures):
        writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    writer.release()


def save_figure(figure: Figure, path: Union[str, Path],
                dpi: float = 100) -> None:
    """Saves a figure as PNG or SVG, without dates and random identifiers.

    Args:
        figure (Figure): The figure.
        path (str or Path): The file to write: ``.png`` or ``.svg``. Its
            folder is created if missing.
        dpi (float): Dots per inch of a PNG file. Defaults to 100.

    Raises:
        InputError: If the format is unknown.
        OSError: If the file cannot be written.
    """
    check_format(path)
    path = Path(path)
    kind = path.suffix.lower()[1:]
    path.parent.mkdir(parents=True, exist_ok=True)
    # Matplotlib names clip paths by a hash whose default salt is random.
    with matplotlib.rc_context({'svg.hashsalt': 'psp_plugin'}):
        figure.savefig(path, format=kind, dpi=dpi, facecolor='white',
                       metadata={'Date': None} if kind == 'svg' else None)


def check_format(path: Union[str, Path]) -> None:
    """Raises InputError unless a path ends with .png or .svg."""
    if Path(path).suffix.lower()[1:] not in FORMATS:
        raise InputError(f'{path} is neither .png nor .svg')
