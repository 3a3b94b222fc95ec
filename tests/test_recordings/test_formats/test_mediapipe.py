"""MediaPipe: 33 landmarks, as they are commonly stored."""
import json

import numpy as np
import pytest
from foreign import landmarks, poses
from user_cases import case

from psp_plugin.recordings.formats.mediapipe import FORMATS
from psp_plugin.recordings.recording import InvalidRecording

FORMAT, = FORMATS
POINTS, SCORES = poses(2, 33, 3)
ONE, TWO = (landmarks(*pose) for pose in zip(POINTS, SCORES))
TABLES = np.concatenate([POINTS, SCORES[..., None]], -1).tolist()


def proto(pose):
    return dict(landmark=pose)


@pytest.mark.parametrize('content', [
    [ONE, [], TWO],
    [[ONE], [], [TWO]],
    [ONE, None, TWO],
    [TABLES[0], [], TABLES[1]],
    [[TABLES[0]], [], [TABLES[1]]],
    dict(frames=[dict(landmarks=[ONE]), dict(landmarks=[]),
                 dict(landmarks=[TWO])]),
    dict(frames=[dict(pose_landmarks=ONE), {}, dict(pose_landmarks=TWO)]),
    [dict(poseLandmarks=ONE), dict(poseLandmarks=None),
     dict(poseLandmarks=TWO)],
    [dict(worldLandmarks=[ONE]), dict(worldLandmarks=[]),
     dict(worldLandmarks=[TWO])],
    [dict(frame=7, landmarks=ONE), dict(frame=9, landmarks=TWO)],
    [dict(pose_landmarks=proto(ONE)), {}, dict(pose_landmarks=proto(TWO))],
    [dict(pose_landmarks=[proto(ONE)]), {},
     dict(pose_landmarks=[proto(TWO)])],
    [proto(ONE), {}, proto(TWO)],
    {'2': TWO, '0': ONE},
    dict(pose_landmarks=[ONE, [], TWO]),
    dict(frames={'2': dict(landmarks=TWO), '0': dict(landmarks=ONE)}),
])
def test_forms(content):
    assert FORMAT.matches(content)
    made, = FORMAT.read(content)
    assert [len(frame) for frame in made.frames] == [1, 0, 1]
    for t in (0, 1):
        person, = made.frames[2 * t]
        np.testing.assert_array_equal(person.points, POINTS[t])
        np.testing.assert_array_equal(person.scores, SCORES[t])
    assert made.layout == 'mediapipe'


@pytest.mark.parametrize('content', [[[ONE, TWO]], [TABLES]])
def test_two_persons(content):
    assert [len(frame) for frame in FORMAT.read(content)[0].frames] == [2]


def test_one_frame():
    made, = FORMAT.read(dict(landmarks=ONE))
    assert [len(frame) for frame in made.frames] == [1]


@pytest.mark.parametrize('key', ['pose_world_landmarks', 'world_landmarks',
                                 'worldLandmarks'])
def test_world_landmarks_come_first(key):
    made, = FORMAT.read(dict(frames=[
        {'landmarks': [ONE], key: [TWO]}, {'landmarks': [ONE], key: []}]))
    assert [len(frame) for frame in made.frames] == [1, 0]
    np.testing.assert_array_equal(made.frames[0][0].points, POINTS[1])
    assert made.notes == ['has image and world landmarks, of which the world '
                          'landmarks, in metres, are used']


def test_image_landmarks_are_relative():
    assert 'relative' in FORMAT.read([ONE])[0].notes[0]
    assert not FORMAT.read([dict(world_landmarks=ONE)])[0].notes


@pytest.mark.parametrize('times, more, fps', [
    ((0, 40, 80), {}, 25), ((0, 50, 80), {}, 25), ((5, 5, 5), {}, None),
    ((0, float('nan'), float('inf')), {}, None), ((0, 0, 10**400), {}, None),
    ((0, 40, 80), dict(fps=30), 30)])
def test_frames_per_second(times, more, fps):
    made, = FORMAT.read(dict(more, frames=[
        dict(timestamp_ms=time, landmarks=ONE) for time in times]))
    assert made.fps == (None if fps is None else pytest.approx(fps))


@pytest.mark.parametrize('keys, axes', [('xy', 2), ('xyz', 3)])
def test_landmarks_without_visibility(keys, axes):
    pose = [{key: joint[key] for key in keys} for joint in ONE]
    person, = FORMAT.read([pose])[0].frames[0]
    np.testing.assert_array_equal(person.points, POINTS[0, :, :axes])
    assert person.scores is None


@pytest.mark.parametrize('content', [
    [], {}, [[]], None, ONE[:21], [ONE[:21]], POINTS.tolist(),
    np.ones((2, 32, 4)).tolist(), np.ones((33, 4)).tolist(),
    dict(name=[ONE]), dict(frames=5)])
def test_other_contents(content):
    assert not FORMAT.matches(content)


@pytest.mark.parametrize('pose, sentence', [
    (ONE[:21], 'has 21 landmarks of a person in frame 1, not 33'),
    (ONE[:32] + [5], 'has landmarks of frame 1 that are not objects with x '
     'and y'),
    (ONE[:32] + [dict(x=1)], 'has landmarks without "y" in frame 1'),
    (ONE[:32] + [dict(x=1, y=2)], 'has landmarks without "z" in frame 1'),
    ([dict(x=[1], y=[1])] * 33, 'has landmarks of frame 1 whose "x" is not a '
     'number'),
    (np.ones((33, 5)).tolist(), 'has 33 x 5 numbers as landmarks of frame 1, '
     'not x, y, z and visibility of 33'),
])
def test_invalid_landmarks_raise(pose, sentence):
    with pytest.raises(InvalidRecording) as error:
        FORMAT.read([ONE, pose])
    assert str(error.value) == sentence


def test_persons_of_world_landmarks_have_no_place():
    world, = FORMAT.read([dict(world_landmarks=[ONE, ONE])])
    image, = FORMAT.read([dict(landmarks=[ONE, ONE])])
    assert 'told apart by their poses only' in world.notes[-1]
    assert not any('told apart' in note for note in image.notes)


def test_frame_number_twice_raises():
    with pytest.raises(InvalidRecording, match='has a "frame" twice'):
        FORMAT.read([dict(frame=1, landmarks=ONE)] * 2)


@pytest.mark.parametrize('name', ['frames', 'list', 'xyzv'])
def test_case(name):
    file = case('json_mediapipe') / 'in' / f'{name}.json'
    content = json.loads(file.read_text())
    assert FORMAT.matches(content)
    made, = FORMAT.read(content)
    assert [len(frame) for frame in made.frames] == [1, 1, 1]
    np.testing.assert_array_equal(made.frames[2][0].points,
                                  [[0.1, 0.2, 0.3]] * 33)
    np.testing.assert_array_equal(made.frames[2][0].scores, [0.9] * 33)
    assert made.layout == 'mediapipe'
    assert made.fps is None  # all its times are 0
