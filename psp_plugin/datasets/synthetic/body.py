"""The body of the synthetic clips: 25 joints, posed by forward kinematics.

Shape legend: T frame, V joint. Body axes are right handed: x to the right of
a person who faces the camera, y up, z away from the camera. Lengths are in
metres; rotations are in degrees about x, y and z.
"""
from typing import Dict, Tuple

import numpy as np

Pose = Dict[str, Tuple[float, float, float]]

NUM_JOINTS = 25

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

# Hinges of a pose and their joints, on the right side if there are two. About
# x, positive angles lift an arm or a thigh forward, bend an elbow, stretch a
# knee or the back; about z they lift the right arm sideways.
HINGES = dict(pelvis=0, spine=1, chest=20, neck=2, shoulder=8, elbow=9,
              wrist=10, hip=16, knee=17, ankle=18)
MIRROR = np.array([1., -1., -1.])  # signs of a mirrored rotation
SHOULDERS, ELBOWS, KNEES, ANKLES = (4, 8), (5, 9), (13, 17), (14, 18)
ENDS = (7, 11, 15, 19, 21, 22, 23, 24)  # hands and feet


def joint_rotations(pose: Pose, side: str) -> np.ndarray:
    """Converts a pose to rotations of the joints.

    Args:
        pose (dict): Rotation by hinge.
        side (str): ``'right'``, ``'left'`` for the mirrored pose, or
            ``'both'`` for a symmetric one without rotation of the trunk.

    Returns:
        np.ndarray: Rotation of every joint in degrees, (V, 3).
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
    """Computes the positions of the joints by forward kinematics.

    Args:
        angles (np.ndarray): Rotation of every joint in degrees, which also
            rotates its descendants, (T, V, 3).
        offsets (np.ndarray): Offset of each joint from its parent in metres,
            (V, 3).

    Returns:
        np.ndarray: Positions relative to the pelvis in metres, (T, V, 3).
    """
    local = rotation_matrices(angles)
    world, points = local.copy(), np.zeros(angles.shape)
    for joint, parent in TREE:
        world[:, joint] = world[:, parent] @ local[:, joint]
        points[:, joint] = points[:, parent] + (
            world[:, parent] @ offsets[joint])
    return points
