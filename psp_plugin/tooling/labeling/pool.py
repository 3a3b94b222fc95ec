"""The clips to be labelled, read one by one."""
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from psp_plugin.commands.find_clips import FoundClip, find_pool
from psp_plugin.datasets.split import read_split
from psp_plugin.errors import InputError
from psp_plugin.recordings import ReadOptions, read_clip
from psp_plugin.skeletons import LAYOUTS, SkeletonPyramid, get_pyramid

from ..pages import clip_for_page, lines_of, up_axis


class UndrawableClipError(InputError):
    """Raised for a clip that cannot be read or drawn."""


class ReadPoses(NamedTuple):
    """What is drawn of a clip, and in which way.

    Args:
        keypoint: (M, T, V, C).
        layout: The joint layout, its name or table, if known.
        fps: Frames per second, if known.
    """
    keypoint: Any
    layout: Any = None
    fps: Optional[float] = None


class ClipPool:
    """The clips of an annotation file or of a folder of recordings.

    Args:
        path (str): An annotation file, a folder, or a recording.
        options (ReadOptions, optional): How recordings are read. Defaults to
            None, the default options.
        chosen (str, optional): A split file with the names of the only clips,
            in their order. Defaults to None: all, in the order of the pool.
        layout (str, optional): Name of the joint layout. Defaults to None: as
            in the file, or the built-in one with as many joints.
        up (str, optional): The axis that points up in 3D clips: ``'y'``,
            ``'-y'`` or ``'z'``. Defaults to None: along the spine.

    Attributes:
        names: The clips. Those of a folder have the names that
            ``convert_folder`` gives them.
        classes: Names of the classes in the annotation file; empty without.

    Raises:
        InputError: If there is no clip, if the only file cannot be read, if
            a chosen clip is missing, or if names are not unique.
        ValueError: If there is no such layout.
    """

    def __init__(self, path: str,
                 options: Optional[ReadOptions] = None,
                 chosen: Optional[str] = None,
                 layout: Optional[str] = None,
                 up: Optional[str] = None) -> None:
        self.path, self.up = path, up
        self.options = options or ReadOptions()
        self.pyramid = get_pyramid(layout) if layout else None
        self.clips = find_pool(path, options=self.options)
        self.names = list(self.clips)
        self.classes: Sequence[str] = next(filter(None, (
            clip.metainfo.get('classes') for clip in self.clips.values())), ())
        if not self.is_folder and len(self.names) == 1:
            self._read(self.clips[self.names[0]])
        if chosen is not None:
            self.names = choose(self.names, chosen, path)
        self.places = {name: i for i, name in enumerate(self.names)}

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of recordings."""
        return Path(self.path).is_dir()

    def draw(self, name: str) -> Tuple[Dict[str, Any], int, int]:
        """Packs a clip for the page.

        Returns:
            tuple: The clip for ``player.js``, and its numbers of persons and
            frames.

        Raises:
            UndrawableClipError: If it cannot be read or drawn.
        """
        try:
            poses = self._read(self.clips[name])
            keypoint = np.asarray(poses.keypoint)
            if keypoint.ndim != 4:
                raise ValueError('its keypoint must have shape (persons, '
                                 'frames, joints, 2 or 3), not '
                                 f'{keypoint.shape}')
            pyramid = self._pyramid(poses.layout, keypoint.shape[2])
            clip = clip_for_page(
                keypoint, lines_of(None, pyramid) if pyramid else [],
                poses.fps, self.up or up_axis(keypoint, pyramid))
            return clip, clip['shape'][0], keypoint.shape[1]
        except MemoryError as error:
            raise UndrawableClipError(
                'it does not fit into the memory') from error
        except ValueError as error:
            raise UndrawableClipError(str(error)) from error
        except Exception as error:  # damaged files can raise any exception
            raise UndrawableClipError(
                f'reading it failed: {error!r}') from error

    def _read(self, clip: FoundClip) -> ReadPoses:
        if isinstance(clip.clip, dict):
            if 'keypoint' not in clip.clip:
                raise ValueError('it has no keypoint')
            return ReadPoses(clip.clip['keypoint'],
                             clip.metainfo.get('layout'),
                             clip.metainfo.get('fps'))
        read = read_clip(str(clip.clip), self.options)
        return ReadPoses(read.annotation['keypoint'], read.layout, read.fps)

    def _pyramid(self, layout: Any, joints: int) -> Optional[SkeletonPyramid]:
        """Returns the joint layout of a clip, None if it is not known."""
        pyramid = self.pyramid
        if pyramid is None and layout:
            pyramid = get_pyramid(layout)
        if pyramid is None:
            return next((known for known in LAYOUTS.values()
                         if known.num_joints == joints), None)
        if pyramid.num_joints != joints:
            raise ValueError(f'it has {joints} joints, but the layout '
                             f'{pyramid.name!r} has {pyramid.num_joints}')
        return pyramid


def choose(names: List[str], chosen: str, path: str) -> List[str]:
    """Reads a split file and returns its names.

    Raises:
        InputError: If it is invalid, or names clips that are not there.
    """
    listed, known = read_split(chosen), set(names)
    missing = [name for name in listed if name not in known]
    if missing:
        more = f' and {len(missing) - 1} more' if len(missing) > 1 else ''
        raise InputError(f'{chosen} names clip {missing[0]!r}{more}, which '
                         f'{path} does not have, only {len(names)} clips '
                         f'such as {names[0]!r}')
    return listed
