"""The joint -> part -> body tables and what is said of bad ones."""
import re

import pytest

from psp_plugin.skeletons import LAYOUTS, SkeletonPyramid, get_pyramid

JOINTS = {'nturgb+d': 25, 'nwucla': 20}
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
def test_every_body_has_two_parts_or_more(layout):
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
    assert named.pop('torso') == {'spine', 'head'}
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
])  # yapf: disable
def test_joints_of_the_parts(layout, joints):
    """NTU as released with the paper, Kinect v1 joints alike."""
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
def test_bad_table_is_one_sentence(table, sentence):
    with pytest.raises(ValueError) as error:
        toy(**table)
    assert str(error.value) == f"layout 'toy': {sentence}"


def test_unknown_layout_names_the_known():
    with pytest.raises(ValueError, match=re.escape(
            "unknown skeleton layout 'coco'; known are 'nturgb+d', "
            "'nwucla'")):
        get_pyramid('coco')


def test_pyramid_is_frozen():
    with pytest.raises(AttributeError):
        get_pyramid('nwucla').num_joints = 3
