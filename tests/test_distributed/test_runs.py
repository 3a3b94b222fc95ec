"""The clips of the ranks of a real run, and its end."""
from collections import Counter

import pytest
from runs import BATCH, LABELED, UNLABELED
from torch.testing import assert_close


def clips(rank, run, branch):
    return [name for batch in rank['runs'][run]['batches']
            for name in batch[branch]]


def test_gloo_replaces_the_backend_of_the_config(ranks):
    """The config has nccl."""
    assert {rank['backend'] for rank in ranks} == {'gloo'}


def test_labeled_clips_are_distributed(two_ranks):
    first, second = (clips(rank, 'supervised', 'labeled')
                     for rank in two_ranks.values())
    assert len(first) == len(second) == LABELED // 2
    assert len({*first, *second}) == LABELED


def test_repeated_clips_are_distributed(two_ranks):
    """RepeatDataset: each clip twice per epoch, over all ranks."""
    names = [name for rank in two_ranks.values()
             for name in clips(rank, 'plain', 'labeled')]
    assert set(Counter(names).values()) == {2}
    assert len(names) == 2 * LABELED


def test_unlabeled_clips_are_distributed(two_ranks):
    """One pass; it is shorter than the epoch, so a second begins."""
    half = UNLABELED // 2
    streams = [clips(rank, 'plain', 'unlabeled')
               for rank in two_ranks.values()]
    assert all(len(stream) > half for stream in streams)
    first, second = (stream[:half] for stream in streams)
    assert len({*first, *second}) == UNLABELED
    labeled = {name for rank in two_ranks.values()
               for name in clips(rank, 'plain', 'labeled')}
    assert not labeled & {*first, *second}
    assert streams[0][half:] != first[:len(streams[0]) - half]


def test_samplers_of_an_odd_number(two_ranks):
    """The default sampler repeats a clip, so that all ranks have the same
    number; the infinite one distributes pass after pass."""
    first, second = (rank['sampled']['default']
                     for rank in two_ranks.values())
    assert len(first) == len(second) == 4
    assert sorted(Counter(first + second).values()) == [1] * 6 + [2]
    dealt = [clip for pair in zip(*(rank['sampled']['infinite']
                                    for rank in two_ranks.values()))
             for clip in pair]
    assert sorted(dealt[:7]) == sorted(dealt[7:]) == list(range(7))


@pytest.mark.parametrize('run', ['plain', 'supervised', 'pretraining'])
def test_every_parameter_gets_a_gradient(two_ranks, run):
    """So find_unused_parameters is not needed."""
    for rank in two_ranks.values():
        assert rank['runs'][run]['wrapper'] == 'MMDistributedDataParallel'
        assert rank['runs'][run]['idle'] == []


def test_masked_pretraining(two_ranks):
    """Each rank has half of the 16 clips; all masks differ; the weights are
    the same."""
    first, second = (rank['runs']['pretraining']
                     for rank in two_ranks.values())
    batches = [batch['labeled'] for run in (first, second)
               for batch in run['batches']]
    assert [len(batch) for batch in batches] == [4] * 8
    names = clips(two_ranks[0], 'pretraining', 'labeled')[:8] + clips(
        two_ranks[1], 'pretraining', 'labeled')[:8]
    assert len(set(names)) == 16
    assert len({*first['noise'], *second['noise']}) == 8
    assert_close(first['state'], second['state'], rtol=0, atol=0)


def test_fewer_unlabeled_clips_on_a_rank(two_ranks):
    """It restarts more often; the labelled loader sets the epoch's length."""
    for rank, count in zip(two_ranks.values(), (28, 12)):
        names = clips(rank, 'fewer unlabelled', 'unlabeled')
        assert len(names) == LABELED // 2
        assert all(int(name[-6:]) < count for name in names)
        batches = rank['runs']['fewer unlabelled']['batches']
        assert all(len(batch['unlabeled']) == BATCH for batch in batches)
    assert len(names) > count // 2  # more than a pass of rank 1's share


def test_fewer_labeled_clips_on_a_rank(two_ranks):
    """It would wait forever, so the hook stops every rank."""
    for rank in two_ranks.values():
        assert 'ranks 0 to 1 have [5, 3] labelled batches an epoch' in (
            rank['runs']['fewer labelled'])


def test_contrast_at_chance_stops_every_rank(two_ranks):
    """The mean over ranks is checked, or one would wait for the other."""
    for rank in two_ranks.values():
        assert 'which is chance (1.099)' in rank['runs']['at chance']
        assert rank['runs']['one at chance'] == 'no error'
