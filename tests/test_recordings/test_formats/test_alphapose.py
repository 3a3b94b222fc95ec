"""AlphaPose: a list, by image, and a file per image."""
import json

import numpy as np
import pytest
from foreign import alphapose, flat, poses
from user_cases import case

from psp_plugin.recordings.formats.alphapose import FORMATS
from psp_plugin.recordings.recording import InvalidRecording

LIST, NAMED, FRAMES = FORMATS


@pytest.mark.parametrize('joints, layout', [
    (17, 'coco'), (26, 'halpe26'), (16, None)])
def test_list_in_natural_order(joints, layout):
    points, scores = poses(4, joints)
    content = [alphapose(f'{image}.jpg', *pose) for image, *pose in zip(
        (10, 2, 2, 12), points, scores)]
    assert LIST.matches(content)
    made, = LIST.read(content)
    assert [len(frame) for frame in made.frames] == [
        2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1]  # frames 2 to 12
    assert made.layout == layout
    for place, frame, which in ((1, 0, 0), (2, 0, 1), (0, 8, 0), (3, 10, 0)):
        found = made.frames[frame][which]
        np.testing.assert_array_equal(found.points, points[place])
        np.testing.assert_array_equal(found.scores, scores[place])
        assert found.number is None


@pytest.mark.parametrize('numbers, read', [
    ((1, 2), (1, 2)), (([2.0], [1.0]), (2, 1)), (([2, 2], [3, 1]), (2, None)),
    ((0, 0), (None, None)),  # not tracked
    (([0.0], [0.0, 0.0]), (None, None))])
def test_numbers_of_persons(numbers, read):
    points, scores = poses(2, 17)
    made, = LIST.read([
        alphapose('0.jpg', point, score, idx=number)
        for point, score, number in zip(points, scores, numbers)])
    assert tuple(person.number for person in made.frames[0]) == read
    assert not made.notes


def test_full_body_of_halpe():
    points, scores = poses(1, 136)
    made, = LIST.read([alphapose('0.jpg', points[0], scores[0])])
    np.testing.assert_array_equal(made.frames[0][0].points, points[0, :26])
    assert made.layout == 'halpe26' and len(made.notes) == 1


def test_by_image():
    points, scores = poses(2, 17)
    content = {'v/10.jpg': [alphapose('', points[1], scores[1], idx=5)],
               'v/9.jpg': [], 'v/8.jpg': [alphapose('', points[0], scores[0],
                                                    idx=5)]}
    assert NAMED.matches(content)
    made, = NAMED.read(content)
    assert [len(frame) for frame in made.frames] == [1, 0, 1]
    np.testing.assert_array_equal(made.frames[2][0].points, points[1])
    assert made.frames[0][0].number == 5


@pytest.mark.parametrize('people, joints', [
    ('people', 'pose_keypoints_2d'), ('bodies', 'joints')])
def test_forms_of_other_estimators(people, joints):
    points, scores = poses(2, 18)
    images = [{'version': 'AlphaPose v0.3', people: [
        {joints: flat(points[t], scores[t])}]} for t in range(2)]
    content = {'1.jpg': images[1], '0.jpg': images[0]}
    assert NAMED.matches(content)
    for made, in (NAMED.read(content), FRAMES.read(dict(enumerate(images)))):
        assert made.layout == 'openpose'
        for t in range(2):
            np.testing.assert_array_equal(made.frames[t][0].points, points[t])
            np.testing.assert_array_equal(made.frames[t][0].scores, scores[t])
    # OpenPose's format reads single files of the other form.
    assert FRAMES.matches(images[0]) == (people == 'bodies')


@pytest.mark.parametrize('content, sentence', [
    ([dict(image_id='0.jpg', keypoints=[1, 2])],
     'has 2 numbers as "keypoints" of entry 0, not x, y and score of every '
     'joint'),
    ([dict(image_id='0.jpg', keypoints=[1, 2, 3]), 5],
     'has no "image_id" in entry 1'),
    ([dict(image_id='0.jpg', keypoints=[1, 2, 3]), dict(image_id='1.jpg')],
     'has no "keypoints" in entry 1'),
    ([dict(image_id='0.jpg', keypoints=[1, 2, 3]),
      dict(image_id={}, keypoints=[1, 2, 3])],
     "has image_id '{}', neither an integer nor a name"),
    ([dict(image_id='walk_0.jpg', keypoints=[1, 2, 3]),
      dict(image_id='run_0.jpg', keypoints=[1, 2, 3])],
     "has images such as 'walk_0.jpg' and 'run_0.jpg', whose names are not "
     'those of one numbered video: save one file per video'),
])
def test_invalid_lists_raise(content, sentence):
    assert LIST.matches(content)
    with pytest.raises(InvalidRecording) as error:
        LIST.read(content)
    assert str(error.value) == sentence


def test_image_without_a_list_raises():
    with pytest.raises(InvalidRecording, match="has no list of persons for "
                       "image '1.jpg'"):
        NAMED.read({'0.jpg': [], '1.jpg': 5})
    with pytest.raises(InvalidRecording, match='has no list of numbers as '
                       '"joints" of frame 3'):
        FRAMES.read({3: dict(bodies=[dict(joints=None)])})


@pytest.mark.parametrize('bodies', [
    [], [dict(joints=[dict(x=1)])], [dict(joints=dict(Head=1))],
    [dict(joints=[[1, 2, 3]])], [5], 5])
def test_bodies_of_a_kinect_are_of_another_format(bodies):
    content = dict(bodies=bodies)
    assert not FRAMES.matches(content)
    assert not NAMED.matches({'0': content})


def test_case():
    folder = case('json_alphapose') / 'in'
    content = json.loads((folder / 'list.json').read_text())
    assert LIST.matches(content)
    made, = LIST.read(content)
    assert [frame[0].points.shape for frame in made.frames] == [(17, 2)] * 3
    assert made.layout == 'coco'
    np.testing.assert_array_equal(made.frames[1][0].points[0],
                                  [583.032, 102.225])
    content = json.loads((folder / 'dict.json').read_text())
    assert NAMED.matches(content)
    made, = NAMED.read(content)
    assert [frame[0].points.shape for frame in made.frames] == [(16, 2)] * 2
    assert made.layout is None
    assert made.frames[0][0].scores[1] == 3.853
