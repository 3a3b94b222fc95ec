"""The order of the axes of an array of key points.

Axes: N clip, M person, T frame, V joint, C coordinate (2 or 3).
"""
from itertools import permutations
from typing import List, Optional, Sequence

import numpy as np

from psp_plugin.skeletons import LAYOUTS

from .recording import InvalidRecording

NAMES = dict(N='clips', M='persons', T='frames', V='joints',
             C='coordinates')
MOST_PERSONS, MOST_IN_A_FRAME, FEWEST_JOINTS = 10, 3, 4
# Along time, neighbouring values differ least: an axis other than that of
# the frames may be smoother by this factor, which noise does not reach.
SMOOTHER = 2.
# Numbers of joints that make an axis likely to be that of the joints: clips of
# few frames per second are hardly smoother along time.
KNOWN_JOINTS = {pyramid.num_joints for pyramid in LAYOUTS.values()}


def parse_axes(axes: str) -> str:
    """Checks the name of an order of axes, such as ``'CTVM'``.

    Raises:
        ValueError: If it lacks T, V or C, or has another or repeated letter.
    """
    order = axes.upper()
    if (not set('TVC') <= set(order) <= set('NMTVC')
            or len(set(order)) < len(order)):
        raise ValueError(
            f'axes must be T (frames), V (joints) and C (coordinates), with M '
            f'(persons) and N (clips) where the array has them, in its order, '
            f'such as CTVM, not {axes!r}')
    return order


def arrange(points: np.ndarray, axes: str) -> List[np.ndarray]:
    """Returns the clips (M, T, V, C) of an array whose order is known.

    Args:
        points (np.ndarray): The array.
        axes (str): Its axes, see :func:`parse_axes`.

    Raises:
        InvalidRecording: If the array has another number of axes.
    """
    if points.ndim != len(axes):
        raise InvalidRecording(
            f'has an array of shape {points.shape}, which is not in the order '
            f'{axes} (--axes)')
    missing = [axis for axis in 'NM' if axis not in axes]
    given = points.reshape(*(1 for _ in missing), *points.shape)
    order = ''.join(missing) + axes
    return list(given.transpose([order.index(axis) for axis in 'NMTVC']))


def check_order(points: np.ndarray,
                coordinates: Sequence[int] = (2, 3)) -> None:
    """Checks that an array looks like (T, V, C) or (M, T, V, C).

    What decides: the number of coordinates is 2 or 3, persons are few, joints
    are not; neighbouring frames differ less than neighbouring joints; and a
    joint or person that is missing is zero in all its coordinates. Two
    persons of 3 coordinates are taken as such unless zeros contradict it,
    although three persons of 2 coordinates in another order have the same
    shape.

    Args:
        points (np.ndarray): The array, of any shape.
        coordinates (Sequence[int]): Numbers of coordinates that are possible.
            Defaults to (2, 3).

    Raises:
        InvalidRecording: If it does not; the message names the order that
            fits best.
    """
    axes = {4: 'MTVC', 5: 'NMTVC'}.get(points.ndim, 'TVC')
    if 0 in points.shape[:len(axes)]:
        raise InvalidRecording(
            f'has no {NAMES[axes[points.shape.index(0)]]}')
    if points.ndim != len(axes):
        raise InvalidRecording(
            f'has an array of shape {points.shape}, which is not (T, V, C) or '
            '(M, T, V, C)')
    rough = [roughness(points, axis) for axis in range(points.ndim)]
    fitting = points.ndim < 5 and fits(
        points.shape, axes, rough, coordinates) and not one_sided(points)
    if fitting and not ambiguous(points, coordinates):
        return
    likely = likely_order(points.shape, axes, rough, coordinates)
    what = (f'has an array of shape {points.shape}, which does not look like '
            f'{" x ".join(NAMES[axis] for axis in axes[-4:])} '
            f'({" or ".join(map(str, coordinates))})')
    if fitting:
        # Two persons of two coordinates are as frequent in either order.
        names = ('--axes CTVM or --axes MTVC' if points.shape[0] == 2 else
                 'likely --axes CTVM, or else --axes MTVC')
        raise InvalidRecording(
            f'has an array of shape {points.shape}, which can be coordinates '
            'x frames x joints x persons, or persons x frames x joints x '
            f'coordinates: name it, {names}')
    hint = 'with --axes' if likely is None else f'likely --axes {likely}'
    if points.shape[-1] == 4 and 4 not in coordinates:
        hint += ', or --scored if the last of 4 channels is a score'
    raise InvalidRecording(f'{what}: name the order of its axes, {hint}')


def fits(shape: Sequence[int], axes: str, rough: Sequence[float],
         coordinates: Sequence[int]) -> bool:
    """Whether an order of axes is plausible for an array."""
    length = dict(zip(axes, shape))
    if length['C'] not in coordinates or length['V'] < FEWEST_JOINTS:
        return False
    # In a single frame, joints can pass for persons and frames for joints.
    most = MOST_PERSONS if length['T'] > 1 else MOST_IN_A_FRAME
    if length.get('M', 1) > min(most, length['V']):
        return False
    of = dict(zip(axes, rough))
    # The frames of a clip of one frame cannot be told by their smoothness.
    time = of['T'] if length['T'] > 1 else of['V']
    if not np.isfinite(time):  # no person has two frames
        return length.get('M', 1) == 1 or not np.isfinite(list(of.values())
                                                          ).any()
    smoother = SMOOTHER * preference(length['T'], length['V'])
    # x and y of a point can be alike by chance.
    return all(time <= smoother * of[axis] * (2 if axis == 'C' else 1)
               for axis in axes if axis not in 'TN')


def preference(frames: int, joints: int) -> float:
    """Returns how much rougher frames may be, by the known joint layouts."""
    if joints in KNOWN_JOINTS:
        return 1. if frames in KNOWN_JOINTS else 2.
    few = joints < min(KNOWN_JOINTS)
    return 0.5 if few and frames in KNOWN_JOINTS else 1.


def likely_order(shape: Sequence[int], axes: str, rough: Sequence[float],
                 coordinates: Sequence[int]) -> Optional[str]:
    """Returns the plausible order with the smoothest frames, or None."""
    known = [''.join(order) for order in permutations(axes)
             if order[0] == 'N' or 'N' not in order]
    plausible = [order for order in known
                 if fits(shape, order, rough, coordinates)]
    return min(plausible, default=None, key=lambda order: (
        rough[order.index('T')], order not in ('CTVM', 'NCTVM')))


def roughness(points: np.ndarray, axis: int) -> float:
    """Returns the mean difference of neighbours along an axis.

    Zeros, which stand for what is missing, do not count; infinite if there is
    no pair of neighbours.
    """
    values = np.moveaxis(points, axis, 0).astype(np.float64)
    first, second = values[:-1], values[1:]
    with np.errstate(invalid='ignore', over='ignore'):
        both = (first != 0) & (second != 0) & np.isfinite(first - second)
        return float(np.abs(first - second)[both].mean()) if both.any() \
            else np.inf


def one_sided(points: np.ndarray) -> bool:
    """Whether most points (..., C) lie on the axis x = 0 or y = 0."""
    found = points[points[..., :2].any(-1)]
    return bool(len(found) and (found[:, :2] == 0).any(-1).mean() > 0.5)


def ambiguous(points: np.ndarray, possible: Sequence[int]) -> bool:
    """Whether (M, T, V, C) could as well be (C, T, V, M) with M of 2 or 3."""
    persons, coordinates = points.shape[0], points.shape[-1]
    if points.ndim == 3 or persons not in possible:
        return False
    found = points != 0
    # Missing joints and persons are zero in all coordinates: axis 3 is C if
    # it is always entirely zero or not at all, and axis 0 is not.
    whole = [bool((found.all(axis) == found.any(axis)).all())
             for axis in (3, 0)]
    if (persons, coordinates) == (2, 3):
        # Rarely three persons of 2 coordinates: only if what is missing is so.
        return whole[1] and not whole[0]
    return not (whole[0] and not whole[1])
