"""Persons are followed through time, joined and ranked."""
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psp_plugin.recordings.checks import make_clips
from psp_plugin.recordings.options import ReadOptions
from psp_plugin.recordings.persons import follow, join, motion, rank
from psp_plugin.recordings.recording import (
    Detection,
    InvalidRecording,
    Recording,
)

JOINTS = 9


def body(rng, frames, place=(0, 0, 3), moving=0.05, joints=JOINTS):
    """A person (T, V, 3) about 1.7 m tall, whose joints move smoothly."""
    rest = rng.uniform(-1, 1, (joints, 3)) * (0.4, 0.85, 0.2) + place
    rest[:2, 1] = place[1] - 0.85, place[1] + 0.85
    steps = rng.normal(size=(frames, joints, 3)) * moving
    return rest + np.cumsum(steps, 0) * (moving > 0)


def clip_of(frames, **options):
    """The clip of a recording of frames, and its notes."""
    clip, = make_clips(Recording(frames=frames), 'a', ReadOptions(**options))
    return clip.annotation['keypoint'], clip.notes


def frames_of(persons, numbers=None):
    """Detections of persons (M, T, V, C); zero is absent."""
    return [[Detection(person[t], number=None if numbers is None else
                       numbers[m][t])
             for m, person in enumerate(persons) if person[t].any()]
            for t in range(len(persons[0]))]


@st.composite
def cut_clips(draw):
    """One or two persons, their body numbers changing at random frames."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    frames = draw(st.integers(2, 40))
    count = draw(st.integers(1, 2))
    persons = np.stack([body(rng, frames, (2.5 * m, 0, 3), 0.02)
                        for m in range(count)])
    numbers = np.zeros((count, frames), int)
    for m in range(count):
        cuts = draw(st.sets(st.integers(1, frames - 1), max_size=4))
        for cut in cuts:
            numbers[m, cut:] += 1
        numbers[m] += 100 * m
    lost = draw(st.lists(st.integers(1, frames - 1), max_size=3))
    for frame in lost:  # a frame in which the first person is not found
        persons[0, frame] = 0
    return persons, numbers, draw(st.permutations(range(count)))


@settings(max_examples=60, deadline=None)
@given(cut_clips(), st.booleans())
def test_cut_and_renumbered_bodies_come_out_as_they_went_in(made, numbered):
    persons, numbers, order = made
    listed = [frame[::-1] if t % 2 and list(order) != sorted(order) else frame
              for t, frame in enumerate(
                  frames_of(persons, numbers if numbered else None))]
    points, _ = clip_of(listed)
    expected = [np.float32(person) for person in persons]
    assert len(points) == len(persons)
    for found in points:
        assert any(np.array_equal(found, person) for person in expected)
    assert len(points) < 2 or not np.array_equal(*points)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(10, 40), st.data())
def test_phantoms_come_after_the_actor(seed, frames, data):
    """Motionless for any time, or moving for a short time."""
    rng = np.random.default_rng(seed)
    actor = body(rng, frames, moving=0.03)
    actor[frames - data.draw(st.integers(0, frames // 3)):] = 0
    still = data.draw(st.booleans())
    phantom = body(rng, frames, (3, 0, 4), 0 if still else 0.03)
    length = data.draw(st.integers(1, frames if still else frames // 4))
    start = data.draw(st.integers(0, frames - length))
    phantom[:start] = phantom[start + length:] = 0
    order = data.draw(st.permutations([phantom, actor]))
    for form in (dict(frames=frames_of(order)),
                 dict(points=np.stack(order))):
        clip, = make_clips(Recording(**form), 'a', ReadOptions())
        found = clip.annotation['keypoint']
        np.testing.assert_array_equal(found[0], np.float32(actor))
        np.testing.assert_array_equal(found[1], np.float32(phantom))
        alone, = make_clips(Recording(**form), 'a',
                            ReadOptions(max_persons=1))
        np.testing.assert_array_equal(alone.annotation['keypoint'], found[:1])
        assert alone.notes == (
            'has 2 persons, of whom the first 1 by presence, motion and score '
            f'are kept; dropped were those seen in {length} of {frames} '
            'frames', )


def test_body_far_away_is_another_person():
    rng = np.random.default_rng(0)
    first, second = body(rng, 10), body(rng, 10, (3, 0, 3))
    first[5:] = second[:5] = 0
    for numbers in (None, [[1] * 10, [2] * 10]):
        points, notes = clip_of(frames_of([first, second], numbers))
        assert len(points) == 2
        assert len(notes) == 1 and 'never two in a frame' in notes[0]


def test_joined_bodies_are_noted():
    person = body(np.random.default_rng(0), 6)[None]
    points, notes = clip_of(frames_of(person, [[1, 1, 2, 2, 3, 3]]))
    np.testing.assert_array_equal(points, np.float32(person))
    assert notes == ('has 3 bodies, of which those that follow on each other '
                     'in time and place were joined: one left', )


def test_bodies_at_the_same_time_are_not_joined():
    rng = np.random.default_rng(0)
    person = body(rng, 6)
    other = person + 0.01
    tracks, _ = follow(frames_of([person, other], [[1] * 6, [2] * 6]))
    assert len(join(tracks)[0]) == 2


def test_number_twice_in_a_frame_is_noted_and_not_used():
    rng = np.random.default_rng(0)
    persons = [body(rng, 5), body(rng, 5, (3, 0, 3))]
    points, notes = clip_of(frames_of(persons, [[7] * 5, [7] * 5]))
    np.testing.assert_array_equal(points, np.float32(persons))
    assert 'numbers are ignored' in notes[0]


def test_someone_who_sits_ranks_before_a_passer_by():
    rng = np.random.default_rng(0)
    sitting = body(rng, 60, moving=0.002)
    passing = body(rng, 60, (3, 0, 3)) + np.arange(60)[:, None, None] * 0.1
    passing[6:] = 0
    tracks, _ = follow(frames_of([passing, sitting]))
    assert rank(tracks, 60) == [1, 0]


def test_scores_count_and_two_actors_keep_their_order():
    rng = np.random.default_rng(0)
    frames = [[Detection(person[t], np.full(JOINTS, score))
               for person, score in ((low, 0.2), (high, 0.9), (next_, 0.88))]
              for low, high, next_ in [[body(rng, 5, (3 * m, 0, 3))
                                        for m in range(3)]]
              for t in range(5)]
    tracks, _ = follow(frames)
    assert rank(tracks, 5) == [1, 2, 0]


def test_motion_is_relative_to_the_size_of_the_body():
    person = body(np.random.default_rng(0), 8)
    one, two = (follow(frames_of([scale * person]))[0][0]
                for scale in (1, 500))
    assert motion(one) > 0.02
    assert motion(one) == pytest.approx(motion(two), rel=1e-6)


@pytest.mark.parametrize('frames, reason', [
    ([], 'has no frames'),
    ([[], []], 'has no person in any frame'),
    ([[Detection(np.ones((4, 2)))], [Detection(np.ones((5, 2)))]],
     'has persons of 4 and of 5 joints'),
    ([[Detection(np.ones((4, 2)))], [Detection(np.ones((4, 3)))]],
     'has persons of 2 and of 3 coordinates'),
    ([[Detection(np.ones((4, 2)), np.ones(4)), Detection(np.ones((4, 2)))]],
     'has scores for 1 of 2 poses'),
    ([[Detection(np.zeros((4, 2)))]], 'has only zeros'),
    ([[], [Detection(np.full((4, 2), np.nan))]],
     'has NaN or infinite coordinates in 1 of 2 frames, the first being '
     'frame 1'),
])
def test_invalid_frames_raise(frames, reason):
    with pytest.raises(InvalidRecording) as error:
        clip_of(frames)
    assert str(error.value) == reason


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sets(st.integers(1, 19), min_size=1))
def test_numbers_that_swap_do_not_swap_the_persons(seed, swaps):
    rng = np.random.default_rng(seed)
    persons = [body(rng, 20), body(rng, 20, (3, 0, 3))]
    swapped = [sum(swap <= t for swap in swaps) % 2 for t in range(20)]
    points, notes = clip_of(frames_of(
        persons, [swapped, [1 - number for number in swapped]]))
    assert sorted(p[0, 0, 0] for p in points) == sorted(
        np.float32(p[0, 0, 0]) for p in persons)
    for found in points:
        assert any(np.array_equal(found, np.float32(p)) for p in persons)
    assert len(notes) == 1 and f'first in frame {min(swaps)}:' in notes[0]


def test_numbers_that_are_places_in_the_frame():
    """The second person becomes number 0 when the first one leaves."""
    rng = np.random.default_rng(1)
    persons = np.stack([body(rng, 20), body(rng, 20, (3, 0, 3))])
    persons[0, 12:] = 0
    points, notes = clip_of(frames_of(
        persons, [[0] * 20, [1] * 12 + [0] * 8]))
    assert np.array_equal(points, np.float32(persons[::-1]))
    assert 'jump to the place of another person, first in frame 12' in notes[0]


def test_number_that_jumps_to_a_free_place_stays_one_person():
    person = body(np.random.default_rng(2), 20)
    person[9] += 50
    points, notes = clip_of(frames_of([person], [[7] * 20]))
    assert np.array_equal(points, np.float32([person]))
    assert len(notes) == 1 and 'first in frame 9,' in notes[0]


def test_file_of_noise_is_not_compared_without_end():
    rng = np.random.default_rng(3)
    frames = [[Detection(rng.normal(size=(5, 3)) + rng.normal(size=3) * 100)
               for _ in range(20)] for _ in range(60)]
    _, notes = clip_of(frames)
    assert 'of which the 300 seen longest are used' in notes[0]
