"""Resampling to another frame rate."""
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from psp_plugin.recordings.recording import InvalidRecording
from psp_plugin.recordings.resampling import resample


def ramp(frames, rate):
    """Joints on a straight line, in units per second, at a frame rate."""
    times = np.arange(frames) / rate + 1
    return np.stack([times, 2 * times], -1)[None, :, None].repeat(3, 2)


@given(st.integers(1, 60), st.floats(5, 120), st.floats(5, 120))
def test_motion_per_second_stays(frames, rate, target):
    points, scores = resample(ramp(frames, rate), None, rate, target)
    assert scores is None
    np.testing.assert_allclose(points, ramp(points.shape[1], target),
                               rtol=1e-6)
    duration, new = (frames - 1) / rate, (points.shape[1] - 1) / target
    assert duration - 1 / target - 1e-6 < new < duration + 1e-4


def test_missing_joints_are_not_interpolated_with_zero():
    points = ramp(4, 30)
    points[0, 2, 1] = 0
    scores = np.full((1, 4, 3), 0.5)
    scores[0, 2, 1] = 0
    new, kept = resample(points, scores, 30, 60)
    assert new.shape == (1, 7, 3, 2) and kept.shape == (1, 7, 3)
    np.testing.assert_allclose(new[0, 3, 0], (points[0, 1, 0]
                                              + points[0, 2, 0]) / 2)
    for frame in range(7):  # found, or missing as in the nearer frame
        expected = points[0, (frame + 1) // 2, 1]
        if frame in (1, ):  # between two frames with the joint
            expected = (points[0, 0, 1] + points[0, 1, 1]) / 2
        np.testing.assert_allclose(new[0, frame, 1], expected)
        assert (kept[0, frame, 1] == 0) == (not new[0, frame, 1].any())


def test_same_rate_changes_nothing():
    points = ramp(7, 30)
    np.testing.assert_array_equal(resample(points, None, 30, 30)[0], points)


@pytest.mark.parametrize('target, frames', [(15, 5), (60, 19), (10, 4)])
def test_number_of_frames(target, frames):
    assert resample(ramp(10, 30), None, 30, target)[0].shape[1] == frames


def test_rate_that_makes_too_many_frames_is_refused():
    with pytest.raises(InvalidRecording, match='would have 270000001 frames'):
        resample(np.ones((1, 10, 5, 3)), None, 1e-6, 30)
    assert resample(np.ones((1, 10, 5, 3)), None, 30, 1e4)[0].shape[1] == 3001
