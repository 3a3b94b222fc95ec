"""t-SNE: groups stay apart, seeds are deterministic, and invalid input."""
import sys

import numpy as np
import pytest

from psp_plugin.errors import InputError
from psp_plugin.tooling.visualization import default_perplexity, embed


def groups(count=30, apart=20., seed=0):
    """Three groups of points in 16 dimensions, and their labels."""
    rng = np.random.default_rng(seed)
    owner = np.arange(count) % 3
    centers = apart * np.eye(3, 16)
    return rng.normal(size=(count, 16)) + centers[owner], owner


def test_groups_stay_apart():
    features, owner = groups()
    points = embed(features)
    assert points.shape == (30, 2) and points.dtype == np.float32
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    assert (owner[distance.argmin(1)] == owner).all()


def test_a_seed_gives_the_same_points():
    features = groups(60, apart=1)[0]
    first = embed(features, seed=3)
    np.testing.assert_array_equal(embed(features.copy(), seed=3), first)


def test_perplexity_is_used():
    features = groups(60, apart=1)[0]
    assert np.abs(embed(features, 3) - embed(features, 20)).max() > 1


@pytest.mark.parametrize('count, expected', [(10, 3), (31, 10), (91, 30),
                                             (5000, 30)])
def test_default_perplexity(count, expected):
    assert default_perplexity(count) == expected


def test_ten_clips_are_enough():
    assert np.isfinite(embed(groups(10)[0])).all()
    with pytest.raises(InputError, match='t-SNE of 9 clips is not mean'):
        embed(groups(9)[0])


@pytest.mark.parametrize('change, message', [
    (dict(perplexity=30), 'perplexity must be from 1 to less than 30'),
    (dict(perplexity=.5), 'not 0.5'),
    (dict(perplexity=float('nan')), 'not nan'),
    (dict(seed=-1), 'seed must be from 0 to 4294967295, not -1'),
    (dict(features=np.ones((12, 4))), 'of all 12 clips are the same'),
    (dict(features=np.zeros((12, 4))), 'of all 12 clips are the same'),
    (dict(features=np.diag([np.nan, np.inf] + [1.] * 10)),
     'of 2 of 12 clips are NaN or infinite'),
])
def test_invalid_features_raise(change, message):
    with pytest.raises(InputError, match=message):
        embed(**{**dict(features=groups()[0]), **change})


def test_without_scikit_learn_the_error_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, 'sklearn', None)
    with pytest.raises(InputError, match='pip install scikit-learn'):
        embed(groups()[0])
