"""Suggestions of clips to label: strategies and pose features."""
import importlib.util

import numpy as np
import pytest

from psp_plugin.errors import InputError
from psp_plugin.tooling.selection import (
    STRATEGIES,
    Pool,
    check_options,
    pose_features,
    suggest,
)
from psp_plugin.tooling.selection.strategies import (
    distant_clips,
    typical_clips,
    uncertain_clips,
    unit_features,
)

SIZES = (40, 30, 20, 8)


@pytest.fixture(scope='module')
def groups():
    """Four groups of points far apart, of different sizes, and which each
    point is in."""
    rng = np.random.default_rng(0)
    member = np.repeat(range(4), SIZES)
    return 10 * np.eye(4)[member] + rng.normal(0, .3, (98, 4)), member


@pytest.fixture(scope='module')
def pool(groups):
    return Pool([f'clip{i:02}' for i in range(98)], groups[0])


def test_typical_clips_are_the_densest_of_each_cluster(groups):
    points, member = groups
    chosen = typical_clips(points, 4)
    assert member[chosen].tolist() == [0, 1, 2, 3]  # the largest first
    for index in chosen:
        peers = np.flatnonzero(member == member[index])
        gaps = [np.sort(np.linalg.norm(points[peers] - points[i], axis=1))[
            1:21].mean() for i in peers]
        assert index == peers[np.argmin(gaps)]
    # With clusters of their own size, those without a label come first.
    known = np.flatnonzero(member == 0)[:1].tolist()
    assert member[typical_clips(points, 3, known)].tolist() == [1, 2, 3]


def test_typical_clips_are_not_of_clusters_below_five_clips():
    points = np.repeat(10. * np.eye(3), (9, 3, 6), axis=0)
    points += np.random.default_rng(0).normal(0, .1, points.shape)
    assert np.repeat(range(3), (9, 3, 6))[typical_clips(points, 3)].tolist(
    ) == [0, 2, 0]


def test_distant_clips_equal_a_double_loop(groups):
    points = groups[0]
    for known in ([], [5, 60]):
        chosen = distant_clips(points, 5, known, seed=1)
        have = known or chosen[:1]
        for index in chosen[len(have) - len(known):]:
            gaps = [min(np.linalg.norm(x - points[j]) for j in have)
                    for x in points]
            assert index == int(np.argmax(gaps))
            have = [*have, index]
        assert not set(chosen) & set(known) and len(set(chosen)) == 5


def test_distant_clips_of_equal_features_are_chosen_once():
    assert sorted(distant_clips(np.ones((6, 2)), 6)) == list(range(6))


def test_uncertain_clips_have_the_least_margin():
    scores = np.array([[.5, .3, .2], [.4, .4, .2], [.9, .1, 0], [.5, .4, .1]])
    assert uncertain_clips(scores, 3) == [1, 3, 0]
    assert uncertain_clips(scores, 2, [1]) == [3, 0]


@pytest.mark.parametrize('strategy', STRATEGIES)
def test_suggestions_are_new_and_depend_on_the_seed(pool, strategy):
    known = {'clip05': 0, 'clip60': 1, 'elsewhere': 1}
    found = [suggest(pool, 10, strategy, known, seed) for seed in (0, 0, 1)]
    assert found[0] == found[1]
    assert (found[0] == found[2]) == (strategy in ('coreset', 'margin'))
    assert len(set(found[0])) == 10 and not set(found[0]) & set(known)
    everything = suggest(pool, 96, strategy, known)
    assert sorted([*everything, 'clip05', 'clip60']) == pool.names


@pytest.mark.parametrize('change, options, message', [
    ({}, dict(count=97, known=dict(clip00=0, clip01=0)),
     'the pool has 96 clips without a label, fewer than the 97 to suggest'),
    ({}, dict(strategy='margin', known=dict(clip00=0, clip01=0)),
     'margin needs a classifier: .* not of 1'),
    ({}, dict(seed=-1), 'seed must be from 0'),
    (dict(names=['a'] * 98), {}, "clip 'a' occurs 98 times"),
    (dict(features=np.full((98, 2), np.nan)), {}, 'NaN or infinite'),
    (dict(features=np.ones((98, 2))), {}, 'of all 98 clips are the same'),
])
def test_pools_that_cannot_be_used(pool, change, options, message):
    with pytest.raises(InputError, match=message):
        suggest(pool._replace(**change), **{'count': 3, **options})


def test_unit_features():
    rng = np.random.default_rng(0)
    rows = unit_features(rng.normal(5, [1, 9, 0], (50, 3)))
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1)
    assert abs(rows[:, 0].std() - rows[:, 1].std()) < .1
    assert not rows[:, 2].any()


@pytest.mark.parametrize('channels', (2, 3))
def test_pose_features_ignore_place_size_and_absent_persons(channels):
    rng = np.random.default_rng(0)
    clip = rng.normal(size=(1, 30, 20, channels))
    base = pose_features(clip)
    assert base.shape == (16 * 21 * channels, )
    moved = np.concatenate([np.zeros_like(clip), 3 * clip + 7], 0)
    np.testing.assert_allclose(pose_features(moved), base)
    slow = np.repeat(clip[:, :16], 2, 1)
    assert np.abs(pose_features(slow) - base).max() > .1
    # A missing joint lies in the middle of the others.
    clip[:, :, 4] = 0
    assert not pose_features(clip)[:16 * 20 * channels].reshape(
        16, 20, channels)[:, 4].round(12).any()
    assert np.isfinite(pose_features(clip[:, :1])).all()  # a single frame
    with pytest.raises(ValueError, match='no joint is seen'):
        pose_features(np.zeros((2, 5, 20, channels)))


def test_options_are_checked_before_features(monkeypatch):
    with pytest.raises(InputError, match='seed must be from 0'):
        check_options('random', -1)
    monkeypatch.setattr(importlib.util, 'find_spec', lambda name: None)
    check_options('coreset', 0)
    with pytest.raises(InputError, match='pip install scikit-learn'):
        check_options('typiclust', 0)
