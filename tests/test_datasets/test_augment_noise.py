"""Noise and blur."""
import math

import numpy as np
import pytest
from mmaction.registry import TRANSFORMS
from poses import clip, holed, results_of


@pytest.fixture(autouse=True)
def seeded():
    np.random.seed(0)


def noise(sigma):
    return TRANSFORMS.build(
        dict(type='GaussianNoisePose', sigma=sigma, prob=1))


def blur(**kwargs):
    return TRANSFORMS.build(dict(kwargs, type='GaussianBlurPose', prob=1))


def extent_of(person):
    """The extent as a loop, in the first frame with the most joints."""
    best, most = None, 0
    for frame in person:
        joints = [joint for joint in frame if joint.any()]
        if len(joints) > most:
            best, most = joints, len(joints)
    if best is None:
        return 0
    return math.sqrt(sum((max(axis) - min(axis))**2 for axis in zip(*best)))


@pytest.mark.parametrize('axes', [2, 3])
@pytest.mark.parametrize('hole', [False, True])
def test_noise_equals_a_loop(axes, hole, monkeypatch):
    keypoint = clip(3, axes=axes, dtype=np.float64)
    if hole:
        keypoint = holed(keypoint)
        keypoint[1] = 0
    drawn = np.random.default_rng(1).normal(size=keypoint.shape)
    monkeypatch.setattr('psp_plugin.datasets.transforms.noise.draw_normal',
                        lambda shape, dtype: drawn.copy())
    before = results_of(keypoint, scored=True)
    after = noise(0.1)(dict(before))
    for m, t, v in np.ndindex(keypoint.shape[:3]):
        joint = keypoint[m, t, v]
        sigma = 0.1 * extent_of(keypoint[m]) if joint.any() else 0
        np.testing.assert_allclose(after['keypoint'][m, t, v],
                                   joint + sigma * drawn[m, t, v],
                                   rtol=0, atol=1e-12)
    np.testing.assert_array_equal(after['keypoint_score'],
                                  before['keypoint_score'])


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
def test_noise_is_normal_and_independent(dtype):
    keypoint = clip(2, 100, 25, dtype=dtype)
    keypoint[0, 0, :2] = (0, 0, 0.5), (3, 4, 12.5)  # diagonal of 13
    keypoint[0, 0, 2:] = keypoint[0, 0, 0]
    np.random.seed(0)
    added = (noise(0.01)(results_of(keypoint))['keypoint'] - keypoint)[0]
    assert added.mean() == pytest.approx(0, abs=0.01)
    assert added.std() == pytest.approx(0.13, rel=0.05)
    flat = added.reshape(100, -1)
    assert np.abs(np.corrcoef(flat[:-1].ravel(), flat[1:].ravel())[0, 1]
                  ) < 0.05
    assert (np.abs(added) < 1.96 * 0.13).mean() == pytest.approx(0.95,
                                                                 abs=0.01)


def test_noise_is_independent_of_the_unit():
    keypoint, added = clip(dtype=np.float64), []
    for unit in (1, 1000):
        np.random.seed(0)
        scaled = keypoint * unit
        added.append((noise(0.02)(results_of(scaled))['keypoint'] - scaled) /
                     unit)
    np.testing.assert_allclose(added[0], added[1], rtol=0, atol=1e-10)


@pytest.mark.parametrize('frames', [1, 5, 30])
@pytest.mark.parametrize('kernel, sigma', [(15, 0.1), (15, 2.), (5, 1.),
                                           (1, 1.)])
@pytest.mark.parametrize('hole', [False, True])
def test_blur_equals_a_loop(frames, kernel, sigma, hole):
    keypoint = clip(frames=frames, dtype=np.float64)
    if hole and frames > 1:
        keypoint = holed(keypoint)
    before = results_of(keypoint, scored=True)
    after = blur(kernel=kernel, sigma=sigma)(dict(before))
    for m, t, v in np.ndindex(keypoint.shape[:3]):
        total, weights = np.zeros(3), 0
        for s in range(max(t - kernel // 2, 0),
                       min(t + kernel // 2 + 1, frames)):
            if keypoint[m, s, v].any():
                weight = math.exp(-(s - t)**2 / (2 * sigma**2))
                total, weights = total + weight * keypoint[
                    m, s, v], weights + weight
        expected = total / weights if keypoint[m, t, v].any() else 0
        np.testing.assert_allclose(after['keypoint'][m, t, v], expected,
                                   rtol=0, atol=1e-12)
    np.testing.assert_array_equal(after['keypoint_score'],
                                  before['keypoint_score'])


def test_blur_keeps_constant_joints():
    keypoint = np.repeat(clip(frames=1), 20, axis=1)
    after = blur(sigma=2)(results_of(keypoint))['keypoint']
    np.testing.assert_allclose(after, keypoint, rtol=0, atol=1e-6)


def test_blur_does_not_mix_persons():
    keypoint = clip(2, 20)
    separate = [blur(sigma=2)(results_of(one[None]))['keypoint'][0]
             for one in keypoint]
    both = blur(sigma=2)(results_of(keypoint))['keypoint']
    np.testing.assert_allclose(both, separate, rtol=0, atol=1e-6)


def test_sigma_is_sampled_within_its_limits():
    """The wider the Gaussian, the smaller the remaining jitter."""
    keypoint = clip(1, 40, dtype=np.float64)

    def left(transform):
        return np.diff(transform(results_of(keypoint))['keypoint'],
                       axis=1).std()
    most, least = left(blur(sigma=0.5)), left(blur(sigma=1.5))
    drawn = [left(blur(sigma=(0.5, 1.5))) for _ in range(60)]
    assert least <= min(drawn) < max(drawn) <= most
    assert max(drawn) - min(drawn) > 0.5 * (most - least)
