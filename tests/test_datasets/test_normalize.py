"""NormalizeSkeleton3D against the toolbox's transform and known values."""
import numpy as np
import pytest
from mmaction.datasets.transforms import PreNormalize3D
from mmaction.registry import TRANSFORMS

from psp_plugin.datasets.transforms import NormalizeSkeleton3D
from psp_plugin.datasets.transforms.normalize import find_spread, rotation_onto
from psp_plugin.skeletons import get_pyramid


def clip(persons=2, frames=12, joints=25, seed=0, dtype=np.float32):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(persons, frames, joints, 3)) + (0.3, 0.5, 3)
    return points.astype(dtype)


def results_of(keypoint):
    return dict(keypoint=keypoint.copy(), total_frames=keypoint.shape[1],
                frame_dir='clip_a')


def assert_like_toolbox(keypoint, ours=None, theirs=None):
    ours = (ours or NormalizeSkeleton3D())(results_of(keypoint))
    theirs = (theirs or PreNormalize3D())(results_of(keypoint))
    assert np.isfinite(theirs['keypoint']).all()
    assert ours['keypoint'].dtype == np.float32
    assert ours['keypoint'].shape == theirs['keypoint'].shape
    np.testing.assert_allclose(
        ours['keypoint'], theirs['keypoint'], rtol=0, atol=1e-5)
    assert ours['total_frames'] == theirs['total_frames']
    np.testing.assert_allclose(
        ours['body_center'], theirs['body_center'], rtol=0, atol=1e-6)
    return ours


@pytest.mark.parametrize('persons', [1, 2])
@pytest.mark.parametrize('dtype', [np.float32, np.float64])
@pytest.mark.parametrize('seed', range(3))
def test_random_clip_equals_toolbox(persons, dtype, seed):
    assert_like_toolbox(clip(persons, seed=seed, dtype=dtype))


@pytest.mark.parametrize('switch', ['align_spine', 'align_shoulder'])
def test_switches_equal_toolbox(switch):
    off = {switch: False}
    assert_like_toolbox(clip(), NormalizeSkeleton3D(**off),
                        PreNormalize3D(**off))


def test_other_axes_equal_toolbox():
    axes = dict(zaxis=[3, 12], xaxis=[5, 17])
    assert_like_toolbox(clip(), NormalizeSkeleton3D(**axes),
                        PreNormalize3D(**axes))


def test_empty_frames_equal_toolbox():
    keypoint = clip()
    keypoint[:, [0, 1, 6]] = 0
    assert assert_like_toolbox(keypoint)['total_frames'] == 9


def test_absent_second_person_equals_toolbox():
    keypoint = clip()
    keypoint[1] = 0
    result = assert_like_toolbox(keypoint)
    assert (result['keypoint'][1] == 0).all()


def test_second_person_more_present_equals_toolbox():
    keypoint = clip()
    keypoint[0, [0, 4]] = 0
    keypoint[1, 3] = 0
    result = assert_like_toolbox(keypoint)
    np.testing.assert_array_equal(result['body_center'], keypoint[1, 0, 1])


def test_absent_first_person_equals_toolbox():
    keypoint = clip()
    keypoint[0] = 0
    assert_like_toolbox(keypoint)


def test_equally_present_persons_stay_in_order():
    keypoint = clip()
    keypoint[0, 2] = keypoint[1, 5] = 0
    assert_like_toolbox(keypoint)


def test_missing_joints_stay_zero_and_equal_toolbox():
    keypoint = clip()
    keypoint[0, 0, 7] = keypoint[1, 3, 2] = 0
    result = assert_like_toolbox(keypoint)
    assert (result['keypoint'][0, 0, 7] == 0).all()
    assert (result['keypoint'][1, 3, 2] == 0).all()


@pytest.mark.parametrize('joint', [0, 1, 4, 8])
def test_missing_reference_joint_equals_toolbox(joint):
    keypoint = clip()
    keypoint[0, 0, joint] = 0
    assert_like_toolbox(keypoint)


@pytest.mark.parametrize('axis, first, second', [(2, 0, 1), (0, 4, 8)])
@pytest.mark.parametrize('reach', [0., .25, -.25, 1e-7])
def test_degenerate_geometry_equals_toolbox(axis, first, second, reach):
    """Coincident, aligned, exactly opposite and nearly coincident joints."""
    keypoint = clip(1)
    keypoint[0, 0, first] = (0.25, 0.5, 3)
    keypoint[0, 0, second] = (0.25, 0.5, 3)
    keypoint[0, 0, second, axis] += reach
    # Each pair separately: rotating the spine would move the shoulders.
    off = dict(align_spine=axis == 2, align_shoulder=axis == 0)
    assert_like_toolbox(keypoint, NormalizeSkeleton3D(**off),
                        PreNormalize3D(**off))
    assert_like_toolbox(keypoint)


def test_all_reference_joints_coincident():
    keypoint = clip(1)
    keypoint[0, 0] = (0.5, 0.5, 3)
    assert_like_toolbox(keypoint)


@pytest.mark.parametrize('slant', [1e-5, 1e-4, 1e-3, 1e-2])
def test_nearly_aligned_spine_is_rotated_exactly(slant):
    keypoint = clip(1)
    keypoint[0, 0, 0] = (0, 0, 3)
    keypoint[0, 0, 1] = (slant, 0, 4)
    transform = NormalizeSkeleton3D(align_shoulder=False)
    bottom, top = transform(results_of(keypoint))['keypoint'][0, 0, :2]
    np.testing.assert_allclose(top - bottom, [0, 0, np.hypot(slant, 1)],
                               rtol=0, atol=2e-7)
    # In float64 the toolbox is precise, too.
    assert_like_toolbox(keypoint.astype(np.float64))


def test_20_joints_centre_on_the_chosen_joint():
    keypoint = clip(1, joints=20)
    result = NormalizeSkeleton3D()(results_of(keypoint))
    frame = result['keypoint'][0, 0]
    np.testing.assert_array_equal(frame[1], 0)
    np.testing.assert_array_equal(result['body_center'], keypoint[0, 0, 1])
    shoulders = frame[8] - frame[4]
    np.testing.assert_allclose(
        shoulders / np.linalg.norm(shoulders), [1, 0, 0], atol=1e-6)


def test_rigid_motion_of_the_body_is_kept():
    keypoint = clip(2, joints=20)
    result = NormalizeSkeleton3D()(results_of(keypoint))['keypoint']
    flat, new = keypoint.reshape(-1, 3), result.reshape(-1, 3)
    np.testing.assert_allclose(
        np.linalg.norm(new[:50] - new[50:100], axis=1),
        np.linalg.norm(flat[:50] - flat[50:100], axis=1), atol=1e-5)


@pytest.mark.parametrize('joints', [17, 20])
def test_last_joint_as_centre_equals_toolbox(joints):
    assert_like_toolbox(clip(joints=joints),
                        NormalizeSkeleton3D(center=joints - 1))


def test_any_number_of_persons():
    keypoint = clip(4)
    keypoint[0, :5] = keypoint[1, :2] = keypoint[2, [0, 7]] = 0
    keypoint[3, 0] = 0
    result = NormalizeSkeleton3D()(results_of(keypoint))
    assert result['keypoint'].shape == (4, 11, 25, 3)
    for place, person in enumerate([3, 0, 1, 2]):
        pair = keypoint[[3, person]]
        expected = PreNormalize3D()(results_of(pair))['keypoint'][1]
        np.testing.assert_allclose(
            result['keypoint'][place], expected, atol=1e-5)


def test_kept_empty_frames_stay_zero():
    keypoint = clip()
    keypoint[0, [0, 3]] = 0
    keypoint[1, [0, 3, 4]] = 0
    keypoint[0, 5] = 1e-9  # missing by the toolbox's threshold, but not zero
    dropped = NormalizeSkeleton3D()(results_of(keypoint))
    kept = NormalizeSkeleton3D(drop_empty_frames=False)(results_of(keypoint))
    assert kept['total_frames'] == 12
    assert (kept['keypoint'][0, [0, 3, 5]] == 0).all()
    rest = [1, 2, 4, *range(6, 12)]
    np.testing.assert_array_equal(kept['keypoint'][:, rest],
                                  dropped['keypoint'])


def test_without_centring_the_offset_is_zero():
    keypoint = clip()
    result = NormalizeSkeleton3D(
        align_center=False, align_spine=False,
        align_shoulder=False)(results_of(keypoint))
    np.testing.assert_array_equal(result['keypoint'], keypoint)
    np.testing.assert_array_equal(result['body_center'], np.zeros(3))


@pytest.mark.parametrize('shape', [(2, 6, 25, 3), (1, 0, 25, 3),
                                   (0, 6, 25, 3)])
def test_empty_clip_is_unchanged(shape):
    keypoint = np.zeros(shape)
    result = NormalizeSkeleton3D()(results_of(keypoint))
    assert result['keypoint'].dtype == np.float32
    np.testing.assert_array_equal(result['keypoint'], keypoint)
    assert result['total_frames'] == shape[1]
    np.testing.assert_array_equal(result['body_center'], np.zeros(3))
    assert result['body_center'].dtype == np.float32


def test_clip_whose_coordinates_cancel_is_not_empty():
    half = np.round(clip(1), 2)
    keypoint = np.concatenate((half, -half), 1)
    assert keypoint.sum() == 0
    result = NormalizeSkeleton3D()(results_of(keypoint))
    np.testing.assert_array_equal(result['body_center'], keypoint[0, 0, 1])


def test_input_is_not_modified():
    keypoint = clip()
    keypoint[0, 2] = 0
    for switches in ({}, dict(drop_empty_frames=False),
                     dict(align_center=False)):
        before = keypoint.copy()
        result = NormalizeSkeleton3D(**switches)(
            dict(keypoint=keypoint, total_frames=12))
        np.testing.assert_array_equal(keypoint, before)
        assert not np.shares_memory(result['keypoint'], keypoint)


def test_integers_and_half_floats_are_accepted():
    keypoint = np.round(clip() * 1000).astype(np.int16)
    result = NormalizeSkeleton3D()(results_of(keypoint))['keypoint']
    expected = PreNormalize3D()(results_of(keypoint.astype(float)))
    np.testing.assert_allclose(result, expected['keypoint'], atol=1e-2)
    half = NormalizeSkeleton3D()(results_of(clip().astype(np.float16)))
    assert half['keypoint'].dtype == np.float32


@pytest.mark.parametrize('shape', [(12, 25, 3), (1, 12, 25, 2),
                                   (1, 1, 12, 25, 3)])
def test_wrong_shape_names_clip_and_shape(shape):
    with pytest.raises(ValueError) as error:
        NormalizeSkeleton3D()(dict(
            keypoint=np.ones(shape), frame_dir='clip_a'))
    assert "'clip_a'" in str(error.value)
    assert str(shape) in str(error.value)


def test_wrong_total_frames_is_named():
    with pytest.raises(ValueError, match='total_frames .* is 7, .* 12'):
        NormalizeSkeleton3D()(dict(keypoint=clip(), total_frames=7))


def test_total_frames_may_be_absent():
    assert NormalizeSkeleton3D()(
        dict(keypoint=clip()))['total_frames'] == 12


@pytest.mark.parametrize('name, value, number', [
    ('center', 20, 20), ('center', -1, -1), ('zaxis', (0, 25), 25),
    ('xaxis', (-2, 4), -2)
])
def test_joint_out_of_range_names_argument_and_number(name, value, number):
    transform = NormalizeSkeleton3D(**{name: value})
    with pytest.raises(ValueError, match=rf'{name} uses joint {number}\b'):
        transform(results_of(clip(joints=20)))


def test_joints_not_in_use_are_not_checked():
    transform = NormalizeSkeleton3D(align_shoulder=False)
    transform(results_of(clip(joints=5)))


def test_axis_must_be_a_pair():
    with pytest.raises(ValueError, match='zaxis must be two joints'):
        NormalizeSkeleton3D(zaxis=(0, 1, 2))


@pytest.mark.parametrize('seed', range(2))
def test_rotation_is_proper_and_reaches_its_target(seed):
    source, target = np.random.default_rng(seed).normal(size=(2, 3))
    target /= np.linalg.norm(target)
    rotation = rotation_onto(source, target)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)
    np.testing.assert_allclose(
        rotation @ source, target * np.linalg.norm(source), atol=1e-12)


def test_is_built_from_a_config():
    transform = TRANSFORMS.build(dict(type='NormalizeSkeleton3D', center=0))
    assert 'center=0, zaxis=(0, 1), xaxis=(8, 4)' in repr(transform)


def test_unit_bone_becomes_1():
    """The result does not depend on the unit of the data."""
    plain = NormalizeSkeleton3D()(results_of(clip()))['keypoint']
    for unit in (1, 1000):
        scaled = NormalizeSkeleton3D(unit_bone=(0, 20))(
            results_of(unit * clip()))['keypoint']
        length = np.linalg.norm(plain[0, 0, 20] - plain[0, 0, 0])
        np.testing.assert_allclose(scaled, plain / length, atol=1e-5)


@pytest.mark.parametrize('drop', [True, False])
def test_unit_bone_uses_the_first_nonzero_length(drop):
    """Without a nonzero length the clip is not scaled."""
    keypoint = clip()
    keypoint[:, 1] = 0
    keypoint[0, [0, 2], 20] = keypoint[0, [0, 2], 0]
    plain, scaled = (NormalizeSkeleton3D(unit_bone=bone,
                                         drop_empty_frames=drop)(
        results_of(keypoint))['keypoint'] for bone in (None, (0, 20)))
    length = np.linalg.norm(keypoint[0, 3, 20] - keypoint[0, 3, 0])
    np.testing.assert_allclose(scaled, plain / length, atol=1e-5)
    keypoint[0, :, 20] = keypoint[0, :, 0]
    plain, scaled = (NormalizeSkeleton3D(unit_bone=bone)(
        results_of(keypoint))['keypoint'] for bone in (None, (0, 20)))
    np.testing.assert_array_equal(plain, scaled)


def test_unit_bone_propagates_nan():
    keypoint = clip(1)
    keypoint[0, 0, 20] = np.nan
    result = NormalizeSkeleton3D(unit_bone=(0, 20))(results_of(keypoint))
    assert np.isnan(result['keypoint']).all()


@pytest.mark.parametrize('seed', range(2))
def test_hold_spine(seed):
    """The spine is on z, the shoulders are above the positive x axis."""
    held = NormalizeSkeleton3D(hold_spine=True)(
        results_of(clip(seed=seed)))['keypoint'][0, 0]
    spine, shoulders = held[1] - held[0], held[8] - held[4]
    np.testing.assert_allclose(spine[:2], 0, atol=1e-5)
    assert spine[2] > 0 and shoulders[0] > 0 and abs(shoulders[1]) < 1e-5


def test_unit_bone_is_a_pair_of_joints():
    with pytest.raises(ValueError, match='unit_bone must be two joints, not'):
        NormalizeSkeleton3D(unit_bone=(0, 1, 2))
    with pytest.raises(ValueError, match='unit_bone uses joint 25, but'):
        NormalizeSkeleton3D(unit_bone=(0, 25))(results_of(clip()))


@pytest.mark.parametrize('height', [0., 1., -1.])
def test_hold_spine_of_degenerate_shoulders(height):
    """Vertical, coincident or exactly opposite shoulders are not rotated."""
    keypoint = clip(1)
    keypoint[0, 0, [0, 1]] = (0, 0, 0), (0, 0, 2)  # upright already
    keypoint[0, 0, [4, 8]] = (1, 1, 1), (1, 1, 1 + height)
    for opposite in (False, True):
        keypoint[0, 0, 8, 0] -= 2 * opposite
        held = NormalizeSkeleton3D(center=0, hold_spine=True)(
            results_of(keypoint))['keypoint']
        np.testing.assert_allclose(held, keypoint, atol=1e-6)


def test_hold_spine_is_a_rotation_about_z():
    """Heights equal those after aligning the spine only."""
    spine, held = (NormalizeSkeleton3D(**switch)(results_of(clip(seed=1)))[
        'keypoint'] for switch in (dict(align_shoulder=False),
                                   dict(hold_spine=True)))
    np.testing.assert_allclose(held[..., 2], spine[..., 2], atol=1e-5)
    assert np.abs(held - spine).max() > .1


def test_main_person_by_spread():
    """Persons are sorted by spread, not by presence."""
    keypoint = np.concatenate([size * clip(1, seed=seed) for seed, size in
                               enumerate((1, 3, 2))])
    keypoint[1, 3:] = 0
    result = NormalizeSkeleton3D(main='spread', frames_of='any')(
        results_of(keypoint))
    np.testing.assert_array_equal(result['body_center'], keypoint[1, 0, 1])
    still = dict(align_center=False, align_spine=False, align_shoulder=False)
    result = NormalizeSkeleton3D(main='spread', frames_of='any', **still)(
        results_of(keypoint))
    np.testing.assert_array_equal(result['keypoint'], keypoint[[1, 2, 0]])


def test_spread_equals_a_loop():
    person = clip(1, frames=4)[0].astype(np.float64)
    axes = [[frame[v, c] - frame[0, c] for frame in person
             for v in range(25)] for c in range(3)]
    assert find_spread(person) == pytest.approx(
        sum(np.std(values) for values in axes))
    assert find_spread(person + 7) == pytest.approx(find_spread(person))
    assert find_spread(person[:0]) == 0


def test_frames_of_any_person():
    """Only frames without any person are dropped."""
    keypoint = clip()
    keypoint[0, [2, 5]] = keypoint[1, [5, 6, 7]] = 0
    for of, left in (('main', [*range(2), 3, 4, *range(6, 12)]),
                     ('any', [*range(5), *range(6, 12)])):
        result = NormalizeSkeleton3D(frames_of=of, align_center=False,
                                     align_spine=False, align_shoulder=False)(
            results_of(keypoint))
        np.testing.assert_array_equal(result['keypoint'], keypoint[:, left])
        assert result['total_frames'] == len(left)


def test_main_person_missing_in_the_first_frame_of_any():
    """The clip is unchanged, as in the released implementation."""
    keypoint = clip()
    keypoint[0, 0] = keypoint[1, 4:] = 0
    result = NormalizeSkeleton3D(frames_of='any', unit_bone=(0, 20))(
        results_of(keypoint))
    length = np.linalg.norm(keypoint[0, 1, 20] - keypoint[0, 1, 0])
    np.testing.assert_allclose(result['keypoint'], keypoint / length,
                               atol=1e-6)
    np.testing.assert_array_equal(result['body_center'], 0)


@pytest.mark.parametrize('name, known', [
    ('main', "'present', 'spread' or 'first'"),
    ('frames_of', "'main' or 'any'")])
def test_unknown_choice_raises(name, known):
    with pytest.raises(ValueError, match=f"{name} must be {known}, not 'all'"):
        NormalizeSkeleton3D(**{name: 'all'})


PARTS = dict(parts=[[0, 1], [2, 3], [4]], bodies=[[0], [1], [2]])
TABLE = dict(PARTS, center=[0, 1], zaxis=[[0, 1], [2, 3]], xaxis=(3, 2))


@pytest.mark.parametrize('layout, joints', [
    ('nturgb+d', 25), ('nwucla', 20)])
def test_a_layout_brings_the_joints(layout, joints):
    pyramid = get_pyramid(layout)
    keypoint = clip(joints=joints)
    by_layout, by_joints = (
        NormalizeSkeleton3D(**given)(results_of(keypoint))['keypoint']
        for given in (dict(layout=layout), pyramid_joints(pyramid)))
    np.testing.assert_array_equal(by_layout, by_joints)


def pyramid_joints(pyramid):
    return dict(center=pyramid.center, zaxis=pyramid.zaxis,
                xaxis=pyramid.xaxis)


def test_means_of_joints_equal_joints_at_their_place():
    """A hip centre that the skeleton lacks is the mean of both hips."""
    keypoint = clip(joints=5)
    means = [keypoint[:, :, pair].mean(2, keepdims=True)
             for pair in ([0, 1], [2, 3])]
    longer = np.concatenate([keypoint, *means], 2)
    with_means = NormalizeSkeleton3D(layout=TABLE)(results_of(keypoint))
    with_joints = NormalizeSkeleton3D(center=5, zaxis=(5, 6), xaxis=(3, 2))(
        results_of(longer))
    np.testing.assert_allclose(with_means['keypoint'],
                               with_joints['keypoint'][:, :, :5], atol=1e-5)


def test_a_mean_leaves_missing_joints_out():
    keypoint = clip(joints=5)
    keypoint[:, :, 1] = 0
    result = NormalizeSkeleton3D(layout=TABLE)(results_of(keypoint))
    np.testing.assert_array_equal(result['body_center'], keypoint[0, 0, 0])
    assert not result['keypoint'][:, :, 1].any()


def test_first_person_stays_the_main_one():
    """A phantom that is seen longer does not replace a ranked actor."""
    keypoint = clip(persons=3)
    keypoint[0] = 0  # no first person at all
    keypoint[1, :5] = 0
    for main, frames, person in (('first', 7, 1), ('present', 12, 2)):
        result = NormalizeSkeleton3D(main=main)(results_of(keypoint))
        assert result['total_frames'] == frames
        np.testing.assert_array_equal(
            result['body_center'], keypoint[person, 12 - frames, 1])


@pytest.mark.parametrize('given, sentence', [
    (dict(layout='nwucla', center=2),
     "center=2 of NormalizeSkeleton3D contradicts layout 'nwucla'"),
    (dict(layout=PARTS), "layout 'custom' has no center, which"),
    (dict(layout=dict(TABLE, zaxis=[0, [1, 5]])),
     "layout 'custom': zaxis uses joint 5, but joints run from 0 to 4"),
    (dict(zaxis=[0, []]), r'\[\] is neither a joint nor a list'),
    (dict(zaxis=[0, 1.5]), '1.5 is neither a joint nor a list'),
    (dict(center=[3, 3]), r'\[3, 3\] is neither a joint nor a list'),
    (dict(xaxis=[4, 4]), 'xaxis must be two different joints'),
    (dict(xaxis=4), 'xaxis must be two joints, not 4'),
])
def test_joints_that_do_not_fit_raise(given, sentence):
    with pytest.raises(ValueError, match=sentence):
        NormalizeSkeleton3D(**given)


def test_joints_that_a_layout_lacks_can_be_given_or_left_out():
    points = clip(joints=5)
    NormalizeSkeleton3D(layout=PARTS, center=[0, 1], zaxis=[0, 4],
                        xaxis=[2, 3])(results_of(points))
    NormalizeSkeleton3D(layout=PARTS, align_center=False, align_spine=False,
                        align_shoulder=False)(results_of(points))


def test_clip_with_other_joints_than_the_layout_raises():
    with pytest.raises(ValueError, match="clip 'clip_a' has 25 joints, but "
                       "layout 'nwucla' has 20: set layout"):
        NormalizeSkeleton3D(layout='nwucla')(results_of(clip()))
