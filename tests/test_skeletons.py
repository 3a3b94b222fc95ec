"""The joint -> part -> body tables, and errors for invalid ones."""
import re

import numpy as np
import pytest
from mmaction.models.utils import Graph
from mmengine.config import Config
from toy import CONFIGS

from psp_plugin.skeletons import (
    LAYOUTS,
    SkeletonPyramid,
    get_pyramid,
    register_layout,
)

JOINTS = {'nturgb+d': 25, 'nwucla': 20, 'coco': 17, 'openpose': 18,
          'openpose_body25': 25, 'openpose_mpi': 15, 'halpe26': 26,
          'mediapipe': 33, 'azure_kinect': 32}
PARTS = ((0, 2), (1, ), (4, 3))  # of a toy layout of five joints
BODIES = ((2, 0), (1, ))


def toy(parts=PARTS, bodies=BODIES, num_joints=5):
    return SkeletonPyramid(name='toy', num_joints=num_joints, parts=parts,
                           bodies=bodies)


def flat(groups):
    return [member for group in groups for member in group]


@pytest.mark.parametrize('layout', JOINTS)
def test_sizes(layout):
    pyramid = get_pyramid(layout)
    assert pyramid.name == layout
    assert pyramid.num_joints == JOINTS[layout]
    assert (len(pyramid.parts), len(pyramid.bodies)) == (10, 5)
    assert (len(pyramid.part_names), len(pyramid.body_names)) == (10, 5)


def test_every_layout_is_tested():
    assert set(LAYOUTS) == set(JOINTS)


@pytest.mark.parametrize('layout', JOINTS)
def test_tables_are_partitions(layout):
    pyramid = get_pyramid(layout)
    assert sorted(flat(pyramid.parts)) == list(range(JOINTS[layout]))
    assert sorted(flat(pyramid.bodies)) == list(range(10))
    assert sorted(flat(pyramid.body_joints)) == list(range(JOINTS[layout]))


@pytest.mark.parametrize('layout', JOINTS)
def test_every_body_has_at_least_two_parts(layout):
    """Section 3.2: each body "contains two or more part-level nodes"."""
    assert all(len(body) >= 2 for body in get_pyramid(layout).bodies)


@pytest.mark.parametrize('layout', JOINTS)
def test_indices_invert_the_groups(layout):
    pyramid = get_pyramid(layout)
    for joint in range(pyramid.num_joints):
        part = pyramid.joint_to_part[joint]
        body = pyramid.joint_to_body[joint]
        assert joint in pyramid.parts[part]
        assert joint in pyramid.body_joints[body]
        assert body == pyramid.part_to_body[part]
    for part in range(10):
        assert part in pyramid.bodies[pyramid.part_to_body[part]]


@pytest.mark.parametrize('layout', JOINTS)
def test_names_fit_the_groups(layout):
    """The parts of the left arm are the left arm and the left hand."""
    pyramid = get_pyramid(layout)
    named = {
        body: {pyramid.part_names[part] for part in parts}
        for body, parts in zip(pyramid.body_names, pyramid.bodies)
    }
    if layout in ('coco', 'mediapipe'):  # they have no spine
        assert named.pop('head') == {'face', 'ears'}
    else:
        spine = 'neck' if layout == 'openpose' else 'spine'
        assert named.pop('torso') == {spine, 'head'}
    ends = dict(arm='hand', leg='foot')
    assert named == {
        f'{side} {limb}': {f'{side} {limb}', f'{side} {ends[limb]}'}
        for side in ('left', 'right') for limb in ends
    }


@pytest.mark.parametrize('layout, joints', [
    ('nturgb+d', {'spine': (0, 1, 20), 'head': (2, 3),
                  'left arm': (4, 5, 6), 'left hand': (7, 21, 22),
                  'right arm': (8, 9, 10), 'right hand': (11, 23, 24),
                  'left leg': (12, 13), 'left foot': (14, 15),
                  'right leg': (16, 17), 'right foot': (18, 19)}),
    ('nwucla', {'spine': (0, 1), 'head': (2, 3),
                'left arm': (4, 5), 'left hand': (6, 7),
                'right arm': (8, 9), 'right hand': (10, 11),
                'left leg': (12, 13), 'left foot': (14, 15),
                'right leg': (16, 17), 'right foot': (18, 19)}),
    ('coco', {'face': (0, 1, 2), 'ears': (3, 4),
              'left arm': (5, 7), 'left hand': (9, ),
              'right arm': (6, 8), 'right hand': (10, ),
              'left leg': (11, 13), 'left foot': (15, ),
              'right leg': (12, 14), 'right foot': (16, )}),
    ('openpose', {'neck': (1, ), 'head': (0, 14, 15, 16, 17),
                  'left arm': (5, 6), 'left hand': (7, ),
                  'right arm': (2, 3), 'right hand': (4, ),
                  'left leg': (11, 12), 'left foot': (13, ),
                  'right leg': (8, 9), 'right foot': (10, )}),
    ('openpose_body25', {
        'spine': (1, 8), 'head': (0, 15, 16, 17, 18),
        'left arm': (5, 6), 'left hand': (7, ),
        'right arm': (2, 3), 'right hand': (4, ),
        'left leg': (12, 13), 'left foot': (14, 19, 20, 21),
        'right leg': (9, 10), 'right foot': (11, 22, 23, 24)}),
    ('openpose_mpi', {'spine': (1, 14), 'head': (0, ),
                      'left arm': (5, 6), 'left hand': (7, ),
                      'right arm': (2, 3), 'right hand': (4, ),
                      'left leg': (11, 12), 'left foot': (13, ),
                      'right leg': (8, 9), 'right foot': (10, )}),
    ('halpe26', {'spine': (18, 19), 'head': (0, 1, 2, 3, 4, 17),
                 'left arm': (5, 7), 'left hand': (9, ),
                 'right arm': (6, 8), 'right hand': (10, ),
                 'left leg': (11, 13), 'left foot': (15, 20, 22, 24),
                 'right leg': (12, 14), 'right foot': (16, 21, 23, 25)}),
    ('mediapipe', {'face': (0, 1, 2, 3, 4, 5, 6, 9, 10), 'ears': (7, 8),
                   'left arm': (11, 13), 'left hand': (15, 17, 19, 21),
                   'right arm': (12, 14), 'right hand': (16, 18, 20, 22),
                   'left leg': (23, 25), 'left foot': (27, 29, 31),
                   'right leg': (24, 26), 'right foot': (28, 30, 32)}),
    ('azure_kinect', {
        'spine': (0, 1, 2), 'head': (3, 26, 27, 28, 29, 30, 31),
        'left arm': (4, 5, 6, 7), 'left hand': (8, 9, 10),
        'right arm': (11, 12, 13, 14), 'right hand': (15, 16, 17),
        'left leg': (18, 19), 'left foot': (20, 21),
        'right leg': (22, 23), 'right foot': (24, 25)}),
])  # yapf: disable
def test_joints_of_the_parts(layout, joints):
    """NTU as released with the paper, the others in the same way."""
    pyramid = get_pyramid(layout)
    assert dict(zip(pyramid.part_names, pyramid.parts)) == joints


def test_toy_indices_by_hand():
    pyramid = toy()
    assert pyramid.joint_to_part == (0, 1, 0, 2, 2)
    assert pyramid.part_to_body == (0, 1, 0)
    assert pyramid.joint_to_body == (0, 1, 0, 0, 0)
    assert pyramid.body_joints == ((4, 3, 0, 2), (1, ))


@pytest.mark.parametrize('table, sentence', [
    (dict(parts=((0, 2), (), (1, 3, 4))), 'part 1 is empty'),
    (dict(parts=((0, 2), (1, 2), (3, 4))),
     'joint 2 is in part 0 and again in part 1'),
    (dict(parts=((0, 2, 0), (1, ), (3, 4))),
     'joint 0 is in part 0 and again in part 0'),
    (dict(parts=((0, ), (1, ), (4, ))), 'joint(s) 2, 3 are in no part'),
    (dict(parts=((0, 2), (1, ), (3, 5))),
     'part 2 names joint 5, but joints run from 0 to 4'),
    (dict(parts=((0, 2), (-1, ), (3, 4))),
     'part 1 names joint -1, but joints run from 0 to 4'),
    (dict(bodies=((0, 1, 2), ())), 'body 1 is empty'),
    (dict(bodies=((0, 1), (2, 1))),
     'part 1 is in body 0 and again in body 1'),
    (dict(bodies=((0, ), (2, ))), 'part(s) 1 are in no body'),
    (dict(bodies=((0, 1), (3, ))),
     'body 1 names part 3, but parts run from 0 to 2'),
])
def test_invalid_table_raises(table, sentence):
    with pytest.raises(ValueError) as error:
        toy(**table)
    assert str(error.value) == f"layout 'toy': {sentence}"


def test_unknown_layout_raises_with_the_known_names():
    with pytest.raises(ValueError, match=re.escape(
            "unknown skeleton layout 'kinect'; known are 'azure_kinect', "
            "'coco', 'halpe26', 'mediapipe', 'nturgb+d', 'nwucla', "
            "'openpose', 'openpose_body25', 'openpose_mpi', or give a "
            'table')):
        get_pyramid('kinect')


@pytest.mark.parametrize('layout', JOINTS)
def test_bones_make_one_tree(layout):
    pyramid = get_pyramid(layout)
    joined = {pyramid.bones[0][0]}
    for _ in pyramid.bones:
        joined |= {joint for bone in pyramid.bones if joined & set(bone)
                   for joint in bone}
    assert joined == set(range(pyramid.num_joints))


@pytest.mark.parametrize('layout', LAYOUTS)
def test_bones_have_no_cycle(layout):
    """The toolbox's tables list a joint as its own parent, if at all."""
    pyramid = get_pyramid(layout)
    bones = {frozenset(bone) for bone in pyramid.bones if len(set(bone)) == 2}
    assert len(bones) == pyramid.num_joints - 1


def side_of(name):
    return next((side for side in ('left', 'right') if side in name), None)


@pytest.mark.parametrize('layout', LAYOUTS)
def test_names_of_joints(layout):
    """Every joint is named; mirrored ones differ in the side only."""
    pyramid = get_pyramid(layout)
    names = pyramid.joint_names
    assert len(set(names)) == pyramid.num_joints
    mirrored = {names[left].replace('left', 'right'): names[right]
                for left, right in pyramid.mirror}
    assert all(image == name for image, name in mirrored.items())
    assert len(mirrored) * 2 == sum(
        side_of(name) is not None for name in names)
    for part, joints in zip(pyramid.part_names, pyramid.parts):
        if side_of(part):
            assert {side_of(names[joint]) for joint in joints} == {
                side_of(part)}


@pytest.mark.parametrize('layout', [
    layout for layout in LAYOUTS.values() if layout.xaxis])
def test_joints_of_normalization(layout):
    names = layout.joint_names
    assert [names[joint] for joint in layout.xaxis] == [
        'right shoulder', 'left shoulder']
    assert (layout.center is None) == (layout.zaxis is None)
    for point in () if layout.zaxis is None else (
            layout.center, *layout.zaxis):  # in the middle of the body
        joints = (point, ) if isinstance(point, int) else point
        assert {side_of(names[joint]) for joint in joints} in (
            {None}, {'left', 'right'})


@pytest.mark.parametrize('layout', ['nturgb+d', 'coco', 'openpose'])
def test_layouts_of_the_toolbox_have_its_joints(layout):
    assert get_pyramid(layout).num_joints == Graph(layout).num_node


def test_the_graph_of_the_nwucla_configs_has_the_layouts_bones():
    graph = Config.fromfile(
        str(CONFIGS / '_base_/datasets/nwucla_3d.py')).graph_layout
    pyramid = get_pyramid('nwucla')
    assert graph.num_node == pyramid.num_joints
    assert tuple(map(tuple, graph.inward)) == pyramid.bones


@pytest.mark.parametrize('layout', JOINTS)
def test_mirror_exchanges_the_left_and_the_right_parts(layout):
    """Parts of limbs; the other parts are mirrored onto themselves."""
    pyramid = get_pyramid(layout)
    mirror = pyramid.mirrored_joints
    assert [mirror[joint] for joint in mirror] == list(range(JOINTS[layout]))
    other = dict(left='right', right='left')
    parts = dict(zip(pyramid.part_names, map(set, pyramid.parts)))
    for name, joints in parts.items():
        side, _, limb = name.partition(' ')
        image = f'{other[side]} {limb}' if side in other else name
        assert {mirror[joint] for joint in joints} == parts[image]


@pytest.mark.parametrize('layout', JOINTS)
def test_mirror_keeps_the_bones(layout):
    """So the joints of a limb are exchanged in their order."""
    pyramid = get_pyramid(layout)
    bones = {frozenset(bone) for bone in pyramid.bones}
    mirror = pyramid.mirrored_joints
    assert bones == {frozenset(mirror[joint] for joint in bone)
                     for bone in bones}


def test_mirror_of_a_table():
    table = dict(parts=PARTS, bodies=BODIES)
    with pytest.raises(ValueError, match="layout 'custom' has no mirror"):
        get_pyramid(table).mirrored_joints  # noqa: B018
    mirrored = get_pyramid(dict(table, mirror=[[0, 3], [4, 1]]))
    assert mirrored.mirror == ((0, 3), (4, 1))
    assert mirrored.mirrored_joints == (3, 4, 2, 0, 1)
    assert get_pyramid(dict(table, mirror=[])).mirrored_joints == (
        0, 1, 2, 3, 4)


def test_table_of_a_config():
    """The number of joints follows from the table; lists become tuples."""
    table = dict(parts=[list(part) for part in PARTS],
                 bodies=[list(body) for body in BODIES])
    pyramid = get_pyramid(table)
    assert (pyramid.num_joints, pyramid.name) == (5, 'custom')
    assert (pyramid.parts, pyramid.bodies) == (PARTS, BODIES)
    named = get_pyramid(dict(table, name='toy', num_joints=5,
                             part_names=['a', 'b', 'c'], bones=[[0, 1]]))
    assert named.part_names == ('a', 'b', 'c')
    assert named.bones == ((0, 1), )
    assert get_pyramid(named) is named


@pytest.mark.parametrize('changes, sentence', [
    (dict(parts=None), 'a layout table needs parts and bodies and accepts '
     'name, num_joints, parts, bodies, part_names, body_names, bones, mirror, '
     'inner, joint_names, center, zaxis, xaxis, but parts is missing'),
    (dict(joints=5), 'joints is not one of them'),
    (dict(parts=[[0, 2], [3, 4]], bodies=[[0, 1]]),
     "layout 'custom': joint(s) 1 are in no part"),
    (dict(num_joints=6), "layout 'custom': joint(s) 5 are in no part"),
    (dict(num_joints=4), "layout 'custom': part 2 names joint 4, but joints "
     'run from 0 to 3'),
    (dict(parts=[]), "layout 'custom' has no part"),
    (dict(parts=[0, 1]), "layout 'custom': parts must be lists of lists of "
     'integers, not [0, 1]'),
    (dict(parts=[['head']]), "layout 'custom': parts must be lists of lists "
     "of integers, not [['head']]"),
    (dict(part_names=['a']), "layout 'custom': 1 part_names do not fit 3 "
     'parts'),
    (dict(bones=[[0, 5]]), "layout 'custom': bone (0, 5) is not a pair of "
     'joints from 0 to 4'),
    (dict(mirror=[[0, 5]]), "layout 'custom': mirror (0, 5) is not a pair of "
     'joints from 0 to 4'),
    (dict(mirror=[[0, 1, 2]]), "layout 'custom': mirror (0, 1, 2) is not a "
     'pair of joints from 0 to 4'),
    (dict(mirror=[[0, 1], [2, 1]]), "layout 'custom': mirror names joint 1 "
     'more than once'),
    (dict(mirror=[[3, 3]]), "layout 'custom': mirror names joint 3 more than "
     'once'),
    (dict(mirror=[0, 1]), "layout 'custom': mirror must be lists of lists of "
     'integers, not [0, 1]'),
])
def test_invalid_table_of_a_config_raises(changes, sentence):
    table = dict(dict(parts=PARTS, bodies=BODIES), **changes)
    table = {key: value for key, value in table.items() if value is not None}
    with pytest.raises(ValueError) as error:
        get_pyramid(table)
    assert sentence in str(error.value)


def test_registered_layout(monkeypatch):
    monkeypatch.setattr('psp_plugin.skeletons.pyramid.LAYOUTS', dict(LAYOUTS))
    register_layout(toy())
    register_layout(toy())  # an equal table is accepted
    assert get_pyramid('toy') == toy()
    with pytest.raises(ValueError, match="another layout is already named "
                       "'toy'"):
        register_layout(toy(bodies=((0, 1), (2, ))))


def test_pyramid_is_frozen():
    with pytest.raises(AttributeError):
        get_pyramid('nwucla').num_joints = 3


def test_normalisation_joints_may_be_means():
    pyramid = get_pyramid(dict(
        parts=[[0, 1, 2, 3]], bodies=[[0]], center=[0, 1],
        zaxis=[[0, 1], np.int64(2)], xaxis=(3, 2),
        joint_names=['a', 'b', 'c', 'd']))
    assert pyramid.axes == dict(center=((0, 1), ), zaxis=((0, 1), 2),
                                xaxis=(3, 2))
    assert pyramid.name_of(pyramid.zaxis[0]) == '0 (a) and 1 (b)'
    assert get_pyramid('nturgb+d').axes['zaxis'] == (0, 1)


@pytest.mark.parametrize('axes, sentence', [
    (dict(center=4), 'center uses joint 4, but joints run from 0 to 3'),
    (dict(center=[0, 4]), 'center uses joint 4'),
    (dict(center=[]), '[] is neither a joint nor a list of different joints'),
    (dict(zaxis=[0, 0]), 'zaxis must be two different joints, not [0, 0]'),
    (dict(xaxis=[0, 1, 2]), 'xaxis must be two joints, not [0, 1, 2]'),
    (dict(xaxis='01'), "xaxis must be two joints, not '01'"),
])
def test_normalisation_joints_that_do_not_exist(axes, sentence):
    with pytest.raises(ValueError) as error:
        get_pyramid(dict(parts=[[0, 1, 2, 3]], bodies=[[0]], **axes))
    assert str(error.value).startswith(f"layout 'custom': {sentence}")
