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
            zaxis=(0, 1),
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
):
    register_layout(_pyramid)
