"""Batches that travel compactly from the workers."""
import pickle
from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest
import torch
from mmaction.structures import ActionDataSample
from mmengine.dataset import pseudo_collate
from same import assert_same
from torch.utils.data import DataLoader, Dataset

from psp_plugin.datasets.collate import compact_collate


def sample(index, label=None):
    made = ActionDataSample(metainfo=dict(frame_dir=f'clip{index}'))
    return made if label is None else made.set_gt_label(label)


class Clips(Dataset):
    """Every third clip is unlabelled; each view has a shape of its own."""

    def __init__(self, views=()):
        self.views = views

    def __len__(self):
        return 6

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index)
        label = None if index % 3 == 0 else torch.tensor([index])
        made = {view: torch.rand(2, 3 + i, generator=generator)
                for i, view in enumerate(self.views or 'x')}
        samples = {view: sample(index, label) for view in made}
        if not self.views:
            made, samples = made['x'], samples['x']
        return dict(inputs=made, data_samples=samples)


@pytest.mark.parametrize('views', [(), ('weak', 'strong')])
def test_workers_hand_over_the_same_batches(views):
    given, expected = (
        list(DataLoader(Clips(views), 3, num_workers=1, collate_fn=collate))
        for collate in (compact_collate, pseudo_collate))
    assert_same(given, expected)


def test_few_tensors_are_handed_over(monkeypatch):
    reduced, before = [], ForkingPickler._extra_reducers[torch.Tensor]
    ForkingPickler.register(
        torch.Tensor, lambda x: reduced.append(x) or before(x))
    try:
        items = [Clips()[i] for i in range(6)]
        pickle.loads(ForkingPickler.dumps(compact_collate(items)))
        assert [x.shape for x in reduced] == [(6, 2, 3)]
    finally:
        ForkingPickler.register(torch.Tensor, before)


@pytest.mark.parametrize('field', [
    np.arange(3), torch.zeros(2, dtype=torch.bfloat16),
    torch.eye(2).to_sparse(), torch.zeros(2, requires_grad=True)])
def test_other_batches_stay_as_they_are(field):
    """Clips of two lengths, and fields that NumPy would change."""
    items = [dict(inputs=torch.zeros(2, n + 1), data_samples=sample(n))
             for n in range(2)]
    items[1]['data_samples'].set_field(field, 'field')
    batch = compact_collate(items)
    assert type(batch['inputs']) is type(batch['data_samples']) is list
