"""Packs the clips of a report into one compressed block of text.

Shape legend: M person, T frame, V joint, C channel.
"""
import base64
import gzip
import json
from typing import Any, Dict, List, Sequence

import numpy as np

# What differs between clips; bones and channels are those of all.
KEYS = ('shape', 'low', 'step', 'center', 'radius', 'fps', 'importance')


def pack_clips(clips: Sequence[Dict[str, Any]]) -> str:
    """Packs clips for ``ClipBlock`` of ``report.js``.

    Args:
        clips (Sequence[dict]): What ``clip_for_page`` returned for each.

    Returns:
        str: base64 of a gzip file: the length of its head, unsigned 32-bit,
        little-endian; the head, JSON of the bones and of a list of clips
        without points; and the points of one clip after the other, as
        :func:`differences` returns them.
    """
    head = json.dumps(
        dict(bones=clips[0]['bones'] if clips else [],
             clips=[{key: clip[key] for key in KEYS} for clip in clips]),
        separators=(',', ':')).encode()
    parts: List[bytes] = [np.uint32(len(head)).astype('<u4').tobytes(), head]
    parts += [differences(clip) for clip in clips]
    packed = gzip.compress(b''.join(parts), 9, mtime=0)
    return base64.b64encode(packed).decode()


def differences(clip: Dict[str, Any]) -> bytes:
    """Encodes the points of a clip so that they compress well.

    Args:
        clip (dict): What ``clip_for_page`` returned.

    Returns:
        bytes: Of the differences between frames, in the order (M, V, C, T),
        the low bytes and then the high bytes. The first frame is a difference
        to zeros. A difference d is stored as 2 d, or as -2 d - 1 if it is
        negative.
    """
    values = np.frombuffer(base64.b64decode(clip['points']), '<u2').reshape(
        clip['shape']).astype(np.int64).transpose(0, 2, 3, 1)  # M, V, C, T
    steps = np.diff(values, axis=-1, prepend=0)
    stored = np.where(steps < 0, -2 * steps - 1, 2 * steps).astype('<u2')
    return stored.tobytes()[::2] + stored.tobytes()[1::2]
