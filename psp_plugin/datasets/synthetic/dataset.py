"""Clips of ten synthetic actions, to try the plugin without downloading data.

A body of 25 joints in the order of NTU RGB+D (Kinect v2) is posed by forward
kinematics and seen by a camera. The actions come in pairs that are easily
confused; person, style and viewpoint are independent of the action.

Shape legend: T frame, V joint, K key pose. Camera axes are those of the body.
"""
from dataclasses import dataclass
from typing import Callable, Dict, List, Sequence, Tuple, Union

import numpy as np
from mmaction.datasets.base import BaseActionDataset
from mmaction.registry import DATASETS
from mmaction.utils import ConfigType

from .actions import ACTIONS, CLASSES, HELD, LOOSENESS, REST, Action
from .body import (
    ANKLES,
    BONES,
    ELBOWS,
    ENDS,
    KNEES,
    LEFT,
    NUM_JOINTS,
    SHOULDERS,
    joint_rotations,
    place_joints,
    rotation_matrices,
)

FPS = 30
NUM_FRAMES = (40, 100)  # minimum and maximum length of a clip
NUM_SUBJECTS = 40  # of each split
SPLITS = ('train', 'val')

LOOSE = np.maximum(joint_rotations(LOOSENESS, 'right'),
                   np.abs(joint_rotations(LOOSENESS, 'left')))
UNSTEADINESS = np.ones((NUM_JOINTS, 1))
UNSTEADINESS[list(ENDS)] = 2


@dataclass(frozen=True)
class Subject:
    """A person, the same in all of their clips.

    Args:
        offsets: Offset of each joint from its parent in metres, (V, 3).
        posture: Difference from the common rest pose in degrees, (V, 3).
        left_handed: Probability of acting with the left side.
        vigour: Factor of the amplitude of actions.
    """
    offsets: np.ndarray
    posture: np.ndarray
    left_handed: float
    vigour: float


def draw_subject(rng: np.random.Generator) -> Subject:
    """Samples a person: size, proportions and habits."""
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
    """Samples one performance of an action, and its timing.

    Args:
        action (Action): The action.
        side (str): ``'right'``, ``'left'`` or ``'both'``.
        vigour (float): Factor of its amplitude.
        num_frames (int): Number of frames T.
        rng (np.random.Generator): Random number generator.

    Returns:
        np.ndarray: Difference from the rest pose in degrees, (T, V, 3).
    """
    repeats = rng.integers(*action.repeats, endpoint=True)
    steps = list(action.poses) * int(repeats)
    if action.returns:
        steps.append((1., {}))
    keys = np.stack([joint_rotations(pose, side) for _, pose in steps])
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
    """Samples smooth curves of unit variance, below 1 Hz, (T, *shape)."""
    rate = rng.uniform(.05, .9, (2, *shape))
    phase = rng.uniform(0, 1, (2, *shape))
    time = np.arange(num_frames).reshape(-1, *[1] * rate.ndim) / FPS
    return np.sin(2 * np.pi * (rate * time + phase)).sum(1)


def draw_body(action: Action, subject: Subject,
              rng: np.random.Generator) -> np.ndarray:
    """Samples an action of a person, relative to their feet.

    Args:
        action (Action): The action.
        subject (Subject): The person.
        rng (np.random.Generator): Random number generator.

    Returns:
        np.ndarray: Joints of a person who faces the camera, in metres,
        (T, V, 3). The midpoint of the ankles, or with ``one_foot`` the
        supporting ankle, stays at the origin.
    """
    num_frames = rng.integers(*NUM_FRAMES, endpoint=True)
    side = 'left' if rng.random() < subject.left_handed else 'right'
    support = [ANKLES[side == 'left']] if action.one_foot else ANKLES
    if rng.random() < action.both:
        side = 'both'
    vigour = subject.vigour * rng.uniform(.85, 1.1)
    motion = draw_motion(action, side, vigour, num_frames, rng)

    angles = joint_rotations(REST, 'both') + subject.posture
    angles += LOOSE * rng.normal(size=LOOSE.shape)
    for shoulder in SHOULDERS:
        if not motion[:, shoulder].any():
            arm = slice(shoulder, shoulder + 3)
            held = joint_rotations(HELD, 'both')
            angles[arm] += rng.uniform() ** 2 * held[arm]
    restless = .7 * LOOSE * np.exp(rng.normal(0, .5, LOOSE.shape))
    waves = draw_waves(num_frames, LOOSE.shape, rng)
    angles = angles + motion + restless * waves
    angles[:, ELBOWS, 0] = angles[:, ELBOWS, 0].clip(0, 150)
    angles[:, KNEES, 0] = angles[:, KNEES, 0].clip(-150, 0)
    points = place_joints(angles, subject.offsets)
    return points - points[:, support].mean(1, keepdims=True)


def film(points: np.ndarray, noise: float,
         rng: np.random.Generator) -> np.ndarray:
    """Samples a camera and computes its noisy measurement of a body.

    Args:
        points (np.ndarray): Joints relative to the feet in metres, (T, V, 3).
        noise (float): Standard deviation of a joint's error in metres; half
            of its variance is slow, half independent per frame. It is twice
            as large for hands and feet, one of which gets large errors for
            3 to 10 frames.
        rng (np.random.Generator): Random number generator.

    Returns:
        np.ndarray: Joints in camera axes, in metres, (T, V, 3), float32.
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
    """Generates one clip, independent of the number of clips.

    Args:
        index (int): Number of the clip; modulo 10 it is the label.
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
    """Synthetic clips of ten actions in the format of ``PoseDataset``.

    Source: this project, for demonstrations and tests; results on it are not
    comparable to any published number. A clip depends on ``seed``, ``split``,
    ``noise`` and its index only. The classes are balanced, and the two splits
    have no subject in common.

    Args:
        num_clips (int): Number of clips. Defaults to 1000.
        seed (int): Seed of all clips and subjects. Defaults to 0.
        split (str): ``'train'`` or ``'val'``. Defaults to ``'train'``.
        noise (float): Standard deviation of the sensor's error in metres,
            see :func:`film`; 0 for none. Defaults to 0.01.
        pipeline (list[dict | callable]): The transforms. Defaults to ().
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
                             f'per class, not {num_clips}')
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
        """Generates the annotations of all clips."""
        return [make_clip(index, self.seed, self.split, self.noise)
                for index in range(self.num_clips)]

    def get_cat_ids(self, idx: int) -> List[int]:
        """Returns the class of a clip for ``ClassBalancedDataset``.

        Args:
            idx (int): Index of the clip.

        Returns:
            list[int]: One class.
        """
        return [self.get_data_info(idx)['label']]
