"""Methods for unlabelled clips on two ranks and in one process."""
import pytest
import torch
from torch.testing import assert_close
from unlabeled_cases import (
    MASKS,
    METHODS,
    OF_A_RANK,
    ask_mask,
    train_method,
)


@pytest.mark.parametrize('name', MASKS)
def test_masks_include_all_ranks(two_ranks, name):
    """Averages and weights are the same on both ranks and in one process.
    The ranks have four clips and three."""
    expected = ask_mask(name)
    ranks = [rank['methods']['masks'][name] for rank in two_ranks.values()]
    for (weights, state), *shares in zip(expected, *ranks):
        for i, (share, own) in enumerate(shares):
            assert_close(share, weights[i::2], rtol=0, atol=1e-5)
            assert_close(own, state, rtol=0, atol=1e-6)
        assert_close(shares[0][1], shares[1][1], rtol=0, atol=0)
    start, end = expected[0][1], expected[-1][1]
    assert any(not torch.equal(start[key], end[key]) for key in end)


@pytest.mark.parametrize('norms', [True, False])
@pytest.mark.parametrize('name', METHODS)
def test_parameters_stay_equal(two_ranks, name, norms):
    """Including teachers and averages of masks, but not running statistics.
    With frozen norms all equal those of one process on the entire batch."""
    first, second = (rank['methods']['trained'][name, norms]
                     for rank in two_ranks.values())
    for key in first:
        if norms and 'running_' in key:
            assert not torch.equal(first[key], second[key]), key
        else:
            assert torch.equal(first[key], second[key]), key
    if not norms:
        expected = train_method(name, norms)
        assert_close(first, expected, rtol=0, atol=1e-6)
        assert any(key.startswith('methods.') for key in expected)


@pytest.mark.parametrize('name', OF_A_RANK)
def test_ranks_share_weights_and_queues(two_ranks, name):
    first, second = (rank['methods']['of_a_rank'][name]
                     for rank in two_ranks.values())
    assert any(key.startswith('methods.') for key in first) == (name != 'VAT')
    for key in first:
        same = torch.equal(first[key], second[key])
        assert same or 'running_' in key, key
