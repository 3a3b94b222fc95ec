"""MMPose: videos, images and a file per image, in 2D and 3D."""
import numpy as np
import pytest
from foreign import mmpose, mmpose_meta, poses

from psp_plugin.recordings.formats.mmpose import FORMATS
from psp_plugin.recordings.recording import InvalidRecording

VIDEO, IMAGES = FORMATS


@pytest.mark.parametrize('joints, axes, info, layout', [
    (17, 2, None, 'coco'), (17, 2, mmpose_meta('coco'), 'coco'),
    (26, 2, mmpose_meta('halpe26'), 'halpe26'), (12, 2, None, None),
    (17, 3, None, None), (17, 3, mmpose_meta('coco'), 'coco'),
    (17, 2, dict(keypoint_id2name={'0': 'root'}), None)])
@pytest.mark.parametrize('first', [0, 1])
def test_video(joints, axes, info, layout, first):
    points, scores = poses(3, joints, axes)
    a, b, c = (mmpose(*pose) for pose in zip(points, scores))
    frames = [dict(frame_id=first + t, instances=instances)
              for t, instances in enumerate([[a, b], [], [c]])]
    content = dict(meta_info=info, instance_info=frames) if info else frames
    assert VIDEO.matches(content)
    made, = VIDEO.read(content)
    assert [len(frame) for frame in made.frames] == [2, 0, 1]
    assert made.layout == layout
    for found, point, score in zip(sum(made.frames, []), points, scores):
        np.testing.assert_array_equal(found.points, point)
        np.testing.assert_array_equal(found.scores, score)


def test_images():
    points, scores = poses(2, 17)
    contents = {3: [mmpose(points[0], scores[0])],
                5: [mmpose(points[1], scores[1])]}
    assert all(map(IMAGES.matches, contents.values()))
    made, = IMAGES.read(contents)
    assert [len(frame) for frame in made.frames] == [1, 0, 1]
    match = IMAGES.frame_name.fullmatch('walk_000003.json')
    assert (match['clip'], match['frame']) == ('walk', '000003')
    one, = VIDEO.read(dict(meta_info={}, instance_info=contents[5]))
    np.testing.assert_array_equal(one.frames[0][0].points, points[1])


@pytest.mark.parametrize('key', ['track_id', 'instance_id'])
def test_numbers_of_persons(key):
    points, scores = poses(2, 17)
    made, = VIDEO.read([dict(frame_id=0, instances=[
        mmpose(points[i], scores[i], **{key: 7 + i}) for i in range(2)])])
    assert [person.number for person in made.frames[0]] == [7, 8]


def test_3d_in_another_list_and_scores_of_none():
    points, _ = poses(1, 17, 3)
    made, = VIDEO.read([dict(frame_id=0, instances=[
        dict(keypoints=points.tolist(), keypoint_scores=None)])])
    np.testing.assert_array_equal(made.frames[0][0].points, points[0])
    assert made.frames[0][0].scores is None


def frames(**instance):
    return [dict(frame_id=4, instances=[dict(
        dict(keypoints=[[1, 2]], keypoint_scores=[1]), **instance)])]


@pytest.mark.parametrize('content, sentence', [
    (frames(keypoints=[[1, 2, 3, 4]]),
     'has 1 x 4 numbers as "keypoints" of frame 4, not 2 or 3 for every '
     'joint'),
    (frames(keypoints=None), 'has no list of numbers as "keypoints" of frame '
     '4'),
    (frames(keypoint_scores=[1, 2]), 'has 2 scores for 1 joints in frame 4'),
    (frames() * 2, 'has the frame_id 4 twice'),
    (frames() + [5], 'has no integer "frame_id" in entry 1 of its frames'),
    (frames() + [dict(frame_id=1, instances=5)],
     'has no list of instances in frame 1'),
    (dict(instance_info=[]), 'has no person in any frame'),
])
def test_invalid_contents_raise(content, sentence):
    assert VIDEO.matches(content)
    with pytest.raises(InvalidRecording) as error:
        VIDEO.read(content)
    assert str(error.value) == sentence
