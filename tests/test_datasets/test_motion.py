"""Motion at a scale of its own."""
import numpy as np
import pytest

from psp_plugin.datasets import ScaleMotion


def test_only_motion_is_scaled_in_a_copy():
    keypoint = np.arange(12, dtype=np.float32).reshape(1, 1, 2, 6)
    results = ScaleMotion(30)(dict(keypoint=keypoint))
    np.testing.assert_array_equal(results['keypoint'][..., :3],
                                  keypoint[..., :3])
    np.testing.assert_array_equal(results['keypoint'][..., 3:],
                                  keypoint[..., 3:] * 30)
    assert results['keypoint'].dtype == np.float32
    assert keypoint[0, 0, 0, 3] == 3


def test_scores_are_not_motion():
    """(x, y, score) and their motion, whose last channel is a score too."""
    keypoint = np.ones((1, 1, 2, 6), dtype=np.float32)
    results = ScaleMotion(30, scored=True)(dict(keypoint=keypoint))
    np.testing.assert_array_equal(results['keypoint'][0, 0, 0],
                                  [1, 1, 1, 30, 30, 1])


@pytest.mark.parametrize('factor', [0, -1, float('nan')])
def test_bad_factor(factor):
    with pytest.raises(ValueError, match=f'not {factor}'):
        ScaleMotion(factor)


def test_keypoint_without_motion_is_told():
    with pytest.raises(ValueError, match="clip 'a' has 3 channels"):
        ScaleMotion(30)(dict(keypoint=np.zeros((1, 1, 2, 3)), frame_dir='a'))
