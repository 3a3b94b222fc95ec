"""Explains what a file of recordings holds."""
from pathlib import Path
from typing import List, Optional

import numpy as np

from psp_plugin.skeletons import get_pyramid

from .checks import ReadClip
from .options import ReadOptions
from .reader import FileClips, read_clips
from .sources import whole_source

# Clips of a file that are described.
CLIPS = 5


def explain(path: str, options: Optional[ReadOptions] = None) -> str:
    """Explains what a file holds: format, clips, persons, joints, rate.

    Args:
        path (str): The file, or a folder of one file per frame, or one of
            these files for all.
        options (ReadOptions, optional): How to read. Defaults to None, the
            default options.

    Returns:
        str: Lines of text.

    Raises:
        RecordingError: If it cannot be read.
    """
    source = whole_source(Path(path))
    clips = read_clips(source, options or ReadOptions())
    lines = [f'{path}: {clips.format}' + (
        f', {len(source.frames)} files of one frame each'
        if source.frames else '')]
    if len(clips) + len(clips.invalid) > 1:
        lines.append(f'{len(clips) + len(clips.invalid)} clips')
    for clip in clips[:CLIPS]:
        lines += describe_clip(clip)
    if len(clips) > CLIPS:
        lines.append(f'and {len(clips) - CLIPS} more clips')
    return '\n'.join(lines + invalid_lines(clips))


def describe_clip(clip: ReadClip) -> List[str]:
    """Describes one clip in a few lines."""
    points = clip.annotation['keypoint']
    persons, frames, joints, coordinates = points.shape
    seen = points.any((2, 3)).sum(1)
    scores = clip.annotation.get('keypoint_score')
    lines = [
        f'clip {clip.annotation["frame_dir"]!r}: {persons} persons, {frames} '
        f'frames, {joints} joints of {coordinates} coordinates',
        '  frames with each person: ' + ', '.join(map(str, seen)),
        '  scores of joints: ' + (
            'none' if scores is None else
            f'{scores.min():.3g} to {scores.max():.3g}'),
        f'  frame rate: {f"{clip.fps:g}" if clip.fps else "not known"}',
        f'  label: {"none" if clip.label is None else repr(clip.label)}',
        f'  joint layout: {layout_text(clip)}',
    ]
    for axis, name in zip(range(coordinates), 'xyz'):
        values = points[points.any(-1)][:, axis]
        low, middle, high = np.percentile(values, (0, 50, 100))
        lines.append(f'  {name}: {low:.4g} to {high:.4g}, median '
                     f'{middle:.4g}')
    return lines + [f'  note: it {note}' for note in clip.notes]


def layout_text(clip: ReadClip) -> str:
    """Names the layout and its joints."""
    if clip.layout is None:
        return 'not known' + (f' (joints {", ".join(clip.joint_names)})'
                              if clip.joint_names else '')
    pyramid = get_pyramid(clip.layout)
    names = ', '.join(f'{i} {name}'
                      for i, name in enumerate(pyramid.joint_names))
    return f'{pyramid.name}' + (f' ({names})' if names else '')


def invalid_lines(clips: FileClips) -> List[str]:
    """Lists the clips that cannot be used."""
    return [f'clip {name!r} cannot be used: it {reason}'
            for name, reason in clips.invalid[:CLIPS]]
