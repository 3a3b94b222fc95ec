"""The joint layouts that are known by name, registered in ``LAYOUTS``.

The NTU table of parts and bodies is that of the authors' released
implementation. The others are built in the same way for their joints: a
spine, a head, and two parts per limb; for NW-UCLA the paper gives only the
numbers (10 parts, 5 bodies), for 2D key points nothing.
"""
from mmaction.models.utils import Graph

from .pyramid import SkeletonPyramid, register_layout

_PART_NAMES = ('spine', 'head', 'left arm', 'left hand', 'right arm',
               'right hand', 'left leg', 'left foot', 'right leg',
               'right foot')
_BODIES = ((2, 3), (4, 5), (6, 7), (8, 9), (0, 1))
_BODY_NAMES = ('left arm', 'right arm', 'left leg', 'right leg', 'torso')

# Joints 4 to 19 of both Kinect layouts.
_ARMS_AND_LEGS = tuple(
    f'{side} {joint}'
    for joints in (('shoulder', 'elbow', 'wrist', 'hand'),
                   ('hip', 'knee', 'ankle', 'foot'))
    for side in ('left', 'right') for joint in joints)

for _pyramid in (
        SkeletonPyramid(
            name='nturgb+d',
            num_joints=25,
            parts=((0, 1, 20), (2, 3), (4, 5, 6), (7, 21, 22), (8, 9, 10),
                   (11, 23, 24), (12, 13), (14, 15), (16, 17), (18, 19)),
            bodies=_BODIES,
            part_names=_PART_NAMES,
            body_names=_BODY_NAMES,
            bones=Graph('nturgb+d').inward,
            mirror=((4, 8), (5, 9), (6, 10), (7, 11), (12, 16), (13, 17),
                    (14, 18), (15, 19), (21, 23), (22, 24)),
            inner=(0, 1, 4, 8, 12, 16, 20),
            joint_names=(
                'hip center', 'spine', 'neck', 'head', *_ARMS_AND_LEGS,
                'shoulder center', 'left hand tip', 'left thumb',
                'right hand tip', 'right thumb'),
            center=1,
            zaxis=(0, 1),
            xaxis=(8, 4)),
        SkeletonPyramid(
            name='nwucla',
            num_joints=20,
            parts=((0, 1), (2, 3), (4, 5), (6, 7), (8, 9), (10, 11),
                   (12, 13), (14, 15), (16, 17), (18, 19)),
            bodies=_BODIES,
            part_names=_PART_NAMES,
            body_names=_BODY_NAMES,
            bones=((1, 0), (2, 1), (3, 2), (4, 2), (5, 4), (6, 5), (7, 6),
                   (8, 2), (9, 8), (10, 9), (11, 10), (12, 0), (13, 12),
                   (14, 13), (15, 14), (16, 0), (17, 16), (18, 17),
                   (19, 18)),
            mirror=((4, 8), (5, 9), (6, 10), (7, 11), (12, 16), (13, 17),
                    (14, 18), (15, 19)),
            inner=(0, 1, 2, 4, 8, 12, 16),
            joint_names=('hip center', 'spine', 'shoulder center', 'head',
                         *_ARMS_AND_LEGS),
            center=1,
            zaxis=(0, 2),
            xaxis=(8, 4)),
        # 2D key points of COCO have no spine; the face is two parts.
        SkeletonPyramid(
            name='coco',
            num_joints=17,
            parts=((0, 1, 2), (3, 4), (5, 7), (9, ), (6, 8), (10, ),
                   (11, 13), (15, ), (12, 14), (16, )),
            bodies=_BODIES,
            part_names=('face', 'ears', *_PART_NAMES[2:]),
            body_names=(*_BODY_NAMES[:4], 'head'),
            bones=Graph('coco').inward,
            mirror=((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12),
                    (13, 14), (15, 16)),
            inner=(5, 6, 11, 12),
            joint_names=(
                'nose', 'left eye', 'right eye', 'left ear', 'right ear',
                'left shoulder', 'right shoulder', 'left elbow',
                'right elbow', 'left wrist', 'right wrist', 'left hip',
                'right hip', 'left knee', 'right knee', 'left ankle',
                'right ankle')),
        SkeletonPyramid(
            name='openpose',
            num_joints=18,
            parts=((1, ), (0, 14, 15, 16, 17), (5, 6), (7, ), (2, 3), (4, ),
                   (11, 12), (13, ), (8, 9), (10, )),
            bodies=_BODIES,
            part_names=('neck', *_PART_NAMES[1:]),
            body_names=_BODY_NAMES,
            bones=Graph('openpose').inward,
            mirror=((5, 2), (6, 3), (7, 4), (11, 8), (12, 9), (13, 10),
                    (15, 14), (17, 16)),
            inner=(1, 2, 5, 8, 11),
            joint_names=(
                'nose', 'neck', 'right shoulder', 'right elbow',
                'right wrist', 'left shoulder', 'left elbow', 'left wrist',
                'right hip', 'right knee', 'right ankle', 'left hip',
                'left knee', 'left ankle', 'right eye', 'left eye',
                'right ear', 'left ear')),
        # OpenPose, "Output": BODY_25, and MPI's 15 joints.
        SkeletonPyramid(
            name='openpose_body25',
            num_joints=25,
            parts=((1, 8), (0, 15, 16, 17, 18), (5, 6), (7, ), (2, 3), (4, ),
                   (12, 13), (14, 19, 20, 21), (9, 10), (11, 22, 23, 24)),
            bodies=_BODIES,
            part_names=_PART_NAMES,
            body_names=_BODY_NAMES,
            bones=((0, 1), (2, 1), (3, 2), (4, 3), (5, 1), (6, 5), (7, 6),
                   (8, 1), (9, 8), (10, 9), (11, 10), (12, 8), (13, 12),
                   (14, 13), (15, 0), (16, 0), (17, 15), (18, 16), (19, 14),
                   (20, 19), (21, 14), (22, 11), (23, 22), (24, 11)),
            mirror=((5, 2), (6, 3), (7, 4), (12, 9), (13, 10), (14, 11),
                    (16, 15), (18, 17), (19, 22), (20, 23), (21, 24)),
            inner=(1, 2, 5, 8, 9, 12),
            joint_names=(
                'nose', 'neck', 'right shoulder', 'right elbow',
                'right wrist', 'left shoulder', 'left elbow', 'left wrist',
                'hip center', 'right hip', 'right knee', 'right ankle',
                'left hip', 'left knee', 'left ankle', 'right eye',
                'left eye', 'right ear', 'left ear', 'left big toe',
                'left small toe', 'left heel', 'right big toe',
                'right small toe', 'right heel'),
            center=8,
            zaxis=(8, 1),
            xaxis=(2, 5)),
        SkeletonPyramid(
            name='openpose_mpi',
            num_joints=15,
            parts=((1, 14), (0, ), (5, 6), (7, ), (2, 3), (4, ), (11, 12),
                   (13, ), (8, 9), (10, )),
            bodies=_BODIES,
            part_names=_PART_NAMES,
            body_names=_BODY_NAMES,
            bones=((0, 1), (2, 1), (3, 2), (4, 3), (5, 1), (6, 5), (7, 6),
                   (8, 14), (9, 8), (10, 9), (11, 14), (12, 11), (13, 12),
                   (14, 1)),
            mirror=((5, 2), (6, 3), (7, 4), (11, 8), (12, 9), (13, 10)),
            inner=(1, 2, 5, 8, 11, 14),
            joint_names=(
                'head', 'neck', 'right shoulder', 'right elbow',
                'right wrist', 'left shoulder', 'left elbow', 'left wrist',
                'right hip', 'right knee', 'right ankle', 'left hip',
                'left knee', 'left ankle', 'chest')),
        # Halpe-FullBody, the 26 joints of the body. Its pairs leave the face
        # apart; here the nose is joined to the neck, as in OpenPose.
        SkeletonPyramid(
            name='halpe26',
            num_joints=26,
            parts=((18, 19), (0, 1, 2, 3, 4, 17), (5, 7), (9, ), (6, 8),
                   (10, ), (11, 13), (15, 20, 22, 24), (12, 14),
                   (16, 21, 23, 25)),
            bodies=_BODIES,
            part_names=_PART_NAMES,
            body_names=_BODY_NAMES,
            bones=((0, 18), (1, 0), (2, 0), (3, 1), (4, 2), (5, 18), (6, 18),
                   (7, 5), (8, 6), (9, 7), (10, 8), (11, 19), (12, 19),
                   (13, 11), (14, 12), (15, 13), (16, 14), (17, 18), (19, 18),
                   (20, 15), (21, 16), (22, 15), (23, 16), (24, 15), (25, 16)),
            mirror=((1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12),
                    (13, 14), (15, 16), (20, 21), (22, 23), (24, 25)),
            inner=(5, 6, 11, 12, 18, 19),
            joint_names=(
                'nose', 'left eye', 'right eye', 'left ear', 'right ear',
                'left shoulder', 'right shoulder', 'left elbow',
                'right elbow', 'left wrist', 'right wrist', 'left hip',
                'right hip', 'left knee', 'right knee', 'left ankle',
                'right ankle', 'head', 'neck', 'hip', 'left big toe',
                'right big toe', 'left small toe', 'right small toe',
                'left heel', 'right heel'),
            center=19,
            zaxis=(19, 18),
            xaxis=(6, 5)),
        # MediaPipe's pose landmarks. As with COCO, face and hips are joined
        # to the rest as a tree, which the documented connections are not.
        SkeletonPyramid(
            name='mediapipe',
            num_joints=33,
            parts=((0, 1, 2, 3, 4, 5, 6, 9, 10), (7, 8), (11, 13),
                   (15, 17, 19, 21), (12, 14), (16, 18, 20, 22), (23, 25),
                   (27, 29, 31), (24, 26), (28, 30, 32)),
            bodies=_BODIES,
            part_names=('face', 'ears', *_PART_NAMES[2:]),
            body_names=(*_BODY_NAMES[:4], 'head'),
            bones=((1, 0), (2, 1), (3, 2), (4, 0), (5, 4), (6, 5), (7, 3),
                   (8, 6), (9, 0), (10, 0), (11, 0), (12, 0), (13, 11),
                   (14, 12), (15, 13), (16, 14), (17, 15), (18, 16), (19, 15),
                   (20, 16), (21, 15), (22, 16), (23, 11), (24, 12),
                   (25, 23), (26, 24), (27, 25), (28, 26), (29, 27), (30, 28),
                   (31, 27), (32, 28)),
            mirror=((1, 4), (2, 5), (3, 6), (7, 8), (9, 10), (11, 12),
                    (13, 14), (15, 16), (17, 18), (19, 20), (21, 22),
                    (23, 24), (25, 26), (27, 28), (29, 30), (31, 32)),
            inner=(11, 12, 23, 24),
            joint_names=(
                'nose', 'left eye inner', 'left eye', 'left eye outer',
                'right eye inner', 'right eye', 'right eye outer', 'left ear',
                'right ear', 'left mouth', 'right mouth', 'left shoulder',
                'right shoulder', 'left elbow', 'right elbow', 'left wrist',
                'right wrist', 'left pinky', 'right pinky', 'left index',
                'right index', 'left thumb', 'right thumb', 'left hip',
                'right hip', 'left knee', 'right knee', 'left ankle',
                'right ankle', 'left heel', 'right heel', 'left foot index',
                'right foot index'),
            center=(23, 24),
            zaxis=((23, 24), (11, 12)),
            xaxis=(12, 11)),
        # Azure Kinect Body Tracking SDK, "Joint hierarchy".
        SkeletonPyramid(
            name='azure_kinect',
            num_joints=32,
            parts=((0, 1, 2), (3, 26, 27, 28, 29, 30, 31), (4, 5, 6, 7),
                   (8, 9, 10), (11, 12, 13, 14), (15, 16, 17), (18, 19),
                   (20, 21), (22, 23), (24, 25)),
            bodies=_BODIES,
            part_names=_PART_NAMES,
            body_names=_BODY_NAMES,
            bones=((1, 0), (2, 1), (3, 2), (4, 2), (5, 4), (6, 5), (7, 6),
                   (8, 7), (9, 8), (10, 7), (11, 2), (12, 11), (13, 12),
                   (14, 13), (15, 14), (16, 15), (17, 14), (18, 0), (19, 18),
                   (20, 19), (21, 20), (22, 0), (23, 22), (24, 23), (25, 24),
                   (26, 3), (27, 26), (28, 26), (29, 26), (30, 26), (31, 26)),
            mirror=((4, 11), (5, 12), (6, 13), (7, 14), (8, 15), (9, 16),
                    (10, 17), (18, 22), (19, 23), (20, 24), (21, 25),
                    (28, 30), (29, 31)),
            inner=(0, 1, 2, 4, 5, 11, 12, 18, 22),
            joint_names=(
                'pelvis', 'spine navel', 'spine chest', 'neck',
                *(f'{side} {joint}' for side in ('left', 'right')
                  for joint in ('clavicle', 'shoulder', 'elbow', 'wrist',
                                'hand', 'hand tip', 'thumb')),
                *(f'{side} {joint}' for side in ('left', 'right')
                  for joint in ('hip', 'knee', 'ankle', 'foot')),
                'head', 'nose', 'left eye', 'left ear', 'right eye',
                'right ear'),
            center=1,
            zaxis=(0, 1),
            xaxis=(12, 5)),
):
    register_layout(_pyramid)
