"""OpenPose: a file per frame."""
import json

import numpy as np
import pytest
from foreign import flat, openpose, openpose_person, poses
from user_cases import case

from psp_plugin.recordings.formats.openpose import FORMATS
from psp_plugin.recordings.recording import InvalidRecording

FORMAT, = FORMATS


@pytest.mark.parametrize('joints, layout', [
    (25, 'openpose_body25'), (18, 'openpose'), (15, 'openpose_mpi'),
    (19, None)])
def test_persons_and_missing_frames(joints, layout):
    points, scores = poses(3, joints)
    a, b, c = (openpose_person(*pose) for pose in zip(points, scores))
    contents = {12: openpose(a, b), 13: openpose(), 15: openpose(c)}
    assert all(map(FORMAT.matches, contents.values()))
    made, = FORMAT.read(contents)
    assert [len(frame) for frame in made.frames] == [2, 0, 0, 1]
    assert made.layout == layout
    for found, point, score in zip(sum(made.frames, []), points, scores):
        np.testing.assert_array_equal(found.points, point)
        np.testing.assert_array_equal(found.scores, score)
        assert found.number is None


def test_numbers_of_persons():
    points, scores = poses(2, 25)
    contents = {t: openpose(openpose_person(points[t], scores[t], 3))
                for t in range(2)}
    assert [frame[0].number for frame in FORMAT.read(contents)[0].frames] == [
        3, 3]


def test_reconstructed_persons_are_3d():
    points, scores = poses(2, 25, 3)
    contents = {t: openpose(dict(
        openpose_person(points[t, :, :2], scores[t]),
        pose_keypoints_3d=flat(points[t], scores[t]))) for t in range(2)}
    contents[2] = openpose(openpose_person(points[0, :, :2], scores[0]))
    made, = FORMAT.read(contents)
    np.testing.assert_array_equal(made.frames[1][0].points, points[1])
    assert made.frames[2] == []  # not reconstructed
    assert made.notes == ['has 3D joints, which are used']


def test_old_key_and_persons_without_a_body():
    points, scores = poses(1, 18)
    old = dict(pose_keypoints=flat(points[0], scores[0]))
    face = dict(pose_keypoints_2d=[], face_keypoints_2d=[1, 2, 3])
    made, = FORMAT.read({0: openpose(old, face)})
    assert len(made.frames[0]) == 1 and made.layout == 'openpose'


@pytest.mark.parametrize('name, clip, frame', [
    ('clip_000000000012_keypoints.json', 'clip', 12),
    ('S1_a2_000000000003_keypoints.json', 'S1_a2', 3),
    ('frame7_keypoints.json', 'frame', 7),
    ('0012.json', '', 12),
])
def test_names_of_files(name, clip, frame):
    match = FORMAT.frame_name.fullmatch(name)
    assert (match['clip'], int(match['frame'])) == (clip, frame)


@pytest.mark.parametrize('name', ['keypoints.json', '12_face.json', '1.txt'])
def test_other_names(name):
    assert not FORMAT.frame_name.fullmatch(name)


@pytest.mark.parametrize('content, sentence', [
    (openpose(), 'has no person in any frame'),
    (dict(people=[5]), 'has no list "people" of objects in frame 4'),
    (dict(people=5), 'has no list "people" of objects in frame 4'),
    (openpose(dict(pose_keypoints_2d=[1, 2, 3, 4])),
     'has 4 numbers as "pose_keypoints_2d" of frame 4, not x, y and score of '
     'every joint'),
    (openpose(dict(pose_keypoints_2d='1 2 3')),
     'has no list of numbers as "pose_keypoints_2d" of frame 4'),
    (openpose(dict(pose_keypoints_3d=[1, 2, 3])),
     'has 3 numbers as "pose_keypoints_3d" of frame 4, not x, y, z and score '
     'of every joint'),
])
def test_invalid_contents_raise(content, sentence):
    with pytest.raises(InvalidRecording) as error:
        FORMAT.read({4: content})
    assert str(error.value) == sentence


def test_case():
    files = sorted((case('json_openpose_per_frame') / 'in').iterdir())
    contents = {
        int(FORMAT.frame_name.fullmatch(file.name)['frame']):
            json.loads(file.read_text()) for file in files}
    assert all(map(FORMAT.matches, contents.values()))
    made, = FORMAT.read(contents)
    assert [len(frame) for frame in made.frames] == [1, 1, 1]
    assert made.layout == 'openpose_body25'
    np.testing.assert_array_equal(made.frames[0][0].points[0],
                                  [352.771, 34.04])
    assert made.frames[2][0].scores[-1] == 0.937
