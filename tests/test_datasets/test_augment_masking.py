"""Masks of joints, of parts and of an axis."""
import numpy as np
import pytest
from mmaction.registry import TRANSFORMS
from poses import clip, holed, results_of

from psp_plugin.skeletons import get_pyramid


@pytest.fixture(autouse=True)
def seeded():
    np.random.seed(0)


def mask(name, **kwargs):
    return TRANSFORMS.build(dict(dict(kwargs, prob=1), type=name))


def hidden_joints(before, after):
    """(M, T, V): joints that are present before, but not after."""
    return before.any(-1) & ~after.any(-1)


@pytest.mark.parametrize('per_frame', [False, True])
@pytest.mark.parametrize('joints', [1, 2, 7, 25])
def test_share_of_the_joints_is_masked(joints, per_frame):
    transform = mask('RandomMaskJoints', share=0.4, per_frame=per_frame)
    keypoint = clip(joints=joints)
    after = transform(results_of(keypoint, scored=True))
    hidden = hidden_joints(keypoint, after['keypoint'])
    assert (hidden.sum(-1) == min(round(0.4 * joints), joints - 1)).all()
    assert (hidden[0] == hidden[1]).all()
    same = all((row == hidden[0, 0]).all() for row in hidden[0])
    assert same == (not per_frame or joints == 1)
    for m, t, v in np.ndindex(hidden.shape):
        gone = hidden[m, t, v]
        np.testing.assert_array_equal(
            after['keypoint'][m, t, v], 0 if gone else keypoint[m, t, v])
        assert (after['keypoint_score'][m, t, v] == 0) == gone


def test_random_share_stays_within_its_limits():
    transform, counts, keypoint = mask(
        'RandomMaskJoints', share=(0.1, 0.4)), set(), clip(1, 1, 20)
    for _ in range(200):
        after = transform(results_of(keypoint))['keypoint']
        counts.add(int(hidden_joints(keypoint, after).sum()))
    assert counts == set(range(2, 9))


def test_every_joint_is_masked_sometimes():
    transform, keypoint = mask('RandomMaskJoints', share=0.2), clip(1, 1, 20)
    seen = sum(hidden_joints(keypoint, transform(
        results_of(keypoint))['keypoint']).astype(int) for _ in range(300))
    assert seen.min() > 30 and seen.max() < 90  # of 60


@pytest.mark.parametrize('cfg', [
    dict(name='RandomMaskJoints', share=0.9),
    dict(name='RandomMaskJoints', share=0.9, per_frame=True),
    dict(name='RandomMaskParts', layout='nwucla', num_parts=9),
    dict(name='RandomMaskAxis'),
], ids=lambda cfg: cfg['name'])
def test_no_person_is_masked_entirely(cfg):
    """Persons with only two joints or one coordinate in a frame."""
    keypoint = clip(3, 20, 20)
    keypoint[1, :, 2:] = 0
    keypoint[2, ..., 1:] = 0
    keypoint[0, 3] = 0
    transform = mask(**cfg)
    for seed in range(5):
        np.random.seed(seed)
        before = results_of(keypoint, scored=True)
        after = transform(dict(before))
        np.testing.assert_array_equal(after['keypoint'].any((2, 3)),
                                      keypoint.any((2, 3)))
        assert not np.array_equal(after['keypoint'], keypoint)
        if cfg['name'] == 'RandomMaskAxis':
            np.testing.assert_array_equal(after['keypoint_score'],
                                          before['keypoint_score'])


def test_complete_parts_are_masked():
    pyramid = get_pyramid('nturgb+d')
    transform = mask('RandomMaskParts', layout='nturgb+d', num_parts=3)
    keypoint, seen = clip(2, 4, 25), set()
    for _ in range(60):
        after = transform(results_of(keypoint, scored=True))
        hidden = hidden_joints(keypoint, after['keypoint'])
        assert (hidden == hidden[0, 0]).all()
        np.testing.assert_array_equal(after['keypoint_score'] == 0, hidden)
        np.testing.assert_array_equal(after['keypoint'][~hidden],
                                      keypoint[~hidden])
        gone = {part for part, joints in enumerate(pyramid.parts)
                if hidden[0, 0, list(joints)].any()}
        assert len(gone) == 3
        assert set(np.flatnonzero(hidden[0, 0])) == {
            joint for part in gone for joint in pyramid.parts[part]}
        seen |= gone
    assert seen == set(range(10))


@pytest.mark.parametrize('axes', [2, 3])
def test_one_axis_is_masked(axes):
    keypoint, seen = holed(clip(axes=axes)), set()
    for _ in range(40):
        after = mask('RandomMaskAxis')(results_of(keypoint))['keypoint']
        gone = [i for i in range(axes) if not after[..., i].any()]
        assert len(gone) == 1
        left = [i for i in range(axes) if i != gone[0]]
        np.testing.assert_array_equal(after[..., left], keypoint[..., left])
        seen |= set(gone)
    assert seen == set(range(axes))
