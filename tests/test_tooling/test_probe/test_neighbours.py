"""Nearest neighbours: against brute force, and ties."""
import math
from collections import Counter

import pytest
import torch

from psp_plugin.errors import InputError
from psp_plugin.tooling.probe import classifiers, nearest_classes


def slow(features, labels, queries, k):
    """By the cosine of each pair."""
    found = []
    for query in queries.tolist():
        cosines = []
        for row, label in zip(features.tolist(), labels.tolist()):
            dot = sum(a * b for a, b in zip(query, row))
            cosines.append((dot / math.hypot(*query) / math.hypot(*row),
                            label))
        votes = [label for _, label in sorted(cosines, reverse=True)[:k]]
        counts = Counter(votes)
        most = max(counts.values())
        found.append(next(x for x in votes if counts[x] == most))
    return found


@pytest.mark.parametrize('k', [1, 2, 5, 30])
def test_equals_brute_force(k, monkeypatch):
    monkeypatch.setattr(classifiers, 'ROWS', 16)
    generator = torch.Generator().manual_seed(k)
    features = torch.randn(30, 5, generator=generator) + 1
    queries = torch.randn(50, 5, generator=generator) + 1
    labels = torch.randint(7, (30, ), generator=generator)
    found = nearest_classes(features, labels, queries, k)
    assert found.tolist() == slow(features, labels, queries, k)


def test_ties_go_to_the_nearest_and_length_is_ignored():
    angles = torch.tensor([.1, .2, .3, .4])
    features = torch.stack([angles.cos(), angles.sin()], 1)
    features *= torch.tensor([[1e-3], [1e3], [1], [1]])
    labels = torch.tensor([2, 0, 0, 2])
    query = torch.tensor([[5., 0]])
    assert [nearest_classes(features, labels, query, k).item()
            for k in (1, 2, 3, 4)] == [2, 2, 0, 2]


@pytest.mark.parametrize('k', [0, 4])
def test_too_many_neighbours_raise(k):
    with pytest.raises(InputError, match=f'k={k} nearest of 3 labelled .* '
                                         'must be from 1 to 3'):
        nearest_classes(torch.ones(3, 2), torch.arange(3), torch.ones(1, 2),
                        k)
