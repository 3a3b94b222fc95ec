"""Reader of UTD-MHAD's skeleton files, ``.mat``."""
from typing import Any, List

import numpy as np

from psp_plugin.skeletons import get_pyramid

from ..recording import Format, InvalidRecording, Recording

# The joints of Kinect v1 in the order of UTD-MHAD's documentation.
JOINTS = ('head', 'shoulder center', 'spine', 'hip center',
          *(f'{side} {joint}'
            for limb in (('shoulder', 'elbow', 'wrist', 'hand'),
                         ('hip', 'knee', 'ankle', 'foot'))
            for side in ('left', 'right') for joint in limb))


def is_utd_mhad(content: Any) -> bool:
    """Whether the variables of a ``.mat`` file have ``d_skel``."""
    return isinstance(content, dict) and 'd_skel' in content


def read_utd_mhad(content: Any) -> List[Recording]:
    """Reads a skeleton file of UTD-MHAD, positions in metres.

    Source: the documentation of UTD-MHAD; its joints are put in the order of
    the layout ``'nwucla'``, which has the same ones.

    Args:
        content (dict): ``d_skel`` (20, 3, T).

    Returns:
        list[Recording]: One, of layout ``'nwucla'``.

    Raises:
        InvalidRecording: If ``d_skel`` is not an array of numbers of that
            shape.
    """
    skeleton = np.asarray(content['d_skel'])
    shape = (len(JOINTS), 3)
    if skeleton.dtype.kind not in 'iuf' or skeleton.shape[:-1] != shape:
        raise InvalidRecording(
            f'has "d_skel" of {skeleton.dtype} of shape {skeleton.shape}, '
            f'not numbers of shape {shape} and frames')
    names = get_pyramid('nwucla').joint_names
    order = [JOINTS.index(name) for name in names]
    points = skeleton.transpose(2, 0, 1)[:, order]  # T, V, C
    return [Recording(points=points.astype(np.float64), layout='nwucla')]


FORMATS = (Format('UTD-MHAD', ('.mat', ), is_utd_mhad, read_utd_mhad), )
