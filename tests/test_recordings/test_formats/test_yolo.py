"""YOLO-pose: JSON of results, and label files."""
import json

import numpy as np
import pytest
from foreign import poses, yolo, yolo_line

from psp_plugin.recordings.formats.yolo import FORMATS
from psp_plugin.recordings.recording import InvalidRecording

VIDEO, IMAGES, LABELS = FORMATS


def contents(points, scores):
    """The forms of a video whose second frame has no person."""
    one, two = (yolo(*pose, track_id=4) for pose in zip(points, scores))
    frames = [[one], [], [two]]
    yield frames
    yield [json.dumps(frame) for frame in frames]
    yield {'f_11.jpg': [two], 'f_9.jpg': [one]}
    yield {'2': [two], '1': [], '0': [one]}


@pytest.mark.parametrize('joints, layout', [(17, 'coco'), (21, None)])
def test_video(joints, layout):
    points, scores = poses(2, joints)
    for content in contents(points, scores):
        assert VIDEO.matches(content)
        made, = VIDEO.read(content)
        assert [len(frame) for frame in made.frames] == [1, 0, 1]
        for found, point, score in zip(sum(made.frames, []), points, scores):
            np.testing.assert_array_equal(found.points, point)
            np.testing.assert_array_equal(found.scores, score)
            assert found.number == 4
        assert made.layout == layout


def test_images_and_detections_without_joints():
    points, scores = poses(2, 17)
    ball = dict(name='ball', box={})
    files = {t + 5: [ball, yolo(points[t], scores[t])] for t in range(2)}
    assert all(map(IMAGES.matches, files.values()))
    made, = IMAGES.read(files)
    assert [len(frame) for frame in made.frames] == [1, 1]
    del files[5][1]['keypoints']['visible'], files[6][1]['keypoints'][
        'visible']
    assert IMAGES.read(files)[0].frames[0][0].scores is None


@pytest.mark.parametrize('tail, number', [
    ((), None), ((3, ), 3), ((0.75, ), None), ((0.75, 3), 3)])
def test_labels(tail, number):
    points, scores = poses(3, 17)
    lines = [yolo_line(*pose, *tail) for pose in zip(points, scores)]
    if number:  # another person
        lines[1] = lines[1][:-1] + '8'
    files = {7: lines[0] + '\n' + lines[1] + '\n', 10: lines[2] + '\n'}
    assert all(map(LABELS.matches, files.values()))
    made, = LABELS.read({**files, 8: ''})
    assert [len(frame) for frame in made.frames] == [2, 0, 0, 1]
    np.testing.assert_allclose(made.frames[0][1].points, points[1])
    np.testing.assert_allclose(made.frames[3][0].scores, scores[2])
    assert made.frames[3][0].number == number
    assert made.frames[0][1].number == (8 if number else None)
    assert made.layout == 'coco' and 'relative' in made.notes[0]
    match = LABELS.frame_name.fullmatch('my_video_7.txt')
    assert (match['clip'], match['frame']) == ('my_video', '7')


def test_confidence_of_one_is_no_track():
    points, scores = poses(2, 17)
    made, = LABELS.read({0: yolo_line(points[0], scores[0], 1),
                         1: yolo_line(points[1], scores[1], 0.9)})
    assert made.frames[0][0].number is None


@pytest.mark.parametrize('text', [
    '', '0 0.5 0.5 0.2 0.4', 'x ' * 56, '0.5 ' * 56, '1 ' + '300.5 ' * 55,
    'nan ' * 56, '1 ' * 150])
def test_other_texts(text):
    assert not LABELS.matches(text)


@pytest.mark.parametrize('keypoints, sentence', [
    (5, 'has "keypoints" without x and y for image \'1\''),
    (dict(x=[1], y=None), 'has no list of numbers as "y" of "keypoints" of '
     'image \'1\''),
    (dict(x=[1], y=[1, 2]), 'has "keypoints" of image \'1\' that are not '
     'lists of x, y and visible, a number for every joint'),
    (dict(x=[], y=[]), 'has "keypoints" of image \'1\' that are not lists of '
     'x, y and visible, a number for every joint'),
])
def test_invalid_results_raise(keypoints, sentence):
    points, scores = poses(1, 17)
    with pytest.raises(InvalidRecording) as error:
        VIDEO.read([[yolo(points[0], scores[0])], [dict(keypoints=keypoints)]])
    assert str(error.value) == sentence


def test_invalid_frames_raise():
    with pytest.raises(InvalidRecording, match="has no list of results for "
                       "image '0'"):
        VIDEO.read([5])
    with pytest.raises(InvalidRecording, match='has lines in frame 3 that'):
        LABELS.read({3: '1 2 3'})
