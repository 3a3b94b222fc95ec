"""COCO: results of a detector, and annotated images."""
import numpy as np
import pytest
from foreign import alphapose, coco_annotation, coco_image, poses

from psp_plugin.recordings.formats.coco_results import FORMATS
from psp_plugin.recordings.recording import InvalidRecording
from psp_plugin.skeletons import get_pyramid

RESULTS, ANNOTATIONS = FORMATS


def test_results():
    points, scores = poses(3, 17)
    content = [alphapose(image, *pose, track_id=3)
               for image, *pose in zip((1007, 1004, 1005), points, scores)]
    assert RESULTS.matches(content)
    made, = RESULTS.read(content)
    assert [len(frame) for frame in made.frames] == [1, 1, 0, 1]
    np.testing.assert_array_equal(made.frames[3][0].points, points[0])
    np.testing.assert_array_equal(made.frames[0][0].scores, scores[1])
    assert made.frames[3][0].number == 3 and made.layout == 'coco'


def test_results_of_unrelated_images_raise():
    points, scores = poses(2, 17)
    with pytest.raises(InvalidRecording, match='more than 100000'):
        RESULTS.read([alphapose(image, points[0], scores[0])
                      for image in (139, 581781)])


def annotations(points, images, **more):
    flags = np.full(len(points[0]), 2.)
    flags[1] = 1
    return dict(
        images=images,
        annotations=[coco_annotation(i, image, point, flags, track_id=i)
                     for i, (point, image) in enumerate(
                         zip(points, (30, 10)))], **more)


def image(number, **more):
    return coco_image(number, f'a/{number // 10:05d}.jpg', (48, 64), **more)


@pytest.mark.parametrize('layout, joints', [('halpe26', 26), ('coco', 17)])
def test_annotations(layout, joints):
    points, _ = poses(2, joints)
    names = [name.replace(' ', '_')
             for name in get_pyramid(layout).joint_names]
    content = annotations(points, [image(30), image(10), image(20)],
                          categories=[dict(id=1, keypoints=names)])
    assert ANNOTATIONS.matches(content)
    made, = ANNOTATIONS.read(content)
    assert [len(frame) for frame in made.frames] == [1, 0, 1]
    np.testing.assert_array_equal(made.frames[2][0].points, points[0])
    np.testing.assert_array_equal(made.frames[2][0].scores, 1)
    assert made.frames[0][0].number == 1
    assert made.layout == layout and made.img_shape == (48, 64)


def test_annotations_of_several_videos():
    points, _ = poses(2, 17)
    content = annotations(points, [image(30, video_id=7, frame_id=0),
                                   image(10, video_id=8, frame_id=4)])
    del content['images'][1]['width']
    first, second = ANNOTATIONS.read(content)
    assert (first.name, second.name) == ('7', '8')
    assert len(first.frames) == len(second.frames) == 1
    np.testing.assert_array_equal(second.frames[0][0].points, points[1])
    assert first.img_shape == (48, 64) and second.img_shape is None
    assert first.layout == second.layout == 'coco'


def test_crowds_are_left_out():
    points, _ = poses(2, 17)
    content = annotations(points, [image(30), image(10)])
    content['annotations'][1]['iscrowd'] = 1
    made, = ANNOTATIONS.read(content)
    assert [len(frame) for frame in made.frames] == [0, 0, 1]


@pytest.mark.parametrize('images, sentence', [
    ([image(30)], "has annotation 1 of image '10', which is not among its "
     'images'),
    ([image(30), {}], 'has no "id" in image 1'),
    ([image(30), image(30)], 'has two images of the id 30'),
    ([image(30, frame_id=0), image(10, frame_id=0)],
     'has two images of the same frame of a video'),
])
def test_invalid_annotations_raise(images, sentence):
    points, _ = poses(2, 17)
    with pytest.raises(InvalidRecording) as error:
        ANNOTATIONS.read(annotations(points, images))
    assert str(error.value) == sentence
