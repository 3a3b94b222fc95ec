"""ClassBalancedSampler."""
from collections import Counter

import pytest
from mmaction.registry import DATA_SAMPLERS, DATASETS
from mmengine.dataset import BaseDataset, RepeatDataset
from toy import write_ntu

from psp_plugin.datasets import ClassBalancedSampler, samplers

BALANCED = [i % 3 for i in range(12)]
RARE = [0] * 10 + [1] * 4 + [2] * 1


class Clips(BaseDataset):
    """Labels only; the pipeline must not be run."""

    def __init__(self, labels):
        self.labels = labels
        super().__init__(pipeline=[self.refuse], serialize_data=False)

    def load_data_list(self):
        return [dict(frame_dir=f'clip{i}', label=label)
                for i, label in enumerate(self.labels)]

    def refuse(self, info):
        raise AssertionError('the pipeline was run')


def classes(labels, seed=0, epoch=0, times=1):
    """The classes of the clips of an epoch, in rounds of three."""
    clips = RepeatDataset(Clips(labels), times)
    sampler = ClassBalancedSampler(clips, seed=seed)
    sampler.set_epoch(epoch)
    chosen = [labels[i % len(labels)] for i in sampler]
    assert len(chosen) == len(sampler)
    return [chosen[i:i + 3] for i in range(0, len(chosen), 3)]


@pytest.mark.parametrize('labels, rounds', [(BALANCED, 4), (RARE, 5),
                                            (RARE + [0], 6)])
def test_every_round_has_each_class_once(labels, rounds):
    found = classes(labels)
    assert len(found) == rounds
    assert all(sorted(part) == [0, 1, 2] for part in found)
    assert len(set(map(tuple, found))) > 1  # not always in the same order


@pytest.mark.parametrize('times', [1, 5])
def test_clips_of_equal_classes_are_equally_frequent(times):
    clips = RepeatDataset(Clips(BALANCED), times)
    order = list(ClassBalancedSampler(clips, seed=0))
    for start in range(0, len(order), 12):  # in every pass, not only in total
        assert sorted(i % 12 for i in order[start:start + 12]) == list(
            range(12))
    assert len(order) == 12 * times


def test_rare_classes_are_repeated_and_frequent_ones_rotate():
    sampler = ClassBalancedSampler(Clips(RARE), seed=0)
    counts, seen = Counter(sampler), set()
    assert counts[14] == 5  # the only clip of its class
    assert sorted(counts[i] for i in range(10, 14)) == [1, 1, 1, 2]
    assert sum(counts[i] for i in range(10)) == 5
    for epoch in range(10):
        sampler.set_epoch(epoch)
        seen.update(sampler)
    assert seen == set(range(15))


def test_seed_and_epoch_determine_the_order():
    def order(seed, epoch):
        sampler = ClassBalancedSampler(Clips(BALANCED), seed=seed)
        sampler.set_epoch(epoch)
        return list(sampler)

    assert order(1, 2) == order(1, 2)
    assert len({tuple(order(seed, epoch)) for seed in range(3)
                for epoch in range(3)}) == 9


def test_default_seed_is_random(monkeypatch):
    monkeypatch.setattr(samplers, 'sync_random_seed', lambda: 7)
    assert ClassBalancedSampler(Clips(BALANCED)).seed == 7


@pytest.mark.parametrize('labels, rounds', [(BALANCED, 2), (RARE, 3)])
def test_ranks_share_the_rounds(monkeypatch, labels, rounds):
    """Four or five rounds for two ranks."""
    parts = []
    for rank in range(2):
        monkeypatch.setattr(samplers, 'get_dist_info', lambda r=rank: (r, 2))
        part = list(ClassBalancedSampler(Clips(labels), seed=0))
        assert len(part) == 3 * rounds
        assert all(sorted(labels[i] for i in part[j:j + 3]) == [0, 1, 2]
                   for j in range(0, len(part), 3))
        parts.append(part)
    assert parts[0] != parts[1]
    if labels == BALANCED:
        assert sorted(parts[0] + parts[1]) == list(range(12))


@pytest.mark.parametrize('labels, message', [
    ([0, None], "clip 'clip1' has none: .* DefaultSampler for the unlabelled"),
    ([0, [1, 2]], r"clip 'clip1' has the label \[1, 2\]"),
    ([0, True], "clip 'clip1' has the label True"),
    ([], 'no clip to draw from: Clips is empty'),
])
def test_clips_without_a_class_raise(labels, message):
    with pytest.raises(ValueError, match=message):
        ClassBalancedSampler(Clips(labels), seed=0)


def test_dataset_without_annotations_raises():
    with pytest.raises(ValueError, match='which list does not have'):
        ClassBalancedSampler([1, 2], seed=0)


def test_shuffle_false_raises():
    with pytest.raises(ValueError, match='shuffle must be True, not False'):
        ClassBalancedSampler(Clips(BALANCED), shuffle=False, seed=0)


def test_datasets_of_the_configs(tmp_path):
    """Both views of a checked pickle, wrapped as in configs."""
    view = dict(
        type='SemiSupervisedDataset', labeled_per_class=2, dataset=dict(
            type='CheckedPoseDataset', split='xsub_train',
            ann_file=write_ntu(tmp_path / 'ntu.pkl')))
    labeled = DATASETS.build(dict(type='RepeatDataset', times=3, dataset=view))
    sampler = DATA_SAMPLERS.build(
        dict(type='ClassBalancedSampler', shuffle=True),
        default_args=dict(dataset=labeled, seed=0))
    order = list(sampler)
    assert len(order) == len(labeled) == 36
    found = [labeled.get_data_info(i)['label'] for i in order]
    assert all(sorted(found[i:i + 6]) == list(range(6))
               for i in range(0, 36, 6))
    unlabeled = DATASETS.build(dict(view, subset='unlabeled'))
    with pytest.raises(ValueError, match='labelled loader only'):
        ClassBalancedSampler(unlabeled, seed=0)
