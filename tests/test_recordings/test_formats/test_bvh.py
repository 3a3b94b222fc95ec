"""BVH files: positions by hand and by SciPy, and layouts of hierarchies."""
import numpy as np
import pytest
from foreign import MIXAMO, bvh_text
from scipy.spatial.transform import Rotation

from psp_plugin.recordings.formats.bvh import FORMATS, layout_table, read_bvh
from psp_plugin.recordings.recording import InvalidRecording
from psp_plugin.skeletons import get_pyramid

BVH, = FORMATS
NAMES = [name for name, _, _ in MIXAMO]
PARENTS = [parent for _, parent, _ in MIXAMO]


def read(text):
    pytest.importorskip('pymotion')
    recording, = read_bvh(text)
    return recording


ARM = [('hip', None, (0, 0, 0)), ('elbow', 0, (1, 0, 0)),
       ('hand', 1, (0, 2, 0))]


def test_positions_by_hand():
    motion = [[5, 6, 7] + [0] * 9,
              [0, 0, 0, 90, 0, 0] + [0] * 6,  # the hip about z
              [0, 0, 0] + [0] * 3 + [0, 90, 0] + [0] * 3,  # elbow about x
              # z, then x in the turned axes: y to -x, to -x; z to y
              [0, 0, 0, 90, 90, 0] + [0] * 6]
    recording = read(bvh_text(ARM, motion))
    np.testing.assert_allclose(recording.points, [
        [(5, 6, 7), (6, 6, 7), (6, 8, 7)],
        [(0, 0, 0), (0, 1, 0), (-2, 1, 0)],
        [(0, 0, 0), (1, 0, 0), (1, 0, 2)],
        [(0, 0, 0), (0, 1, 0), (0, 1, 2)]], atol=1e-6)
    assert recording.fps == 30
    assert recording.layout['joint_names'] == ['hip', 'elbow', 'hand']


@pytest.mark.parametrize('order', ['ZXY', 'ZYX', 'XYZ', 'YXZ'])
def test_positions_of_a_person_by_scipy(order):
    rng = np.random.default_rng(0)
    motion = rng.uniform(-80, 80, (4, 3 + 3 * len(MIXAMO)))
    recording = read(bvh_text(MIXAMO, motion, rotations=' '.join(
        f'{axis}rotation' for axis in order)))
    turns, points = [], []
    for joint, (_, parent, offset) in enumerate(MIXAMO):
        turn = Rotation.from_euler(order, motion[:, 3:].reshape(
            4, -1, 3)[:, joint], degrees=True)
        if parent is None:
            points.append(motion[:, :3])
        else:
            points.append(points[parent] + turns[parent].apply(offset))
            turn = turns[parent] * turn
        turns.append(turn)
    np.testing.assert_allclose(recording.points, np.stack(points, 1),
                               atol=1e-4)


def test_positions_replace_offsets_unless_all_are_zero():
    motion = np.zeros((2, 18))
    every = 'Xposition Yposition Zposition'
    recording = read(bvh_text(ARM, motion, every=every))
    np.testing.assert_allclose(recording.points[1],
                               [(0, 0, 0), (1, 0, 0), (1, 2, 0)])
    motion[:, 6:9] = (0, 0, 3)
    recording = read(bvh_text(ARM, motion, every=every))
    np.testing.assert_allclose(recording.points[1],
                               [(0, 0, 0), (0, 0, 3), (0, 2, 3)])


def test_other_places_of_braces_and_spaces_in_names():
    text = bvh_text(ARM, [[0] * 12]).replace('\n{', ' {').replace(
        'hand', 'Hand of\tARM')
    recording = read(text)
    assert recording.layout['joint_names'][2] == 'Hand of ARM'
    np.testing.assert_allclose(recording.points[0, 2], (1, 2, 0))


def test_layout_of_a_person():
    table = layout_table(NAMES, PARENTS)
    pyramid = get_pyramid(table)
    named = [[NAMES[joint] for joint in part] for part in pyramid.parts]
    assert named == [
        ['Hips', 'Spine', 'Spine1'],
        ['Neck', 'Head', 'LeftEye', 'RightEye'],
        ['LeftShoulder', 'LeftArm', 'LeftForeArm'],
        ['LeftHand', 'LeftHandThumb1', 'LeftHandIndex1'],
        ['RightShoulder', 'RightArm', 'RightForeArm'],
        ['RightHand', 'RightHandThumb1', 'RightHandIndex1'],
        ['LeftUpLeg', 'LeftLeg'], ['LeftFoot', 'LeftToeBase'],
        ['RightUpLeg', 'RightLeg'], ['RightFoot', 'RightToeBase']]
    assert pyramid.bodies == ((0, 1), (2, 3), (4, 5), (6, 7), (8, 9))
    assert pyramid.body_names == ('torso', 'LeftShoulder', 'RightShoulder',
                                  'LeftUpLeg', 'RightUpLeg')
    assert len(pyramid.bones) == len(NAMES) - 1
    assert (10, 16) in pyramid.mirror and len(pyramid.mirror) == 11
    assert pyramid.center == 0 and pyramid.zaxis == (0, 2)
    assert pyramid.xaxis == (14, 8)  # the arms, not the collar bones


@pytest.mark.parametrize('rename', [
    lambda name: f'mixamorig:{name}',
    lambda name: name.replace('Left', 'l').replace('Right', 'r'),
    lambda name: name.replace('Left', 'L_').replace('Right', 'R_'),
    lambda name: name.replace('Left', 'left_').replace('Right', 'right_')])
def test_layout_knows_sides_in_other_spellings(rename):
    table = layout_table(NAMES, PARENTS)
    other = layout_table(list(map(rename, NAMES)), PARENTS)
    for key in ('parts', 'bodies', 'mirror', 'zaxis', 'xaxis', 'center'):
        assert other[key] == table[key]


def test_layout_without_sides_or_with_one_lacking():
    plain = [f'joint{i}' for i in range(len(NAMES))]
    pyramid = get_pyramid(layout_table(plain, PARENTS))
    assert pyramid.mirror is None and pyramid.center is None
    assert len(pyramid.bodies) == 4  # the root and its three branches
    pyramid = get_pyramid(layout_table(NAMES[:-1], PARENTS[:-1]))
    assert pyramid.mirror is None and pyramid.num_joints == len(NAMES) - 1
    assert get_pyramid(layout_table(['a'], [None])).num_joints == 1
    assert get_pyramid(layout_table(['a', 'b'], [None, 0])).num_joints == 2


@pytest.mark.parametrize('old, new, reason', [
    ('MOTION', 'MOVES', 'no MOTION'),
    ('Frames: 1', 'Frames: 2', '12 numbers in its motion, not 2 frames of 12'),
    ('Frames: 1', 'Frames: 0', 'has 0 frames'),
    ('0.0333333', 'fast', "'fast' as Frame Time"),
    ('0 0 0 0 0 0\n', '0 0 0 0 0 zero\n', 'not a number'),
    ('CHANNELS 3 ', 'CHANNELS 2 ', "of joint 'elbow'"),
    ('CHANNELS 3  Zrotation', 'CHANNELS 3  Xrotation', "of joint 'elbow'"),
    ('CHANNELS 6 Xposition', 'CHANNELS 6 Yposition', "of joint 'hip'"),
    ('OFFSET 1', 'OFFSET one', 'hierarchy'),
    ('JOINT elbow', 'ROOT elbow', 'one ROOT'),
    ('JOINT hand\n{\nOFFSET 0 2 0', 'JOINT hand\n{', 'hierarchy'),
    ('OFFSET 0 2 0', 'OFFSET 0 nan 0', 'cannot be computed')])
def test_other_files_are_refused(old, new, reason):
    text = bvh_text(ARM, [[0] * 12])
    assert old in text
    with pytest.raises(InvalidRecording, match=reason):
        read(text.replace(old, new, 1))


def test_the_package_is_named_where_it_is_missing(monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'pymotion.io.bvh', None)
    with pytest.raises(InvalidRecording, match=r'psp_plugin\[bvh\]'):
        read_bvh(bvh_text(ARM, [[0] * 12]))


def test_only_texts_with_a_hierarchy_are_bvh():
    assert BVH.matches('\n HIERARCHY\nROOT a') and BVH.suffixes == ('.bvh', )
    assert not any(map(BVH.matches, (None, '', 'ROOT', {})))
