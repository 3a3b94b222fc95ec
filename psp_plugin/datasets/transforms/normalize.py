"""Moves a 3-D skeleton clip into the frame of its own body.

Shape legend: M person, T frame, V joint.
"""
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

# The toolbox's thresholds: a frame whose coordinates are all this small is
# missing, and a direction shorter than this (L1) is no direction.
MISSING = 1e-8
NO_DIRECTION = 1e-6
UP = np.array([0., 0., 1.])
RIGHT = np.array([1., 0., 0.])


@TRANSFORMS.register_module()
class NormalizeSkeleton3D(BaseTransform):
    """Centres a clip on one joint and turns its spine and shoulders upright.

    The offset and the rotation come from the first frame of the main person,
    by default the one with the most non-missing frames (the first of equals),
    who is brought to the front. Joints that are exactly zero stay zero.
    Joints 0, 1, 4 and 8 are hip, spine and the two shoulders in both Kinect
    layouts.

    Source: the toolbox's ``PreNormalize3D``, whose results it repeats on 25
    joints with the default arguments. Departures: the centre joint is an
    argument where the toolbox takes the last joint of any layout but NTU's;
    any number of persons; ``drop_empty_frames``; float32 results;
    ``body_center`` is always set. A clip is empty if every coordinate is
    missing, not if the coordinates sum to zero. A float32 spine within about
    two degrees of z is turned exactly, where the toolbox's arc cosine loses
    digits (up to some 1e-4 radians).

    ``unit_bone``, ``hold_spine``, ``main`` and ``frames_of`` are there for
    what the released implementation of PSP Learning has in their place
    (``configs/official``). Departure: it also chooses the bodies of a Kinect
    file, which is done here when the annotation file is made.

    Args:
        center (int): The joint moved to the origin. Defaults to 1, the spine
            of the Kinect layouts.
        zaxis (Sequence[int]): The two joints from the first to the second of
            which the z axis will point. Defaults to ``(0, 1)``.
        xaxis (Sequence[int]): The two joints from the second to the first of
            which the x axis will point. Defaults to ``(8, 4)``.
        align_center (bool): Whether to centre. Defaults to True.
        align_spine (bool): Whether to turn ``zaxis`` onto z. Defaults to
            True.
        align_shoulder (bool): Whether to turn ``xaxis`` onto x, after the
            spine. Defaults to True.
        drop_empty_frames (bool): Whether to drop the frames in which the main
            person is missing; otherwise they stay zero. Defaults to True.
        unit_bone (Sequence[int], optional): The two joints of the main person
            whose distance becomes 1, in the first frame where it is not 0; if
            there is none, the clip keeps its size. Defaults to None: the unit
            of the data.
        hold_spine (bool): Whether ``xaxis`` is turned about z alone, which
            leaves the spine upright: x is then the direction of its
            projection. Defaults to False: ``xaxis`` itself is turned onto x.
        main (str): Who the main person is: ``'present'``, who is there in
            most frames; ``'spread'``, whose joints have the largest standard
            deviations about joint 0, summed over x, y and z (the others
            follow by theirs). Defaults to ``'present'``.
        frames_of (str): Whose frames are the clip's: ``'main'``, those of the
            main person; ``'any'``, those in which anybody is there. If the
            main person is missing in the first of them, the clip is neither
            moved nor turned. Defaults to ``'main'``.

    Raises:
        ValueError: If ``zaxis``, ``xaxis`` or ``unit_bone`` is not a pair, or
            ``main`` or ``frames_of`` is unknown.
    """

    def __init__(self, center: int = 1, zaxis: Sequence[int] = (0, 1),
                 xaxis: Sequence[int] = (8, 4), align_center: bool = True,
                 align_spine: bool = True, align_shoulder: bool = True,
                 drop_empty_frames: bool = True,
                 unit_bone: Optional[Sequence[int]] = None,
                 hold_spine: bool = False, main: str = 'present',
                 frames_of: str = 'main') -> None:
        for name, joints in (('zaxis', zaxis), ('xaxis', xaxis),
                             ('unit_bone', unit_bone)):
            if joints is not None and len(joints) != 2:
                raise ValueError(f'{name} takes two joints, not {joints!r}')
        for name, value, known in (
                ('main', main, ('present', 'spread')),
                ('frames_of', frames_of, ('main', 'any'))):
            if value not in known:
                raise ValueError(f'{name} must be {known[0]!r} or '
                                 f'{known[1]!r}, not {value!r}')
        self.center = center
        self.zaxis = tuple(zaxis)
        self.xaxis = tuple(xaxis)
        self.align_center = align_center
        self.align_spine = align_spine
        self.align_shoulder = align_shoulder
        self.drop_empty_frames = drop_empty_frames
        self.unit_bone = None if unit_bone is None else tuple(unit_bone)
        self.hold_spine = hold_spine
        self.main = main
        self.frames_of = frames_of

    def transform(self, results: Dict) -> Dict:
        """Normalises the clip; its input array is left as it was.

        Args:
            results (dict): ``keypoint`` (M, T, V, 3), and ``total_frames``
                (int, optional), which must then be T.

        Returns:
            dict: The same dict with ``keypoint`` (M, T', V, 3), float32,
            ``total_frames`` T' and ``body_center`` (3,), float32: what was
            subtracted. An empty clip keeps its values, T' = T.

        Raises:
            ValueError: If ``keypoint`` has another shape, ``total_frames``
                is not T, or a joint in use is out of range.
        """
        keypoint = self._checked(results)
        # Not ">": coordinates that are NaN must show, not pass for missing.
        present = ~(np.abs(keypoint) <= MISSING).all((2, 3))  # M, T
        offset = np.zeros(3)
        if present.any():
            keypoint, offset = self._normalized(keypoint, present)
        results['keypoint'] = keypoint.astype(np.float32, copy=False)
        results['total_frames'] = keypoint.shape[1]
        results['body_center'] = offset.astype(np.float32)
        return results

    def _normalized(self, keypoint: np.ndarray,
                    present: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
        """The new keypoint (M, T', V, 3) and what was subtracted (3,)."""
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
            offset = keypoint[0, first, self.center].copy()
        keypoint = np.where(seen[..., None], keypoint - offset, 0)
        if self.unit_bone is not None:
            bottom, top = (keypoint[0, :, joint] for joint in self.unit_bone)
            lengths = np.linalg.norm(top - bottom, axis=-1)  # T
            keypoint = keypoint / next(filter(None, lengths), 1)
        rotation = self._rotation(keypoint[0, first].astype(np.float64))
        return keypoint @ rotation.T.astype(keypoint.dtype), offset

    def _order(self, keypoint: np.ndarray, present: np.ndarray) -> List[int]:
        """The persons, the main one first."""
        persons = range(len(keypoint))
        if self.main == 'spread':
            spread = [
                find_spread(one[there])
                for one, there in zip(keypoint.astype(np.float64), present)
            ]
            return sorted(persons, key=lambda m: -spread[m])
        main = int(present.sum(1).argmax())
        return [main, *(m for m in persons if m != main)]

    def _rotation(self, frame: np.ndarray) -> np.ndarray:
        """The rotation (3, 3) that aligns one centred frame (V, 3)."""
        rotation = np.eye(3)
        if self.align_spine:
            bottom, top = frame[list(self.zaxis)]
            rotation = rotation_onto(top - bottom, UP)
        if self.align_shoulder:
            right, left = frame[list(self.xaxis)]
            direction = rotation @ (right - left)
            if self.hold_spine:
                direction[2] = 0
            rotation = rotation_onto(direction, RIGHT) @ rotation
        return rotation

    def _checked(self, results: Dict) -> np.ndarray:
        """The keypoint array of a clip, of a floating dtype."""
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
        for name, joints, is_used in used:
            for joint in joints if is_used else ():
                if not 0 <= joint < num_joints:
                    raise ValueError(f'{name} names joint {joint}, but {clip} '
                                     f'has joints 0 to {num_joints - 1}')
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
                f'main={self.main!r}, frames_of={self.frames_of!r})')


def find_spread(person: np.ndarray) -> float:
    """How far a person's joints lie from joint 0 and move about it.

    Args:
        person (np.ndarray): (T, V, 3), the frames with the person.

    Returns:
        float: The standard deviations of x, y and z about joint 0, over
        joints and frames, added; 0 without frames.
    """
    if not len(person):
        return 0.
    return (person - person[:, :1]).std((0, 1)).sum()


def rotation_onto(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The smallest rotation that turns one direction onto another.

    Source: Rodrigues' formula, with sine and cosine from the cross and dot
    products. Departure: where the rotation is none or has no single axis (no
    length, aligned already, exactly opposite) it is the identity, as the
    toolbox has it.

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
    """The matrix (3, 3) that gives the cross product of a vector (3,).

    For a single vector it is several times as quick as ``np.cross``.
    """
    x, y, z = vector
    return np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
