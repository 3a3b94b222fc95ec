"""Averaged attention maps against loops, and for a clip of a model."""
import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from tiny import tiny_config

from psp_plugin.errors import InputError
from psp_plugin.tooling.visualization import (
    clip_attention,
    joint_importance,
    mean_attention,
)

N, M, S, K = 2, 3, 4, 5


def maps(seed):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(N, M, S, K, K, generator=generator)


def test_equals_a_loop_and_leaves_absent_persons_out():
    streams = maps(0), maps(1)
    present = torch.tensor([[True, False, True], [False, False, True]])
    expected = np.zeros((K, K))
    for query in range(K):
        for key in range(K):
            expected[query, key] = np.mean([
                abs(float(stream[n, m, s, query, key])) for stream in streams
                for n in range(N) for m in range(M) for s in range(S)
                if present[n, m]])
    result = mean_attention(dict(part=streams), present)['part']
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=1e-5)
    for stream in streams:
        stream[~present] = 100
    np.testing.assert_array_equal(
        mean_attention(dict(part=streams), present)['part'], result)


def test_all_persons_count_by_default():
    everyone = torch.ones(N, M)
    for level, values in mean_attention(dict(a=(maps(0), ))).items():
        np.testing.assert_allclose(
            values, mean_attention(dict(a=(maps(0), )), everyone)[level],
            rtol=1e-6)


def test_importance_is_the_mean_of_a_row_up_to_scale():
    attention = dict(joint=(maps(0), maps(1)))
    rows = mean_attention(attention)['joint'].mean(1)
    np.testing.assert_allclose(joint_importance(attention),
                               rows / rows.max(), rtol=1e-5)


def test_a_clip_without_persons_raises():
    with pytest.raises(ValueError, match='no person is present'):
        mean_attention(dict(joint=(maps(0), )), torch.zeros(N, M))


@pytest.fixture(scope='module')
def model():
    torch.manual_seed(0)
    return MODELS.build(tiny_config().model).eval()


def test_levels_that_are_not_contrasted_are_left_out():
    cfg = tiny_config().model
    cfg.loss_con.level_weights = dict(joint=1., body=0.)
    attention = clip_attention(MODELS.build(cfg).eval(),
                               torch.randn(1, 1, 1, 16, 25, 6))
    assert list(attention.maps) == ['joint']


def test_clip_attention_of_a_model(model):
    """A second person of zeros is absent."""
    one = torch.randn(1, 2, 1, 16, 25, 6)
    found = clip_attention(model, torch.cat([one, 0 * one], 2))
    expected = clip_attention(model, one)
    for level, nodes in dict(body=5, part=10, joint=25).items():
        assert found.maps[level].shape == (nodes, nodes)
        np.testing.assert_allclose(found.maps[level], expected.maps[level],
                                   atol=1e-5)
    np.testing.assert_allclose(found.importance, expected.importance,
                               atol=1e-5)
    assert found.importance.max() == 1


def test_streams_average_to_both(model):
    inputs = torch.randn(1, 1, 1, 16, 25, 6)
    joint, motion, both = (clip_attention(model, inputs, stream).maps['part']
                           for stream in ('joint', 'motion', None))
    assert np.abs(joint - motion).max() > 1e-3
    np.testing.assert_allclose((joint + motion) / 2, both, rtol=1e-5)
    with pytest.raises(InputError, match="joint, motion, not 'bone'"):
        clip_attention(model, inputs, 'bone')
