"""What the readers of pose estimators share."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psp_plugin.recordings.formats.poses import (
    make_recording,
    named_layout,
    number_images,
    numbers,
    track_number,
)
from psp_plugin.recordings.recording import Detection, InvalidRecording
from psp_plugin.skeletons import LAYOUTS


def person(number=None, joints=3, value=1.0, scores=True):
    return Detection(np.full((joints, 2), value),
                     np.ones(joints) if scores else None, number)


@pytest.mark.parametrize('names, frames', [
    (['10.jpg', '2.jpg', '0.jpg'], [10, 2, 0]),
    (['a/clip_3/f_007.png', 'a/clip_3/f_010.png'], [7, 10]),
    (['walk2_1_33.jpg', 'walk2_2_67.jpg', 'walk2_4_99.jpg'], [1, 2, 4]),
    (['b.jpg', 'a.jpg'], [1, 0]),
    (['image.jpg'], [0]),
    (['12', '9'], [12, 9]),
    ([7, 3], [7, 3]),
])
def test_frames_are_the_numbers_in_names(names, frames):
    assert number_images(names) == frames


@pytest.mark.parametrize('names', [
    ['walk_1.jpg', 'run_2.jpg'],  # two videos
    ['v1_f1.jpg', 'v1_f2.jpg', 'v2_f1.jpg'],
    ['1.jpg', '01.jpg'],
    ['1.jpg', '1.png'],
    ['a' + '9' * 5000, 'a1'],
])
def test_names_of_several_videos_raise(names):
    with pytest.raises(InvalidRecording, match='one file per video'):
        number_images(names)


def test_mixed_names_raise():
    with pytest.raises(InvalidRecording, match='among names of images'):
        number_images(['1.jpg', 2])


@given(st.sets(st.integers(0, 10**6), min_size=1), st.integers(1, 9))
@settings(derandomize=True, deadline=None, database=None, max_examples=50)
def test_numbers_in_names_are_read_as_written(frames, width):
    names = [f'dir 1/take-2_{frame:0{width}d}.jpeg' for frame in frames]
    assert number_images(names) == (
        list(frames) if len(frames) > 1 else [0])


@pytest.mark.parametrize('value, number', [
    (3, 3), (3.0, 3), ([3], 3), ([3.0, 3.0], 3), ('a', 'a'), (0, 0),
    (-1, None), ([-1], None), ([1, 2], None), (None, None), (2.5, None),
    ({}, None), (True, None), ([], None), (float('inf'), None),
])
def test_numbers_of_tracked_persons(value, number):
    assert track_number(value) == number


def test_null_is_nan():
    np.testing.assert_array_equal(numbers([1, None, 2.5], ''),
                                  [1, np.nan, 2.5])


@pytest.mark.parametrize('values', [
    5, None, {}, 'abc', ['1', '2'], [1, 'x'], [None, '1'], [1, [2]], [True],
    [10**400], [[1, 2], [3]], [None, True], [{}],
])
def test_values_that_are_not_numbers_raise(values):
    with pytest.raises(InvalidRecording, match='number'):
        numbers(values, '"x"')


def test_missing_frames_have_no_person():
    one, two = person(1), person(1, value=2.0)
    made = make_recording({7: [two], 5: [one]}, {3: 'toy'})
    assert made.frames == [[one], [], [two]]
    assert made.layout == 'toy' and not made.notes


def test_persons_of_zeros_were_not_found():
    made = make_recording({0: [person()], 1: [person(value=0)]}, {})
    assert [len(frame) for frame in made.frames] == [1, 0]


def test_every_fifth_frame_becomes_successive():
    made = make_recording({5 * t + 2: [person()] for t in range(12)}, {},
                          fps=30)
    assert [len(frame) for frame in made.frames] == [1] * 12
    assert made.fps == 6 and 'are 5 apart' in made.notes[0]
    few = make_recording({5 * t: [person()] for t in range(3)}, {})
    assert len(few.frames) == 11 and not few.notes


def test_number_of_two_persons_of_a_frame_identifies_nobody():
    made = make_recording({0: [person(4), person(4)], 1: [person(4)]}, {})
    assert {p.number for frame in made.frames for p in frame} == {None}
    assert made.notes == ['has two persons of the number 4 in one frame, so '
                          'these numbers are not used']


@pytest.mark.parametrize('joints, body', [(133, 17), (136, 26)])
def test_body_of_a_skeleton_with_face_and_hands(joints, body):
    made = make_recording({0: [person(joints=joints)]}, {body: 'toy'})
    (found, ), = made.frames
    assert found.points.shape == (body, 2) and found.scores.shape == (body, )
    assert made.layout == 'toy'
    assert f'has {joints} joints, of which the first {body}' in made.notes[0]


@pytest.mark.parametrize('poses, sentence', [
    ({}, 'has no person in any frame'),
    ({0: []}, 'has no person in any frame'),
    ({0: [person(value=0)]}, 'has no person in any frame'),
    ({0: [person(), person(joints=4)]}, 'has poses of 3 and of 4 joints'),
    ({0: [person()], 1: [Detection(np.ones((3, 3)), np.ones(3))]},
     'has poses of 2 and of 3 coordinates'),
    ({0: [person(), person(scores=False)]}, 'has scores for 1 of 2 poses'),
    ({0: [person()], 100_000: [person()]},
     'has frames 0 to 100000, more than 100000'),
])
def test_invalid_poses_raise(poses, sentence):
    with pytest.raises(InvalidRecording) as error:
        make_recording(poses, {})
    assert str(error.value) == sentence


def test_layout_by_names_of_joints():
    for layout in LAYOUTS.values():
        names = [name.replace(' ', '_') for name in layout.joint_names]
        assert named_layout(names) == layout.name
    assert named_layout(['nose', 'tail']) is None
    assert named_layout(None) is None
