"""Rotations, shears, scales and the flip."""
import math

import numpy as np
import pytest
from mmaction.registry import TRANSFORMS
from poses import clip, holed, results_of

from psp_plugin.skeletons import LAYOUTS, get_pyramid

MATRICES = [
    dict(type='RandomRotatePose', angles=(0.5, 1., 3.)),
    dict(type='RandomShearPose', factor=1),
    dict(type='RandomScalePose', scale=0.5),
]


@pytest.fixture(autouse=True)
def seeded():
    np.random.seed(0)


def spied(cfg, monkeypatch):
    """The transform, and a list that records its matrices."""
    transform, drawn = TRANSFORMS.build(cfg), []
    draw = transform.draw_matrix

    def spy(num_axes):
        drawn.append(draw(num_axes))
        return drawn[-1]
    monkeypatch.setattr(transform, 'draw_matrix', spy)
    return transform, drawn


def fix_draws(monkeypatch, values):
    """Makes np.random.uniform return these numbers in turn."""
    values = iter(values)
    monkeypatch.setattr(np.random, 'uniform', lambda *_: next(values))


def lengths(keypoint):
    """Distances of all pairs of joints, (M, T, V, V)."""
    points = keypoint.astype(np.float64)
    return np.linalg.norm(points[:, :, None] - points[:, :, :, None], axis=-1)


@pytest.mark.parametrize('axes', [2, 3])
@pytest.mark.parametrize('cfg', MATRICES, ids=lambda cfg: cfg['type'])
def test_one_matrix_for_all_persons_frames_and_joints(cfg, axes, monkeypatch):
    if cfg['type'] == 'RandomRotatePose' and axes == 2:
        cfg = dict(cfg, angles=1.)
    transform, drawn = spied(cfg, monkeypatch)
    keypoint = holed(clip(axes=axes, dtype=np.float64))
    after = transform(results_of(keypoint))['keypoint']
    (matrix, ) = drawn
    for m, t, v in np.ndindex(keypoint.shape[:3]):
        for i in range(axes):
            expected = sum(matrix[i, j] * keypoint[m, t, v, j]
                           for j in range(axes))
            assert after[m, t, v, i] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize('cfg', MATRICES, ids=lambda cfg: cfg['type'])
def test_commutes_with_the_difference_of_frames(cfg):
    keypoint = clip()
    moved = np.diff(keypoint, axis=1)
    transform = TRANSFORMS.build(cfg)
    after = []
    for array in (keypoint, moved):
        np.random.seed(3)
        after.append(transform(results_of(array))['keypoint'])
    np.testing.assert_allclose(np.diff(after[0], axis=1), after[1],
                               rtol=0, atol=2e-6)


@pytest.mark.parametrize('axes, angles', [(2, 3.), (3, (3., 3., 3.))])
def test_rotation_keeps_lengths_and_sides(axes, angles, monkeypatch):
    transform, drawn = spied(
        dict(type='RandomRotatePose', angles=angles), monkeypatch)
    for seed in range(5):
        keypoint = clip(axes=axes, seed=seed)
        after = transform(results_of(keypoint))['keypoint']
        np.testing.assert_allclose(lengths(after), lengths(keypoint),
                                   rtol=0, atol=5e-6)
        assert np.linalg.det(drawn[-1]) == pytest.approx(1)


@pytest.mark.parametrize('axis, start, end', [
    (0, (0, 1, 0), (0, 0, 1)), (1, (0, 0, 1), (1, 0, 0)),
    (2, (1, 0, 0), (0, 1, 0))])
def test_each_angle_turns_about_its_axis(axis, start, end, monkeypatch):
    """A right angle about z maps x to y, and so on cyclically."""
    angles = [0., 0., 0.]
    angles[axis] = math.pi / 2
    fix_draws(monkeypatch, angles)
    keypoint = np.zeros((1, 1, 2, 3))
    keypoint[0, 0] = start, np.eye(3)[axis]
    after = TRANSFORMS.build(dict(type='RandomRotatePose', angles=(2, 2, 2)))(
        results_of(keypoint))['keypoint']
    np.testing.assert_allclose(after[0, 0], [end, np.eye(3)[axis]],
                               atol=1e-15)


def test_order_of_the_axes(monkeypatch):
    """About x, y, z: y is mapped to z, then to x, then to y."""
    fix_draws(monkeypatch, [math.pi / 2] * 3)
    keypoint = np.zeros((1, 1, 1, 3))
    keypoint[..., 1] = 1
    after = TRANSFORMS.build(dict(type='RandomRotatePose', angles=(2, 2, 2)))(
        results_of(keypoint))['keypoint']
    np.testing.assert_allclose(after[0, 0, 0], [0, 1, 0], atol=1e-15)


def test_vertical_rotation_reaches_its_angle_and_keeps_heights():
    """60 degrees about z: NW-UCLA's other camera."""
    largest = math.radians(60)
    transform = TRANSFORMS.build(
        dict(type='RandomRotatePose', angles=(0, 0, largest)))
    keypoint, turned = clip(dtype=np.float64), []
    np.random.seed(0)
    for _ in range(300):
        after = transform(results_of(keypoint))['keypoint']
        np.testing.assert_allclose(after[..., 2], keypoint[..., 2],
                                   atol=1e-12)
        x, y = (points[0, 0, 0, 0] + 1j * points[0, 0, 0, 1]
                for points in (keypoint, after))
        turned.append(np.angle(y / x))
    assert -largest <= min(turned) < -0.9 * largest
    assert 0.9 * largest < max(turned) <= largest


def test_shear_factors_and_scales_stay_within_limits(monkeypatch):
    shear, matrices = spied(dict(type='RandomShearPose', factor=0.5),
                            monkeypatch)
    scale, scales = spied(dict(type='RandomScalePose', scale=0.2), monkeypatch)
    even, evens = spied(dict(type='RandomScalePose', scale=0.2,
                             per_axis=False), monkeypatch)
    for _ in range(200):
        for transform in (shear, scale, even):
            transform(results_of(clip(1, 1)))
    matrices, scales, evens = map(np.array, (matrices, scales, evens))
    assert (matrices[:, range(3), range(3)] == 1).all()
    factors = matrices[:, ~np.eye(3, dtype=bool)]
    assert -0.5 <= factors.min() < -0.45 and 0.45 < factors.max() <= 0.5
    assert len(np.unique(factors)) == factors.size
    for drawn, each in ((scales, 3), (evens, 1)):
        diagonal = drawn[:, range(3), range(3)]
        assert (drawn[:, ~np.eye(3, dtype=bool)] == 0).all()
        assert 0.8 <= diagonal.min() < 0.82
        assert 1.18 < diagonal.max() <= 1.2
        assert all(len(set(row)) == each for row in diagonal.tolist())


@pytest.mark.parametrize('axes, angles, sentence', [
    (2, (0.1, 0.2, 0.3), r'needs 1 angle\(s\) for a clip with 2 coordinates, '
     r'not angles=\(0.1, 0.2, 0.3\)'),
    (3, 0.1, r'needs 3 angle\(s\) for a clip with 3 coordinates, not '
     'angles=0.1'),
])
def test_angles_of_another_dimension_raise(axes, angles, sentence):
    transform = TRANSFORMS.build(dict(type='RandomRotatePose', angles=angles))
    with pytest.raises(ValueError, match=sentence):
        transform(results_of(clip(axes=axes)))


def flip(layout):
    return TRANSFORMS.build(dict(type='RandomFlipPose', layout=layout, prob=1))


@pytest.mark.parametrize('layout', LAYOUTS)
@pytest.mark.parametrize('axes', [2, 3])
def test_flip_mirrors_x_and_swaps_left_and_right(layout, axes):
    pyramid = get_pyramid(layout)
    keypoint = holed(clip(joints=pyramid.num_joints, axes=axes))
    before = results_of(keypoint, scored=True)
    after = flip(layout)(dict(before))
    other = {v: v for v in range(pyramid.num_joints)}
    for left, right in pyramid.mirror:
        other[left], other[right] = right, left
    for m, t, v in np.ndindex(keypoint.shape[:3]):
        x, *rest = keypoint[m, t, other[v]]
        assert after['keypoint'][m, t, v].tolist() == [-x, *rest]
        assert (after['keypoint_score'][m, t, v] ==
                before['keypoint_score'][m, t, other[v]])


@pytest.mark.parametrize('layout', LAYOUTS)
def test_flip_twice_is_the_identity(layout):
    before = results_of(clip(joints=get_pyramid(layout).num_joints), True)
    after = flip(layout)(flip(layout)(dict(before)))
    for key, value in before.items():
        np.testing.assert_array_equal(after[key], value)


def test_flip_of_a_symmetric_body_keeps_its_sides():
    """Swapping the joints only would cross the sides."""
    pyramid = get_pyramid('nturgb+d')
    keypoint = clip(1, 3, 25)
    keypoint[..., 0] = 0
    for left, right in pyramid.mirror:
        keypoint[:, :, right] = keypoint[:, :, left]
        keypoint[:, :, left, 0], keypoint[:, :, right, 0] = 1, -1
    after = flip('nturgb+d')(results_of(keypoint))['keypoint']
    np.testing.assert_array_equal(after, keypoint)
