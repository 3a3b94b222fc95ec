"""Kinetics-skeleton: pairs and triples, flat and nested."""
import json

import numpy as np
import pytest
from foreign import flat, kinetics, poses
from hypothesis import given, settings
from hypothesis import strategies as st
from user_cases import case

from psp_plugin.recordings.formats.kinetics import FORMATS
from psp_plugin.recordings.recording import InvalidRecording

FORMAT, = FORMATS


def forms(points, scores):
    """The pose and the score of a person, in all forms."""
    triples = np.concatenate([points, scores[:, None]], 1).tolist()
    return {
        'flat': (points.ravel().tolist(), scores.tolist()),
        'nested': (points.tolist(), scores.tolist()),
        'nested scores': (points.tolist(), scores[:, None].tolist()),
        'nested triples': (triples, None),
        'flat triples': (flat(points, scores), None),
        'triples and scores': (triples, scores.tolist()),
        'flat triples and scores': (flat(points, scores), scores.tolist()),
        'flat without scores': (points.ravel().tolist(), None),
        'nested without scores': (points.tolist(), None),
    }


@pytest.mark.parametrize('joints, layout', [
    (18, 'openpose'), (17, None), (5, None), (25, None)])
@pytest.mark.parametrize('form', forms(*[p[0] for p in poses(1, 1)]))
def test_forms_of_poses(joints, layout, form):
    points, scores = poses(2, joints)
    one, two = (forms(*pose)[form] for pose in zip(points, scores))
    content = kinetics([(3, [two]), (1, [one])])
    assert FORMAT.matches(content)
    made, = FORMAT.read(content)
    assert [len(frame) for frame in made.frames] == [1, 0, 1]
    for t in (0, 1):
        person, = made.frames[2 * t]
        np.testing.assert_array_equal(person.points, points[t])
        if 'without' in form:
            assert person.scores is None
        else:
            np.testing.assert_array_equal(person.scores, scores[t])
    assert made.layout == layout


@given(st.integers(1, 40), st.integers(2, 3))
@settings(derandomize=True, deadline=None, database=None, max_examples=40)
def test_the_number_of_joints_never_changes(joints, width):
    """What is read without scores has its joints, or is refused."""
    pose = np.arange(1., joints * width + 1)
    try:
        made, = FORMAT.read(kinetics([(0, [(pose.tolist(), None)])]))
    except InvalidRecording as problem:
        assert (f'has {len(pose)} numbers and no "score" in entry 0'
                in str(problem))
        assert not len(pose) % 6
        return
    found = len(made.frames[0][0].points)
    if len(pose) % 6:
        assert found == joints
    else:  # the other count is not that of an estimator
        assert found in (15, 16, 17, 18, 25, 26, 33)


def test_persons_in_the_order_of_each_frame():
    points, scores = poses(2, 18)
    made, = FORMAT.read(kinetics([(0, [forms(*pose)['flat'] for pose in zip(
        points, scores)])]))
    np.testing.assert_array_equal(
        [person.points for person in made.frames[0]], points)


@pytest.mark.parametrize('more, label', [
    (dict(label='walk', label_index=3), 3), (dict(label='walk'), 'walk'),
    (dict(label='walk', label_index=None), 'walk'), ({}, None),
    (dict(label_index=0), 0)])
def test_labels(more, label):
    content = kinetics([(0, [([[1, 2]], [1])])], **more)
    assert FORMAT.read(content)[0].label == label


POSE = ([1, 2, 3, 4], [0.5, 0.5])


@pytest.mark.parametrize('content, sentence', [
    (dict(data=[]), 'has no frames'),
    (dict(data=[5]), 'has no list "skeleton" in entry 0 of "data"'),
    (dict(data=[dict(skeleton=5)]),
     'has no list "skeleton" in entry 0 of "data"'),
    (kinetics([(1, []), (2, [])]), 'has no person in any frame'),
    (kinetics([(1, [POSE]), (1, [])]), 'has a frame_index twice'),
    (kinetics([('1', [POSE])]),
     "has frame_index '1', which is not an integer"),
    (kinetics([(1, [POSE]), (10**9, [])]),
     'has frames 1 to 1000000000, more than 100000'),
    (kinetics([(1, [([1, 2, 3, 4], [1])])]),
     'has 1 scores for 2 joints in entry 0 of "data"'),
    (kinetics([(1, [POSE, ([1, 2], [1])])]),
     'has poses of 2 and of 1 joints'),
    (kinetics([(1, [([1] * 5, [1, 1])])]),
     'has no list "pose" of x and y for every joint in entry 0 of "data"'),
    (kinetics([(1, [([], [])])]),
     'has no list "pose" of x and y for every joint in entry 0 of "data"'),
    (kinetics([(1, [([[1, 2, 3, 4]], [1])])]),
     'has no list "pose" of x and y for every joint in entry 0 of "data"'),
    (kinetics([(1, [POSE, (POSE[0], None)])]),
     'has scores for 1 of 2 poses'),
    (kinetics([(1, [([[1, 2, 3]], [4])])]),
     'has a third number for every joint, and other scores, in entry 0 of '
     '"data": remove one of them'),
    (kinetics([(1, [([1] * 90, None)])]),
     'has 90 numbers and no "score" in entry 0 of "data", which are 45 joints '
     'of x and y or 30 of x, y and score: nest them, [[x, y], ...], or add '
     '"score"'),
    (kinetics([(1, [([1, 'x'], [1])])]),
     'has values that are not numbers, or lists of unequal length, in "pose" '
     'in entry 0 of "data"'),
    (kinetics([(1, [(POSE[0], 5)])]),
     'has no list of numbers as "score" in entry 0 of "data"'),
    (kinetics([(1, [POSE])], label_index=1.5),
     "has label_index '1.5', which is not an integer"),
    (kinetics([(1, [POSE])], label=[1]), "has label '[1]', which is not a "
     'name'),
])
def test_invalid_contents_raise(content, sentence):
    assert FORMAT.matches(content)
    with pytest.raises(InvalidRecording) as error:
        FORMAT.read(content)
    assert str(error.value) == sentence


def read_case(name, file):
    content = json.loads((case(name) / 'in' / file).read_text())
    assert FORMAT.matches(content)
    made, = FORMAT.read(content)
    return made


@pytest.mark.parametrize('file', ['flat.json', 'nested.json'])
def test_case_of_triples(file):
    made = read_case('kinetics_pose_xyc', file)
    assert [len(frame) for frame in made.frames] == [1, 1]
    person = made.frames[1][0]
    np.testing.assert_allclose(person.points[:, 0], np.arange(18) * 0.02)
    np.testing.assert_array_equal(person.points[:, 1], [0.5] * 18)
    np.testing.assert_array_equal(person.scores, [0.9] * 18)
    assert made.layout == 'openpose'


@pytest.mark.parametrize('joints', [17, 18])
def test_case_of_nested_poses(joints):
    made = read_case('kinetics_pose_nested', f'j{joints}.json')
    assert [len(frame) for frame in made.frames] == [1, 1]
    person = made.frames[1][0]
    np.testing.assert_array_equal(
        person.points, np.arange(joints)[:, None] * [10, 20])
    np.testing.assert_array_equal(person.scores, [0.9] * joints)
