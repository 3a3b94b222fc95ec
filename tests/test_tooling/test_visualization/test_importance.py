"""Importance of joints from attention maps whose answer is known."""
import numpy as np
import pytest
import torch

from psp_plugin.tooling.visualization import joint_importance

N, M, S, V = 2, 3, 4, 5


def maps(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return tuple(
        torch.randn(N, M, S, V, V, generator=generator) for _ in range(2))


def slow(streams, present):
    """The definition, number by number."""
    means = np.zeros(V)
    for joint in range(V):
        values = [
            abs(float(stream[n, m, s, joint, key])) for stream in streams
            for n in range(N) for m in range(M) for s in range(S)
            for key in range(V) if present[n][m]
        ]
        means[joint] = np.mean(values)
    return means / means.max()


def test_equals_a_loop():
    streams = maps()
    result = joint_importance(dict(joint=streams, body=None))
    assert result.shape == (V, ) and result.dtype == np.float32
    np.testing.assert_allclose(result, slow(streams, np.ones((N, M))),
                               rtol=1e-5)
    assert result.max() == 1


def test_absent_persons_do_not_count():
    streams = maps()
    present = torch.tensor([[True, False, True], [False, False, True]])
    expected = joint_importance(dict(joint=streams), present)
    np.testing.assert_allclose(expected, slow(streams, present), rtol=1e-5)
    for stream in streams:
        stream[~present] = 100
    np.testing.assert_array_equal(
        joint_importance(dict(joint=streams), present), expected)


def test_the_row_of_a_joint_counts_and_not_its_column():
    one = torch.zeros(1, 1, 1, V, V)
    one[..., 3, :] = -1  # attention of query joint 3
    one[..., :, 1] += .1  # attention to key joint 1
    result = joint_importance(dict(joint=(one, torch.zeros_like(one))))
    assert result.argmax() == 3
    assert result[1] == result[0] < .05


def test_maps_of_zeros_give_zeros():
    zeros = torch.zeros(1, 1, 1, V, V)
    assert not joint_importance(dict(joint=(zeros, zeros))).any()


def test_invalid_arguments_raise():
    with pytest.raises(ValueError, match=r"no level 'joint', but only \['b"):
        joint_importance(dict(body=maps()))
    with pytest.raises(ValueError, match='no person is present'):
        joint_importance(dict(joint=maps()), torch.zeros(N, M))
