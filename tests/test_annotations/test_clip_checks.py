"""Problems of one clip."""
import numpy as np
import pytest

from psp_plugin.annotations.clip_checks import (
    common_layout,
    find_problems,
    shown,
)


def clip(**keys):
    points = np.random.default_rng(0).normal(size=(2, 6, 25, 3))
    return dict(dict(frame_dir='a', label=1, total_frames=6, keypoint=points),
                **keys)


def compressed(**keys):
    """Poses of all persons in a row, as in the toolbox's Kinetics."""
    return clip(**dict(dict(keypoint=np.ones((9, 17, 3), np.float16),
                            frame_inds=np.zeros(9, int)), **keys))


def kinds(annotation, **kwargs):
    return [problem.kind for problem in find_problems(annotation, **kwargs)]


def second_person_absent():
    points = clip()['keypoint']
    points[1] = 0
    return points


@pytest.mark.parametrize('good', [
    clip(), clip(label=None), clip(label=np.uint8(3)), clip(total_frames=None),
    clip(total_frames=np.int32(6)), clip(keypoint=second_person_absent()),
    clip(keypoint=np.ones((1, 6, 25, 3), int)),
    clip(keypoint=np.ones((3, 1, 25, 2), np.float16), total_frames=1),
    clip(keypoint_score=np.zeros((2, 6, 25))), clip(img_shape=(1080, 1920)),
    clip(img_shape=None), compressed(), compressed(total_frames=99),
], ids=range(13))
def test_valid_clips_have_no_problems(good):
    assert kinds(good) == []


def test_all_problems_of_a_clip_are_found():
    points = np.zeros((1, 6, 20, 3))
    points[0, 4, 3, 1], points[0, 5, 3, 1] = np.nan, -np.inf
    bad = clip(label=-2, keypoint=points, total_frames=9, img_shape=5,
               keypoint_score=np.zeros(3))
    assert kinds(bad, layout=common_layout([clip()])) == [
        'negative label', 'other joints', 'wrong total_frames',
        'NaN key points', 'infinite key points', 'wrong keypoint_score',
        'wrong img_shape']


@pytest.mark.parametrize('value, frames', [(np.nan, 1), (np.inf, 1)])
def test_invalid_frames_are_counted(value, frames):
    points = clip()['keypoint']
    points[1, 3] = value
    problem, = find_problems(clip(keypoint=points))
    assert 'in 1 of 6 frames, the first being frame 3' in problem.text


def test_compressed_poses():
    points = np.ones((9, 17, 3))
    points[7, 2, 0] = np.inf
    problem, = find_problems(compressed(keypoint=points))
    assert problem.text == ('has infinite key points in 1 of 9 poses, the '
                          'first being pose 7')
    assert kinds(compressed(frame_inds=np.zeros(8, int))) == [
        'wrong frame_inds']
    assert kinds(compressed(frame_inds=[0] * 9)) == ['wrong frame_inds']
    assert kinds(compressed(keypoint=np.ones((0, 17, 3)))) == ['no poses']
    assert kinds(compressed(keypoint=clip()['keypoint'])) == [
        'keypoint of wrong rank']


def test_labels_are_checked_against_num_classes():
    assert kinds(clip(label=4), num_classes=5) == []
    assert kinds(clip(label=5), num_classes=5) == ['label beyond num_classes']
    assert kinds(clip(label=None), need_label=True) == ['no label']
    several = dict(num_classes=5, multi_class=True)
    assert kinds(clip(label=[0, 4]), **several) == []
    assert kinds(clip(label=[0, 5]), **several) == ['label beyond num_classes']
    assert kinds(clip(label=[0, 'x']), **several) == ['label not an integer']
    assert kinds(clip(label=[0, 4])) == ['label not an integer']
    assert kinds(clip(label=True)) == ['label not an integer']


def test_key_points_in_another_file():
    own = clip()
    del own['keypoint']
    assert kinds(own) == ['no keypoint']
    assert kinds(own, need_points=False) == []


def test_most_frequent_layout():
    small = clip(keypoint=np.ones((1, 6, 20, 3)))
    assert common_layout([small, clip(), clip()]).joints == 25
    assert common_layout([small, clip()]).joints == 20  # the first in a tie
    assert common_layout([compressed(), clip(keypoint='x')]) is None
    assert kinds(clip(keypoint_score=np.ones((2, 6, 25))),
                 layout=common_layout([clip()])) == ['other coordinates']


def test_shown_is_short_and_on_one_line():
    assert shown('x' * 60) == repr('x' * 60)
    for value in (np.zeros((50, 50)), list(range(999)), 'x\n' * 500):
        assert '\n' not in shown(value) and len(shown(value)) < 100
