"""Normalisation of 3-D skeleton clips to body coordinates.

Shape legend: M person, T frame, V joint.
"""
from typing import Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from psp_plugin.skeletons import (
    Point,
    SkeletonPyramid,
    as_axis,
    as_point,
    check_joints,
    get_pyramid,
    joints_of,
)

# The toolbox's thresholds: a frame whose coordinates are all this small is
# missing, and a vector shorter than this (L1) has no direction.
MISSING = 1e-8
NO_DIRECTION = 1e-6
UP = np.array([0., 0., 1.])
RIGHT = np.array([1., 0., 0.])
# The joints of the Kinect layouts, as in the toolbox.
KINECT = dict(center=1, zaxis=(0, 1), xaxis=(8, 4))


@TRANSFORMS.register_module()
class NormalizeSkeleton3D(BaseTransform):
    """Centres a clip on one joint and aligns spine and shoulders with axes.

    Offset and rotation come from the first frame of the main person, by
    default the one with the most non-missing frames (the first in a tie), who
    becomes the first person. Joints that are exactly zero stay zero. Joints
    0, 1, 4 and 8 are hip, spine and the two shoulders in both Kinect layouts.
    For other joints give the ``layout``, or ``center``, ``zaxis`` and
    ``xaxis``. A joint of these may be a list of joints, whose mean is meant:
    ``[11, 12]``, both hips, for a skeleton without a hip centre.

    Source: the toolbox's ``PreNormalize3D``, whose results it reproduces on
    25 joints with the default arguments. Departures: the centre joint is an
    argument, where the toolbox uses the last joint of any layout but NTU's;
    any number of persons; ``drop_empty_frames``; float32 results;
    ``body_center`` is always set. A clip is empty if every coordinate is
    missing, not if the coordinates sum to zero. A float32 spine within about
    two degrees of z is rotated exactly, where the toolbox's arc cosine loses
    precision (up to about 1e-4 radians).

    ``unit_bone``, ``hold_spine``, ``main`` and ``frames_of`` reproduce the
    released implementation of PSP Learning (``configs/official``). Departure:
    it also selects the bodies of a Kinect file, which is done here when the
    annotation file is made.

    Args:
        center (int or Sequence[int], optional): The joint moved to the
            origin. Defaults to that of the layout; without one to 1, the
            spine of the Kinect layouts.
        zaxis (Sequence[int or Sequence[int]], optional): Two joints; the
            direction from the first to the second becomes the z axis.
            Defaults to that of the layout; without one to ``(0, 1)``.
        xaxis (Sequence[int or Sequence[int]], optional): Two joints; the
            direction from the second to the first becomes the x axis.
            Defaults to that of the layout; without one to ``(8, 4)``.
        align_center (bool): Whether to centre. Defaults to True.
        align_spine (bool): Whether to rotate ``zaxis`` onto z. Defaults to
            True.
        align_shoulder (bool): Whether to rotate ``xaxis`` onto x, after the
            spine. Defaults to True.
        drop_empty_frames (bool): Whether to drop the frames in which the main
            person is missing; otherwise they stay zero. Defaults to True.
        unit_bone (Sequence[int], optional): Two joints of the main person
            whose distance is scaled to 1, in the first frame where it is not
            0; without such a frame the clip is not scaled. Defaults to None,
            no scaling.
        hold_spine (bool): Whether ``xaxis`` is rotated about z only, which
            keeps the spine upright: its projection is then aligned with x.
            Defaults to False, ``xaxis`` itself is aligned with x.
        main (str): The main person: ``'present'``, the one present in the
            most frames; ``'spread'``, the one whose joints have the largest
            standard deviation about joint 0, summed over x, y and z (all
            persons are sorted by it); ``'first'``, the first one who is
            present at all, for files whose persons are ranked, as those of
            ``tools/data/convert_skeletons.py``. Defaults to ``'present'``.
        frames_of (str): The frames to use: ``'main'``, those with the main
            person; ``'any'``, those with any person. If the main person is
            missing in the first of them, the clip is neither moved nor
            rotated. Defaults to ``'main'``.
        layout (str or dict, optional): The joint layout, whose ``center``,
            ``zaxis`` and ``xaxis`` are used, see
            :func:`psp_plugin.skeletons.get_pyramid`; clips must have its
            number of joints. Defaults to None, the Kinect layouts' joints.

    Raises:
        ValueError: If ``zaxis``, ``xaxis`` or ``unit_bone`` is not a pair,
            ``main`` or ``frames_of`` is unknown, or if the layout is unknown,
            lacks joints that are needed, or has some that are also given.
    """

    def __init__(self, center: Optional[Point] = None,
                 zaxis: Optional[Sequence[Point]] = None,
                 xaxis: Optional[Sequence[Point]] = None,
                 align_center: bool = True,
                 align_spine: bool = True, align_shoulder: bool = True,
                 drop_empty_frames: bool = True,
                 unit_bone: Optional[Sequence[int]] = None,
                 hold_spine: bool = False, main: str = 'present',
                 frames_of: str = 'main',
                 layout: Union[str, dict, SkeletonPyramid, None] = None
                 ) -> None:
        if unit_bone is not None and len(unit_bone) != 2:
            raise ValueError(f'unit_bone must be two joints, not {unit_bone!r}'
                             )
        for name, value, known in (
                ('main', main, ('present', 'spread', 'first')),
                ('frames_of', frames_of, ('main', 'any'))):
            if value not in known:
                raise ValueError(
                    f'{name} must be {", ".join(map(repr, known[:-1]))} or '
                    f'{known[-1]!r}, not {value!r}')
        self.layout = None if layout is None else get_pyramid(layout)
        joints = choose_joints(
            self.layout,
            dict(center=center, zaxis=zaxis, xaxis=xaxis),
            dict(center=align_center, zaxis=align_spine,
                 xaxis=align_shoulder))
        self.center, self.zaxis, self.xaxis = joints
        self.align_center = align_center
        self.align_spine = align_spine
        self.align_shoulder = align_shoulder
        self.drop_empty_frames = drop_empty_frames
        self.unit_bone = None if unit_bone is None else tuple(unit_bone)
        self.hold_spine = hold_spine
        self.main = main
        self.frames_of = frames_of

    def transform(self, results: Dict) -> Dict:
        """Normalises the clip; the input array is not modified.

        Args:
            results (dict): ``keypoint`` (M, T, V, 3), and ``total_frames``
                (int, optional), which must be T.

        Returns:
            dict: The same dict with ``keypoint`` (M, T', V, 3), float32,
            ``total_frames`` T' and the subtracted ``body_center`` (3,),
            float32. An empty clip keeps its values, T' = T.

        Raises:
            ValueError: If ``keypoint`` has another shape, ``total_frames``
                is not T, or a joint in use is out of range.
        """
        keypoint = self._checked(results)
        present = find_present(keypoint)
        offset = np.zeros(3)
        if present.any():
            keypoint, offset = self._normalized(keypoint, present)
        results['keypoint'] = keypoint.astype(np.float32, copy=False)
        results['total_frames'] = keypoint.shape[1]
        results['body_center'] = offset.astype(np.float32)
        return results

    def main_frames(self, keypoint: np.ndarray) -> np.ndarray:
        """Selects the main person and the frames with them.

        Args:
            keypoint (np.ndarray): (M, T, V, 3).

        Returns:
            np.ndarray: (T', V, 3).
        """
        present = find_present(keypoint)
        main = self._order(keypoint, present)[0]
        return keypoint[main, present[main]]

    def _normalized(self, keypoint: np.ndarray,
                    present: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """The new keypoint (M, T', V, 3) and the subtracted offset (3,)."""
        order = self._order(keypoint, present)
        keypoint, present = keypoint[order], present[order]
        kept = present[0] if self.frames_of == 'main' else present.any(0)  # T
        if self.drop_empty_frames:
            keypoint, present = keypoint[:, kept], present[:, kept]
            kept = kept[kept]
        seen = (keypoint != 0).any(-1)  # M, T, V
        seen[0] &= present[0][:, None]

        first = int(kept.argmax())
        offset = np.zeros(3, keypoint.dtype)
        if self.align_center:
            offset = point_of(keypoint[0, first], self.center,
                              seen[0, first])
        keypoint = np.where(seen[..., None], keypoint - offset, 0)
        if self.unit_bone is not None:
            bottom, top = (keypoint[0, :, joint] for joint in self.unit_bone)
            lengths = np.linalg.norm(top - bottom, axis=-1)  # T
            keypoint = keypoint / next(filter(None, lengths), 1)
        rotation = self._rotation(keypoint[0, first].astype(np.float64),
                                  seen[0, first])
        return keypoint @ rotation.T.astype(keypoint.dtype), offset

    def _order(self, keypoint: np.ndarray, present: np.ndarray) -> List[int]:
        """The persons, the main one first."""
        persons = range(len(keypoint))
        if self.main == 'spread':
            spread = [
                find_spread(person[frames])
                for person, frames in zip(keypoint.astype(np.float64), present)
            ]
            return sorted(persons, key=lambda m: -spread[m])
        ranks = present.any(1) if self.main == 'first' else present.sum(1)
        main = int(ranks.argmax())
        return [main, *(m for m in persons if m != main)]

    def _rotation(self, frame: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """The rotation (3, 3) that aligns one centred frame (V, 3)."""
        rotation = np.eye(3)
        if self.align_spine:
            bottom, top = (point_of(frame, joint, seen)
                           for joint in self.zaxis)
            rotation = rotation_onto(top - bottom, UP)
        if self.align_shoulder:
            right, left = (point_of(frame, joint, seen)
                           for joint in self.xaxis)
            direction = rotation @ (right - left)
            if self.hold_spine:
                direction[2] = 0
            rotation = rotation_onto(direction, RIGHT) @ rotation
        return rotation

    def _checked(self, results: Dict) -> np.ndarray:
        """The validated keypoint of a clip, float32 or float64."""
        keypoint = np.asarray(results['keypoint'])
        clip = f'clip {results.get("frame_dir")!r}'
        if keypoint.ndim != 4 or keypoint.shape[3] != 3:
            raise ValueError(f'keypoint of {clip} must have shape '
                             f'(M, T, V, 3), not {keypoint.shape}')
        num_frames, num_joints = keypoint.shape[1:3]
        if results.get('total_frames', num_frames) != num_frames:
            raise ValueError(f'total_frames of {clip} is '
                             f'{results["total_frames"]}, but keypoint has '
                             f'{num_frames} frames')
        used = (('center', (self.center, ), self.align_center),
                ('zaxis', self.zaxis, self.align_spine),
                ('xaxis', self.xaxis, self.align_shoulder),
                ('unit_bone', self.unit_bone, self.unit_bone is not None))
        if self.layout is not None and self.layout.num_joints != num_joints:
            raise ValueError(
                f'{clip} has {num_joints} joints, but layout '
                f'{self.layout.name!r} has {self.layout.num_joints}: set '
                'layout to that of the data')
        for name, joints, is_used in used:
            if is_used:
                try:
                    check_joints(name, joints, num_joints)
                except ValueError as error:
                    raise ValueError(f'{clip}: {error}') from error
        if keypoint.dtype not in (np.float32, np.float64):
            keypoint = keypoint.astype(np.float32)
        return keypoint

    def __repr__(self) -> str:
        return (f'{self.__class__.__name__}(center={self.center}, '
                f'zaxis={self.zaxis}, xaxis={self.xaxis}, '
                f'align_center={self.align_center}, '
                f'align_spine={self.align_spine}, '
                f'align_shoulder={self.align_shoulder}, '
                f'drop_empty_frames={self.drop_empty_frames}, '
                f'unit_bone={self.unit_bone}, hold_spine={self.hold_spine}, '
                f'main={self.main!r}, frames_of={self.frames_of!r}, '
                f'layout={self.layout and self.layout.name!r})')


def find_present(keypoint: np.ndarray) -> np.ndarray:
    """Whether each person of (M, T, V, C) is in each frame: (M, T)."""
    # Not ">", which would treat NaN coordinates as missing.
    return ~(np.abs(keypoint) <= MISSING).all((2, 3))


def choose_joints(layout: Optional[SkeletonPyramid],
                  given: Dict[str, Optional[Union[Point, Sequence[Point]]]],
                  used: Dict[str, bool]) -> Tuple:
    """Chooses the joints of ``center``, ``zaxis`` and ``xaxis``.

    Args:
        layout (SkeletonPyramid, optional): The layout that brings them.
        given (dict): Those that are given, otherwise None.
        used (dict): Whether each is used at all.

    Returns:
        tuple: center, zaxis and xaxis; None if not used and unknown.

    Raises:
        ValueError: If one is not of valid form, given twice, or used but
            neither given nor in the layout.
    """
    chosen = {}
    for name, joints in given.items():
        own = KINECT[name] if layout is None else getattr(layout, name)
        if joints is None and own is None and used[name]:
            raise ValueError(
                f'layout {layout.name!r} has no {name}, which '
                f'NormalizeSkeleton3D needs: add {name} to its table, or to '
                'the transform')
        if None not in (layout, joints, own):
            raise ValueError(
                f'{name}={joints!r} of NormalizeSkeleton3D contradicts layout '
                f'{layout.name!r}, which has {name}={own!r}: leave one out')
        value = own if joints is None else joints
        if value is not None:
            value = (as_point(value) if name == 'center' else
                     as_axis(value, name))
        chosen[name] = value
    return tuple(chosen.values())


def point_of(frame: np.ndarray, point: Point,
             seen: np.ndarray) -> np.ndarray:
    """Returns a joint, or the mean of those of several that are not missing.

    Args:
        frame (np.ndarray): (V, 3).
        point (int or tuple[int]): The joint or joints.
        seen (np.ndarray): (V,), whether each joint is not missing.

    Returns:
        np.ndarray: (3,), a copy; zeros if all are missing.
    """
    joints = [joint for joint in joints_of(point) if seen[joint]]
    if not joints:
        return np.zeros(3, frame.dtype)
    return frame[joints].mean(0, dtype=frame.dtype)


def find_spread(person: np.ndarray) -> float:
    """Computes the spread of a person's joints about joint 0.

    Args:
        person (np.ndarray): (T, V, 3), the frames with the person.

    Returns:
        float: The sum of the standard deviations of x, y and z relative to
        joint 0, over joints and frames; 0 without frames.
    """
    if not len(person):
        return 0.
    return (person - person[:, :1]).std((0, 1)).sum()


def rotation_onto(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Computes the smallest rotation from one direction to another.

    Source: Rodrigues' formula, with sine and cosine from the cross and dot
    products. Departure: the identity if the vector has no length, or is
    parallel or exactly opposite to the target, as in the toolbox.

    Args:
        source (np.ndarray): (3,), of any length.
        target (np.ndarray): (3,), of length one.

    Returns:
        np.ndarray: (3, 3), to multiply column vectors from the left.
    """
    normal = cross_matrix(source) @ target
    if min(np.abs(source).sum(), np.abs(normal).sum()) < NO_DIRECTION:
        return np.eye(3)
    length, height = np.linalg.norm(source), np.linalg.norm(normal)
    sine, cosine = height / length, source @ target / length
    axis = normal / height
    return (cosine * np.eye(3) + sine * cross_matrix(axis) +
            (1 - cosine) * np.outer(axis, axis))


def cross_matrix(vector: np.ndarray) -> np.ndarray:
    """Returns the cross product matrix (3, 3) of a vector (3,).

    For a single vector it is several times as fast as ``np.cross``.
    """
    x, y, z = vector
    return np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
