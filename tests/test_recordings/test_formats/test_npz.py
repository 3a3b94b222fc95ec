"""NumPy archives of many clips and of one clip."""
import numpy as np
import pytest

from psp_plugin.recordings.formats.npz import FORMATS
from psp_plugin.recordings.recording import InvalidRecording

RNG = np.random.default_rng(0)
CLIPS = RNG.normal(size=(3, 6, 2, 25, 3)).astype(np.float32)  # N, T, M, V, C
CLIPS[1, 4:] = 0
POINTS = RNG.normal(size=(2, 4, 17, 2))  # M, T, V, C


def read(content):
    return next(form for form in FORMATS if form.matches(content)).read(
        content)


@pytest.mark.parametrize('labels, expected', [
    ([4, 0, 59], [4, 0, 59]), ([4, -1, 59], [4, None, 59]),
    (np.eye(60)[[4, 0, 59]], [4, 0, 59]),
    (np.eye(60)[[4, 0, 59]] * [[1], [0], [1]], [4, None, 59])])
def test_ntu_clips_of_ctrgcn(labels, expected):
    recordings = read(dict(
        x_train=CLIPS.reshape(3, 6, 150), y_train=np.array(labels),
        x_test=CLIPS[:1].reshape(1, 6, 150), y_test=np.array([7])))
    assert [recording.name for recording in recordings] == [
        'train_000000', 'train_000001', 'train_000002', 'test_000000']
    assert [recording.label for recording in recordings] == [*expected, 7]
    assert recordings[0].layout == 'nturgb+d'
    np.testing.assert_array_equal(recordings[2].points,
                                  CLIPS[2].transpose(1, 0, 2, 3))
    # Zeros at the end are no frames.
    np.testing.assert_array_equal(recordings[1].points,
                                  CLIPS[1, :4].transpose(1, 0, 2, 3))


@pytest.mark.parametrize('change, reason', [
    (dict(y_train=np.arange(2)), r'"y_train" of shape \(2,\)'),
    (dict(y_train=np.ones((3, 60))), 'neither classes nor one-hot'),
    (dict(y_train=np.array([.5, 1, 2])), 'not made of integers'),
    (dict(y_train=np.array(['a', 'b', 'c'])), 'not numbers'),
    (dict(x_test=np.ones((2, 5, 60))), r'"x_test" of shape \(2, 5, 60\)'),
    (dict(x_test=np.array('a')), 'not numbers')])
def test_ntu_refuses(change, reason):
    content = dict(x_train=CLIPS.reshape(3, 6, 150), y_train=np.arange(3))
    with pytest.raises(InvalidRecording, match=reason):
        read({**content, **change})


def test_one_array_of_any_name():
    recording, = read(dict(arr_0=POINTS))
    np.testing.assert_array_equal(recording.points, POINTS)
    assert recording.label is None and not recording.notes


def test_key_points_with_scores_and_class():
    recording, = read(dict(
        keypoints=POINTS, keypoint_scores=POINTS[..., 0], label=np.array(3),
        img_shape=np.array([480, 640]), fps=np.array(25), boxes=np.ones(4)))
    np.testing.assert_array_equal(recording.points, POINTS)
    np.testing.assert_array_equal(recording.scores, POINTS[..., 0])
    assert (recording.label, recording.fps) == (3, 25)
    assert recording.img_shape == [480, 640]
    assert recording.notes == ['has arrays that are not used: boxes']
    recording, = read(dict(joints=POINTS, label=np.array('wave')))
    assert recording.label == 'wave'


@pytest.mark.parametrize('content, reason', [
    ({}, 'the arrays of none'),
    (dict(poses=np.ones((9, 156)), trans=np.ones((9, 3))),
     r'poses \(9, 156\), trans \(9, 3\)'),
    (dict(a=POINTS, b=POINTS), r'a \(2, 4, 17, 2\), b \(2, 4, 17, 2\)'),
    (dict(x_train=np.ones((2, 5, 60)), y_train=np.ones(2)),
     r'x_train \(2, 5, 60\)'),
    (dict(keypoint=POINTS, keypoints=POINTS), 'keypoints'),
    (dict(keypoint=POINTS, scores=1, keypoint_score=1), 'keep one of them'),
    (dict(keypoint=np.array('a')), 'not numbers'),
    (dict(keypoint=POINTS, label=np.arange(2)), 'not one integer or name'),
    (dict(keypoint=POINTS, fps=np.array(0)), 'not a positive number')])
def test_other_archives_are_refused_by_name_and_shape(content, reason):
    with pytest.raises(InvalidRecording, match=reason):
        read(content)
