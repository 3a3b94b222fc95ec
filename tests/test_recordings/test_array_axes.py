"""The order of the axes of arrays: recognized, named by the user, refused."""
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psp_plugin.recordings.axes import arrange, check_order, parse_axes
from psp_plugin.recordings.recording import InvalidRecording

ORDERS = {axes: [''.join(order) for order in permutations(axes)]
          for axes in ('TVC', 'MTVC')}


def smooth(rng, persons, frames, joints, coordinates):
    """A clip (M, T, V, C) whose joints move less than they are apart."""
    rest = rng.normal(size=(persons, 1, joints, coordinates))
    steps = rng.normal(size=(persons, frames, joints, coordinates))
    return rest + 0.05 * np.cumsum(steps, 1)


@st.composite
def clips(draw, axes):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    persons = draw(st.integers(1, 2)) if 'M' in axes else 1
    clip = smooth(rng, persons, draw(st.integers(2, 40)),
                  draw(st.integers(8, 33)), draw(st.integers(2, 3)))
    if draw(st.booleans()):  # a person who leaves, joints that are not found
        # One pose and nothing else has no order in time.
        clip[-1, max(clip.shape[1] // 2, 2):] = 0
        clip[rng.random(clip.shape[:3]) < 0.1] = 0
    return clip if 'M' in axes else clip[0]


@pytest.mark.parametrize('axes', ORDERS)
@settings(max_examples=150, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_order_is_recognized_or_refused(axes, data):
    """What passes unnamed is the clip; what is named becomes the clip."""
    clip = data.draw(clips(axes))
    order = data.draw(st.sampled_from(ORDERS[axes]))
    given_as = clip.transpose([axes.index(axis) for axis in order])
    try:
        check_order(given_as)
    except InvalidRecording as refusal:
        # Told only the right order, or to choose it.
        assert '--axes' in str(refusal)
    else:
        np.testing.assert_array_equal(given_as, clip)
    named, = arrange(given_as, order)
    np.testing.assert_array_equal(named.squeeze(), clip.squeeze())


@settings(max_examples=100, deadline=None)
@given(clips('MTVC'))
def test_the_documented_order_passes(clip):
    """Except two persons of two coordinates, which can be either."""
    persons, coordinates = len(clip), clip.shape[-1]
    if persons == coordinates == 2:
        clip = clip[:1]
    check_order(clip)
    check_order(clip[0])


def test_known_numbers_of_joints_decide_for_clips_of_few_frames():
    """At 5 frames per second, frames are hardly smoother than joints."""
    rng = np.random.default_rng(0)
    steps = rng.normal(size=(9, 20, 3))
    joints = np.cumsum(rng.normal(size=(1, 20, 3)), 1)
    clip = joints + steps  # frames are about 1.7 times as rough
    check_order(clip)
    check_order(2 * steps + joints)
    with pytest.raises(InvalidRecording, match='likely --axes VTC'):
        check_order(clip.transpose(1, 0, 2))
    clip = joints[:, :7] + 0.5 * steps[:, :7]  # no known number: as before
    check_order(clip)


def test_two_frames_are_not_persons_of_whom_none_has_two_frames():
    """(T, M, V, C) of a missing second person."""
    clip = smooth(np.random.default_rng(0), 1, 6, 20, 3)
    padded = np.concatenate([clip, 0 * clip])
    check_order(padded)
    with pytest.raises(InvalidRecording, match='likely --axes TMVC'):
        check_order(padded.transpose(1, 0, 2, 3))


def test_batch_axis_gives_one_clip_each():
    rng = np.random.default_rng(0)
    made = np.stack([smooth(rng, 2, 12, 17, 3) for _ in range(3)])
    named = arrange(made.transpose(0, 4, 2, 3, 1), 'NCTVM')
    np.testing.assert_array_equal(named, made)
    with pytest.raises(InvalidRecording, match='likely --axes NCTVM'):
        check_order(made.transpose(0, 4, 2, 3, 1))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(clips('MTVC'), st.permutations('NMTVC'), st.integers(1, 3))
def test_batch_in_any_order_is_refused_until_it_is_named(clip, order, count):
    made = np.stack([clip * (1 + number) for number in range(count)])
    given_as = made.transpose(['NMTVC'.index(axis) for axis in order])
    with pytest.raises(InvalidRecording, match='--axes'):
        check_order(given_as)
    np.testing.assert_array_equal(arrange(given_as, ''.join(order)), made)


def test_three_persons_of_two_coordinates_are_not_two_of_three():
    """(C, T, V, M) whose persons are missing at times."""
    clip = smooth(np.random.default_rng(0), 3, 12, 17, 2)
    clip[2, 6:] = 0
    with pytest.raises(InvalidRecording, match='--axes CTVM'):
        check_order(clip.transpose(3, 1, 2, 0))
    two = smooth(np.random.default_rng(0), 2, 12, 17, 3)
    check_order(two)
    two[1, 6:] = 0
    check_order(two)


def test_missing_joints_tell_persons_from_coordinates():
    rng = np.random.default_rng(0)
    clip = smooth(rng, 2, 12, 17, 2)
    with pytest.raises(InvalidRecording, match='name it, --axes CTVM or '
                       '--axes MTVC'):
        check_order(clip)
    clip[1, 3:6] = 0  # the second person is not seen
    check_order(clip)
    with pytest.raises(InvalidRecording, match='--axes CTVM'):
        check_order(clip.transpose(3, 1, 2, 0))


@pytest.mark.parametrize('frames', [1, 5])
def test_noise_and_single_frames_pass(frames):
    """A recording without any order in time is not refused."""
    rng = np.random.default_rng(0)
    for joints in (5, 17, 25):
        check_order(rng.normal(size=(frames, joints, 3)))
        check_order(np.ones((2, frames, joints, 3)))


@pytest.mark.parametrize('shape, reason', [
    ((3, 300, 25, 1), 'likely --axes CTVM'),
    ((4, 5, 7), 'frames x joints x coordinates (2 or 3): name the order of '
     'its axes, with --axes'),
    ((20, 17, 4), 'or --scored if the last of 4 channels is a score'),
    ((5, 3), 'is not (T, V, C) or (M, T, V, C)'),
    ((), 'has an array of shape ()'),
    ((0, ), 'has no frames'),
    ((1, 0), 'has no joints'),
    ((4, 5, 0), 'has no coordinates'),
    ((0, 4, 5, 3), 'has no persons'),
])
def test_other_shapes_are_refused(shape, reason):
    with pytest.raises(InvalidRecording) as error:
        check_order(np.random.default_rng(0).normal(size=shape))
    assert reason in str(error.value)


def test_named_orders():
    assert parse_axes('ctvm') == 'CTVM'
    for wrong in ('CTV', 'TVCX', 'TTVC', 'MTV', ''):
        if wrong != 'CTV':
            with pytest.raises(ValueError, match='axes must be T'):
                parse_axes(wrong)
    with pytest.raises(InvalidRecording, match='not in the order TVC'):
        arrange(np.ones((2, 3, 4, 3)), 'TVC')
