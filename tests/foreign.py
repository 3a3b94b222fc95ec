"""Contents of the formats of recordings, as their programs write them."""
import numpy as np

from psp_plugin.recordings.formats.kinect import AZURE_JOINTS
from psp_plugin.skeletons import get_pyramid

RNG = np.random.default_rng(0)


def poses(frames, joints, axes=2):
    """Coordinates (T, V, C) and scores (T, V), with three decimals."""
    points = RNG.uniform(0.1, 0.9, (frames, joints, axes)).round(3)
    return points, RNG.uniform(0.1, 1, (frames, joints)).round(3)


def flat(points, scores):
    """x, y[, z], score, x, ... of one person."""
    return np.concatenate([points, scores[:, None]], 1).ravel().tolist()


def openpose_person(points, scores, number=-1):
    return dict(person_id=[number], pose_keypoints_2d=flat(points, scores),
                face_keypoints_2d=[], hand_left_keypoints_2d=[],
                hand_right_keypoints_2d=[], pose_keypoints_3d=[])


def openpose(*people):
    """One file."""
    return dict(version=1.3, people=list(people))


def alphapose(image, points, scores, **more):
    """One entry of the list."""
    return dict(image_id=image, category_id=1, keypoints=flat(points, scores),
                score=2.5, **more)


def mmpose(points, scores, **more):
    """One instance, with the box in two lists as MMPose has it."""
    return dict(keypoints=points.tolist(), keypoint_scores=scores.tolist(),
                bbox=[[1., 2., 30., 40.]], bbox_score=0.9, **more)


def yolo(points, scores, **more):
    """One result."""
    return dict(name='person', **{'class': 0}, confidence=0.8,
                box=dict(x1=1., y1=2., x2=30., y2=40.),
                keypoints=dict(x=points[:, 0].tolist(),
                               y=points[:, 1].tolist(),
                               visible=scores.tolist()), **more)


def yolo_line(points, scores, *more):
    """One line of a label file."""
    numbers = (0, 0.5, 0.5, 0.2, 0.4, *flat(points, scores), *more)
    return ' '.join(f'{number:g}' for number in numbers)


def landmarks(points, scores):
    """One person's MediaPipe landmarks."""
    return [dict(x=x, y=y, z=z, visibility=v) for (x, y, z), v in zip(
        points.tolist(), scores.tolist())]


def kinetics(frames, **more):
    """Kinetics-skeleton of [(index, [(pose, score), ...]), ...]."""
    return dict(data=[
        dict(frame_index=index, skeleton=[
            dict(pose=pose) if score is None else dict(pose=pose, score=score)
            for pose, score in persons]) for index, persons in frames],
        **more)


def coco_image(number, name, shape, **more):
    """One image of annotations, of shape (height, width)."""
    return dict(id=number, file_name=name, height=shape[0], width=shape[1],
                **more)


def coco_annotation(number, image, points, flags, **more):
    """One annotated person."""
    return dict(id=number, image_id=image, category_id=1, iscrowd=0,
                keypoints=flat(points, flags),
                num_keypoints=int((flags > 0).sum()), **more)


def kinect_joints(names, points):
    """The joints of one body as Json.NET writes a dictionary of the SDK."""
    return {name: dict(
        JointType=i, Position=dict(zip('XYZ', map(float, point))),
        TrackingState=2) for i, (name, point) in enumerate(zip(names, points))}


def azure(frames, **keys):
    """The sample tool's JSON of [{body number: joints in metres}, ...]."""
    return dict(
        bone_list=[['SPINE_CHEST', 'SPINE_NAVEL']], frame_count=len(frames),
        frames=[dict(
            bodies=[dict(
                body_id=number,
                joint_positions=(joints * 1000).tolist(),
                joint_orientations=[[1.0, 0.0, 0.0, 0.0]] * 32)
                for number, joints in bodies.items()],
            frame_id=place, num_bodies=len(bodies),
            timestamp_usec=1_000_000 + 33_333 * place)
            for place, bodies in enumerate(frames)],
        joint_names=list(AZURE_JOINTS), k4abt_sdk_version='1.1.2', **keys)


def pku_mmd(points):
    """The text of points (T, M, V, C)."""
    return '\n'.join(' '.join(map(repr, map(float, frame.ravel())))
                     for frame in points) + '\n'


def table_of(values, header=None, mark=','):
    """The text of a table of numbers or words."""
    lines = [mark.join(map(str, row)) for row in
             ([header] if header else []) + np.asarray(values).tolist()]
    return '\n'.join(lines) + '\n'


# Joint, parent, offset: as in files of Mixamo, without fingers.
MIXAMO = [
    ('Hips', None, (0, 0, 0)), ('Spine', 0, (0, 10, 0)),
    ('Spine1', 1, (0, 12, 0)), ('Neck', 2, (0, 15, 1)),
    ('Head', 3, (0, 9, 1)), ('LeftEye', 4, (3, 6, 8)),
    ('RightEye', 4, (-3, 6, 8)),
    ('LeftShoulder', 2, (6, 12, 0)), ('LeftArm', 7, (12, 0, 0)),
    ('LeftForeArm', 8, (27, 0, 0)), ('LeftHand', 9, (27, 0, 0)),
    ('LeftHandThumb1', 10, (3, -3, 3)), ('LeftHandIndex1', 10, (9, 0, 3)),
    ('RightShoulder', 2, (-6, 12, 0)), ('RightArm', 13, (-12, 0, 0)),
    ('RightForeArm', 14, (-27, 0, 0)), ('RightHand', 15, (-27, 0, 0)),
    ('RightHandThumb1', 16, (-3, -3, 3)),
    ('RightHandIndex1', 16, (-9, 0, 3)),
    ('LeftUpLeg', 0, (9, -6, 0)), ('LeftLeg', 19, (0, -42, 0)),
    ('LeftFoot', 20, (0, -40, 0)), ('LeftToeBase', 21, (0, -8, 13)),
    ('RightUpLeg', 0, (-9, -6, 0)), ('RightLeg', 23, (0, -42, 0)),
    ('RightFoot', 24, (0, -40, 0)), ('RightToeBase', 25, (0, -8, 13)),
]


def bvh_text(joints, motion, root='Xposition Yposition Zposition',
             rotations='Zrotation Xrotation Yrotation', every=None,
             time=0.0333333):
    """The text of [(name, parent, offset), ...], in depth-first order."""
    def lines(joint):
        name, parent, offset = joints[joint]
        yield f'{"ROOT" if parent is None else "JOINT"} {name}'
        yield '{'
        yield 'OFFSET ' + ' '.join(map(str, offset))
        positions = root if parent is None else every
        yield f'CHANNELS {6 if positions else 3} {positions or ""} {rotations}'
        below = [i for i, (_, above, _) in enumerate(joints)
                 if above == joint]
        for child in below:
            yield from lines(child)
        if not below:
            yield from ('End Site', '{', 'OFFSET 0 1 0', '}')
        yield '}'

    return '\n'.join([
        'HIERARCHY', *lines(0), 'MOTION', f'Frames: {len(motion)}',
        f'Frame Time: {time}',
        *(' '.join(map(str, frame)) for frame in motion), ''])


def skeleton_text(frames, info='0 1 1 0 0 0 0.1 -0.2 2'):
    """NTU text of [{body: joints (V, 3)}, ...]."""
    lines = [len(frames)]
    for bodies in frames:
        lines.append(len(bodies))
        for body, joints in bodies.items():
            lines += [f'{body} {info}', len(joints)]
            lines += [' '.join(map(repr, map(float, joint))) +
                      ' 250 200 980 500 0 0 0 1 2' for joint in joints]
    return '\n'.join(map(str, lines)) + '\n'


def mmpose_meta(layout):
    """The ``meta_info`` of a video."""
    names = [name.replace(' ', '_') for name in
             get_pyramid(layout).joint_names]
    return dict(dataset_name=layout, num_keypoints=len(names),
                keypoint_id2name={str(i): n for i, n in enumerate(names)})
