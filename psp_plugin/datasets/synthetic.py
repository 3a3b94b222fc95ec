"""Clips of ten made-up actions, for those who have no skeleton data at hand.

A body of 25 joints in the order of NTU RGB+D (Kinect v2) is posed by forward
kinematics and seen by a camera. The actions come in pairs that are easily
confused; who acts, how, and from where it is seen says nothing of the action.

Shape legend: T frame, V joint, K key pose. Body and camera axes are right
handed: x to the right of a person who faces the camera, y up, z away from
the camera. Lengths are in metres; rotations are in degrees about x, y and z.
"""
from dataclasses import dataclass
from typing import Callable, Dict, List, Sequence, Tuple, Union

import numpy as np
from mmaction.datasets.base import BaseActionDataset
from mmaction.registry import DATASETS
from mmaction.utils import ConfigType

Pose = Dict[str, Tuple[float, float, float]]

NUM_JOINTS = 25
FPS = 30
NUM_FRAMES = (40, 100)  # least and greatest length of a clip
NUM_SUBJECTS = 40  # of each split
SPLITS = ('train', 'val')

# (joint, parent, offset from the parent of a body of 1.7 m), parents first.
# The left side mirrors the right one, joint by joint.
BONES = ((1, 0, (0, .29, 0)), (20, 1, (0, .23, 0)), (2, 20, (0, .07, 0)),
         (3, 2, (0, .14, -.02)),
         (8, 20, (.17, -.03, 0)), (9, 8, (0, -.28, 0)), (10, 9, (0, -.25, 0)),
         (11, 10, (0, -.07, 0)), (23, 11, (0, -.08, 0)),
         (24, 11, (-.02, -.03, -.04)),
         (16, 0, (.08, -.03, 0)), (17, 16, (0, -.41, 0)),
         (18, 17, (0, -.38, 0)), (19, 18, (0, -.06, -.12)))
LEFT = {8: 4, 9: 5, 10: 6, 11: 7, 23: 21, 24: 22, 16: 12, 17: 13, 18: 14,
        19: 15}
TREE = tuple((joint, parent) for joint, parent, _ in BONES) + tuple(
    (LEFT[joint], LEFT.get(parent, parent))
    for joint, parent, _ in BONES if joint in LEFT)

# Where a pose bends the body, on the right side where there are two. About
# x, positive angles lift an arm or a thigh forward, bend an elbow, stretch a
# knee or the back; about z they lift the right arm sideways.
HINGES = dict(pelvis=0, spine=1, chest=20, neck=2, shoulder=8, elbow=9,
              wrist=10, hip=16, knee=17, ankle=18)
MIRROR = np.array([1., -1., -1.])  # what a mirror does to a rotation
SHOULDERS, ELBOWS, KNEES, ANKLES = (4, 8), (5, 9), (13, 17), (14, 18)
ENDS = (7, 11, 15, 19, 21, 22, 23, 24)  # hands and feet

REST: Pose = dict(shoulder=(2, 0, 8), elbow=(14, 0, 0), hip=(3, 0, 2),
                  knee=(-5, 0, 0), ankle=(2, 0, 0))
# An arm with nothing to do may be held bent, as if it carried something.
HELD: Pose = dict(shoulder=(12, 45, 4), elbow=(75, 0, 0))
# Standard deviations: how much postures differ between persons, and again
# between clips; a body of which nothing is asked moves by about as much. They
# are chosen, like the ranges below, so that five clips do not teach a class.
LOOSENESS: Pose = dict(pelvis=(1.5, 4.5, 1), spine=(2, 2, 1.5),
                       chest=(2, 4, 1.5), neck=(4.5, 7.5, 3),
                       shoulder=(4.5, 7.5, 3), elbow=(7.5, 0, 0),
                       wrist=(6, 0, 6), hip=(1.5, 1.5, 1.5),
                       knee=(2.5, 0, 0), ankle=(1.5, 0, 0))


@dataclass(frozen=True)
class Action:
    """What is done, by the right side where one side does it.

    Args:
        name: Name of the class.
        poses: How long each key pose takes to be reached, relative to the
            others, and by how much it differs from rest.
        repeats: Least and greatest number of times that the poses are gone
            through.
        both: Probability that both sides act. Defaults to 0.
        one_foot: Whether only the other side's foot keeps its place.
            Defaults to False.
        returns: Whether the body ends at rest. Defaults to True.
    """
    name: str
    poses: Tuple[Tuple[float, Pose], ...]
    repeats: Tuple[int, int] = (1, 1)
    both: float = 0.
    one_foot: bool = False
    returns: bool = True


ACTIONS = (
    Action('wave', ((1, dict(shoulder=(128, 85, 72), elbow=(88, 0, 0))),
                    (1, dict(shoulder=(128, 25, 72), elbow=(88, 0, 0)))),
           repeats=(2, 4)),
    Action('throw',
           ((1.6, dict(shoulder=(25, -80, 108), elbow=(80, 0, 0),
                       chest=(5, -22, 0))),
            (.7, dict(shoulder=(107, 54, 4), elbow=(26, 0, 0),
                      chest=(-8, 18, 0), spine=(-8, 0, 0))),
            (.8, dict(shoulder=(44, 60, -20), elbow=(10, 0, 0),
                      chest=(-12, 25, 0), spine=(-14, 0, 0)))),
           repeats=(1, 2)),
    Action('punch',
           ((1.2, dict(shoulder=(-27, -6, 16), elbow=(120, 0, 0),
                       chest=(0, -14, 0))),
            (.8, dict(shoulder=(86, 40, -7), elbow=(-2, 0, 0),
                      chest=(0, 22, 0)))),
           repeats=(1, 3), both=.15),
    Action('push',
           ((1.2, dict(shoulder=(-12, 0, 12), elbow=(115, 0, 0),
                       wrist=(-45, 0, 0), spine=(4, 0, 0))),
            (1.2, dict(shoulder=(80, 20, -3), elbow=(-2, 0, 0),
                       wrist=(-65, 0, 0), spine=(-9, 0, 0))),
            (.6, dict(shoulder=(82, 20, -3), elbow=(-2, 0, 0),
                      wrist=(-65, 0, 0), spine=(-12, 0, 0)))),
           repeats=(1, 2), both=.5),
    Action('drink',
           ((1.5, dict(shoulder=(46, 38, 3), elbow=(108, 0, 0))),
            (.8, dict(shoulder=(80, 39, 8), elbow=(114, 0, 0),
                      neck=(18, 0, 0))),
            (.6, dict(shoulder=(82, 39, 8), elbow=(116, 0, 0),
                      neck=(24, 0, 0)))),
           repeats=(1, 3)),
    Action('answer phone',
           ((1.2, dict(shoulder=(112, 32, 36), elbow=(120, 0, 0),
                       neck=(0, 0, -6))),
            (2.5, dict(shoulder=(115, 32, 36), elbow=(122, 0, 0),
                       neck=(-3, 8, -12))))),
    Action('kick', ((1, dict(hip=(-24, 0, 0), knee=(-55, 0, 0))),
                    (.8, dict(hip=(58, 0, 0), knee=(0, 0, 0),
                              pelvis=(6, 0, 0)))),
           repeats=(1, 2), one_foot=True),
    Action('step', ((1, dict(hip=(48, 0, 0), knee=(-62, 0, 0))),
                    (.8, dict(hip=(27, 0, 0), knee=(-5, 0, 0),
                              pelvis=(-5, 0, 0)))),
           repeats=(1, 2), one_foot=True),
    Action('sit down',
           ((1, dict(pelvis=(-34, 0, 0), hip=(92, 0, 0), knee=(-72, 0, 0),
                     ankle=(14, 0, 0))),
            (1, dict(pelvis=(-6, 0, 0), hip=(88, 0, 0), knee=(-85, 0, 0),
                     ankle=(3, 0, 0)))),
           both=1, returns=False),
    Action('squat',
           ((1.2, dict(pelvis=(-30, 0, 0), hip=(112, 0, 0), knee=(-114, 0, 0),
                       ankle=(32, 0, 0))),
            (.4, dict(pelvis=(-30, 0, 0), hip=(118, 0, 0), knee=(-120, 0, 0),
                      ankle=(32, 0, 0)))),
           repeats=(1, 2), both=1))
CLASSES = tuple(action.name for action in ACTIONS)


@dataclass(frozen=True)
class Subject:
    """A person, alike in all of their clips.

    Args:
        offsets: Each joint as seen from its parent, (V, 3).
        posture: How they differ from the common rest, (V, 3).
        left_handed: Probability that they act with the left side.
        vigour: Factor on how far they go in what they do.
    """
    offsets: np.ndarray
    posture: np.ndarray
    left_handed: float
    vigour: float


def lay_out(pose: Pose, side: str) -> np.ndarray:
    """Lays a pose out over the joints.

    Args:
        pose (dict): Rotation by hinge.
        side (str): ``'right'``, ``'left'`` for the mirrored pose, or
            ``'both'`` for a symmetric one, with no turn of the trunk.

    Returns:
        np.ndarray: Rotation at every joint, (V, 3).
    """
    trunk = dict(right=(1, 1, 1), left=MIRROR, both=(1, 0, 0))[side]
    angles = np.zeros((NUM_JOINTS, 3))
    for hinge, rotation in pose.items():
        joint = HINGES[hinge]
        if joint not in LEFT:
            angles[joint] = np.multiply(rotation, trunk)
            continue
        if side != 'left':
            angles[joint] = rotation
        if side != 'right':
            angles[LEFT[joint]] = rotation * MIRROR
    return angles


LOOSE = np.maximum(lay_out(LOOSENESS, 'right'),
                   np.abs(lay_out(LOOSENESS, 'left')))
UNSTEADINESS = np.ones((NUM_JOINTS, 1))
UNSTEADINESS[list(ENDS)] = 2


def rotation_matrices(degrees: np.ndarray) -> np.ndarray:
    """Computes rotations about y, then z, then x.

    Args:
        degrees (np.ndarray): Angles about x, y and z, (..., 3).

    Returns:
        np.ndarray: Matrices (..., 3, 3) for column vectors.
    """
    radians = np.radians(np.moveaxis(degrees, -1, 0))
    (cx, cy, cz), (sx, sy, sz) = np.cos(radians), np.sin(radians)
    entries = (cz * cy, -sz, cz * sy,
               cx * sz * cy + sx * sy, cx * cz, cx * sz * sy - sx * cy,
               sx * sz * cy - cx * sy, sx * cz, sx * sz * sy + cx * cy)
    return np.stack(entries, -1).reshape(*degrees.shape, 3)


def place_joints(angles: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Computes where the joints of a bent body are: forward kinematics.

    Args:
        angles (np.ndarray): Rotation at every joint, which turns all that
            hangs on it, (T, V, 3).
        offsets (np.ndarray): Each joint as seen from its parent, (V, 3).

    Returns:
        np.ndarray: Positions relative to the pelvis, (T, V, 3).
    """
    local = rotation_matrices(angles)
    world, points = local.copy(), np.zeros(angles.shape)
    for joint, parent in TREE:
        world[:, joint] = world[:, parent] @ local[:, joint]
        points[:, joint] = points[:, parent] + (
            world[:, parent] @ offsets[joint])
    return points


def draw_subject(rng: np.random.Generator) -> Subject:
    """Draws a person: size, proportions and habits."""
    size = rng.uniform(.75, 1.15)
    proportions = rng.normal(1, .07, NUM_JOINTS)
    offsets = np.zeros((NUM_JOINTS, 3))
    for joint, _, offset in BONES:
        offsets[joint] = np.multiply(offset, size * proportions[joint])
        if joint in LEFT:
            offsets[LEFT[joint]] = offsets[joint] * (-1, 1, 1)
    return Subject(
        offsets=offsets,
        posture=LOOSE * rng.normal(size=LOOSE.shape),
        left_handed=rng.choice((.1, .9), p=(.7, .3)),
        vigour=rng.uniform(.8, 1.1))


def draw_motion(action: Action, side: str, vigour: float, num_frames: int,
                rng: np.random.Generator) -> np.ndarray:
    """Draws one performance of an action, and its timing.

    Args:
        action (Action): What is done.
        side (str): ``'right'``, ``'left'`` or ``'both'``.
        vigour (float): Factor on how far it goes.
        num_frames (int): Number of frames T.
        rng (np.random.Generator): Source of randomness.

    Returns:
        np.ndarray: What it adds to the rotations at rest, (T, V, 3).
    """
    repeats = rng.integers(*action.repeats, endpoint=True)
    steps = list(action.poses) * int(repeats)
    if action.returns:
        steps.append((1., {}))
    keys = np.stack([lay_out(pose, side) for _, pose in steps])
    gains = vigour * rng.normal(1, .1, keys.shape[1:])
    slips = .5 * LOOSE * rng.normal(size=keys.shape)
    keys = keys * gains + slips * (keys != 0)
    keys = np.concatenate((np.zeros_like(keys[:1]), keys))

    lengths = np.array([length for length, _ in steps], float)
    lengths *= np.exp(rng.normal(0, .3, len(steps)))
    begin, end = rng.uniform((0, .6), (.35, 1))
    ends = np.concatenate(([0], np.cumsum(lengths))) / lengths.sum()
    progress = np.interp(np.linspace(0, 1, num_frames),
                         begin + (end - begin) * ends, np.arange(len(keys)))
    pose = np.minimum(progress.astype(int), len(keys) - 2)
    part = (progress - pose)[:, None, None]
    part = part * part * (3 - 2 * part)  # a limb stops at every key pose
    return keys[pose] * (1 - part) + keys[pose + 1] * part


def draw_waves(num_frames: int, shape: Tuple[int, ...],
               rng: np.random.Generator) -> np.ndarray:
    """Draws smooth curves of unit variance, below 1 Hz, (T, *shape)."""
    rate = rng.uniform(.05, .9, (2, *shape))
    phase = rng.uniform(0, 1, (2, *shape))
    time = np.arange(num_frames).reshape(-1, *[1] * rate.ndim) / FPS
    return np.sin(2 * np.pi * (rate * time + phase)).sum(1)


def draw_body(action: Action, subject: Subject,
              rng: np.random.Generator) -> np.ndarray:
    """Draws what a person does, seen from their own place.

    Args:
        action (Action): What is done.
        subject (Subject): Who does it.
        rng (np.random.Generator): Source of randomness.

    Returns:
        np.ndarray: Joints of a person who faces the camera, (T, V, 3). The
        middle of the ankles, or the one stood on, stays at the origin.
    """
    num_frames = rng.integers(*NUM_FRAMES, endpoint=True)
    side = 'left' if rng.random() < subject.left_handed else 'right'
    support = [ANKLES[side == 'left']] if action.one_foot else ANKLES
    if rng.random() < action.both:
        side = 'both'
    vigour = subject.vigour * rng.uniform(.85, 1.1)
    motion = draw_motion(action, side, vigour, num_frames, rng)

    angles = lay_out(REST, 'both') + subject.posture
    angles += LOOSE * rng.normal(size=LOOSE.shape)
    for shoulder in SHOULDERS:
        if not motion[:, shoulder].any():
            arm = slice(shoulder, shoulder + 3)
            angles[arm] += rng.uniform() ** 2 * lay_out(HELD, 'both')[arm]
    restless = .7 * LOOSE * np.exp(rng.normal(0, .5, LOOSE.shape))
    waves = draw_waves(num_frames, LOOSE.shape, rng)
    angles = angles + motion + restless * waves
    angles[:, ELBOWS, 0] = angles[:, ELBOWS, 0].clip(0, 150)
    angles[:, KNEES, 0] = angles[:, KNEES, 0].clip(-150, 0)
    points = place_joints(angles, subject.offsets)
    return points - points[:, support].mean(1, keepdims=True)


def film(points: np.ndarray, noise: float,
         rng: np.random.Generator) -> np.ndarray:
    """Draws a camera and computes what its sensor makes of a body.

    Args:
        points (np.ndarray): Joints about the place of the feet, (T, V, 3).
        noise (float): Standard deviation of a joint's error, in metres, half
            its variance slow and half new in every frame. Hands and feet
            have twice that, and one of them is lost for some frames.
        rng (np.random.Generator): Source of randomness.

    Returns:
        np.ndarray: Joints as the camera sees them, (T, V, 3), float32.
    """
    yaw, pitch = rng.uniform((-60, -20), (60, 5))
    place = rng.uniform((-.8, -1.4, 2.2), (.8, -.7, 3.8))
    points = points @ rotation_matrices(np.array([0, yaw, 0])).T + place
    points = points @ rotation_matrices(np.array([pitch, 0, 0])).T
    error = rng.normal(size=points.shape)
    error += draw_waves(len(points), points.shape[1:], rng)
    error *= np.sqrt(.5) * UNSTEADINESS
    lost = rng.choice(ENDS)
    begin = rng.integers(len(points))
    error[begin:begin + rng.integers(3, 11), lost] += rng.normal(0, 8, 3)
    return (points + noise * error).astype(np.float32)


def make_clip(index: int, seed: int = 0, split: str = 'train',
              noise: float = 0.01) -> Dict:
    """Makes one clip, of whatever number of clips there are.

    Args:
        index (int): Number of the clip; its remainder is the label.
        seed (int): Seed of all clips and subjects. Defaults to 0.
        split (str): ``'train'`` or ``'val'``. Defaults to ``'train'``.
        noise (float): See :func:`film`. Defaults to 0.01.

    Returns:
        dict: ``frame_dir`` (str), ``label`` (int), ``total_frames`` (int) and
        ``keypoint`` (1, T, V, 3), float32.
    """

    def stream(*path: int) -> np.random.Generator:
        key = (SPLITS.index(split), *path)
        return np.random.default_rng(np.random.SeedSequence(
            seed, spawn_key=key))

    rng = stream(0, index)
    label = index % len(ACTIONS)
    subject = draw_subject(stream(1, rng.integers(NUM_SUBJECTS)))
    body = draw_body(ACTIONS[label], subject, rng)
    keypoint = film(body, noise, rng)[None]
    return dict(frame_dir=f'synthetic_{split}_s{seed}_{index:06d}',
                label=label, total_frames=keypoint.shape[1],
                keypoint=keypoint)


@DATASETS.register_module()
class SyntheticSkeletonDataset(BaseActionDataset):
    """Makes up clips of ten actions, laid out as in ``PoseDataset``.

    Source: this project's own, for demonstrations and tests; results on it
    are comparable to no published number. A clip depends on ``seed``,
    ``split``, ``noise`` and its index only. The classes are balanced, and the
    two splits have no subject in common.

    Args:
        num_clips (int): Number of clips. Defaults to 1000.
        seed (int): Seed of all clips and subjects. Defaults to 0.
        split (str): ``'train'`` or ``'val'``. Defaults to ``'train'``.
        noise (float): Standard deviation of the sensor's error in metres,
            see :func:`film`; 0 is a perfect one. Defaults to 0.01.
        pipeline (list[dict | callable]): The transforms. Defaults to none.
        **kwargs: Other arguments of ``BaseActionDataset``.

    Raises:
        ValueError: If ``split`` is unknown, if ``num_clips`` is less than the
            number of classes, or if ``seed`` or ``noise`` is negative or
            ``noise`` is not finite.
    """
    METAINFO = dict(classes=CLASSES)

    def __init__(self,
                 num_clips: int = 1000,
                 seed: int = 0,
                 split: str = 'train',
                 noise: float = 0.01,
                 pipeline: Sequence[Union[ConfigType, Callable]] = (),
                 **kwargs) -> None:
        if split not in SPLITS:
            raise ValueError(f'split must be one of {SPLITS}, not {split!r}')
        if num_clips < len(ACTIONS):
            raise ValueError(f'num_clips must be at least {len(ACTIONS)}, one '
                             f'a class, not {num_clips}')
        if seed < 0:
            raise ValueError(f'seed must not be negative, but is {seed}')
        if not 0 <= noise < float('inf'):
            raise ValueError('noise must be finite and not negative, but is '
                             f'{noise}')
        self.num_clips = num_clips
        self.seed = seed
        self.split = split
        self.noise = noise
        super().__init__(
            ann_file='', pipeline=list(pipeline), modality='Pose', **kwargs)

    def load_data_list(self) -> List[Dict]:
        """Makes the annotations of all clips."""
        return [make_clip(index, self.seed, self.split, self.noise)
                for index in range(self.num_clips)]
