"""Classifiers on fixed features: a linear layer and nearest neighbours.

Shape legend: N clip, D feature, C class.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn

from psp_plugin.errors import InputError

BATCH = 256
EPS = 1e-6  # of batch norm
MOMENTUM = 0.9
STD = 0.01  # of the initial weights
ROWS = 1024  # queries per matrix product, to limit memory


def fit_linear(features: torch.Tensor,
               labels: torch.Tensor,
               num_classes: int,
               seed: int = 0,
               epochs: int = 100,
               lr: float = 0.1) -> nn.Module:
    """Trains a linear classifier on fixed features.

    Batch norm without affine parameters and a linear layer, trained with
    cross-entropy, SGD (momentum 0.9, no weight decay) and a cosine schedule
    to 0 per step.

    Source: the linear evaluation of MAMP (arXiv 2308.07092) and HA-CM (arXiv
    2409.17951), as released. Departs from it in three points: features are
    computed once, thus without crop and rotation of the training clips; an
    epoch is divided into batches of at most 256 clips whose sizes differ by
    at most one, where the released code drops an incomplete batch; and the
    last epoch is evaluated, not the best one on the test clips.

    Args:
        features (Tensor): (N, D), of any device and floating dtype.
        labels (Tensor): Class indices from 0, (N, ).
        num_classes (int): Number of classes C. Some may have no clip.
        seed (int): Seed of weights and clip order; the global random state is
            neither used nor changed. Defaults to 0.
        epochs (int): Number of epochs. Defaults to 100.
        lr (float): Initial learning rate. Defaults to 0.1.

    Returns:
        nn.Module: Maps (N, D) to logits (N, C); in eval mode, frozen.

    Raises:
        InputError: If the learning rate is not positive or so high that
            training diverges, or if there are fewer than two clips.
    """
    num_clips, width = features.shape
    check_fit(num_clips, lr)
    generator = torch.Generator().manual_seed(seed)
    norm = nn.BatchNorm1d(width, eps=EPS, affine=False)
    # nn.Linear's initialisation would use the global random state.
    layer = nn.utils.skip_init(nn.Linear, width, num_classes)
    layer.weight.data.normal_(0, STD, generator=generator)
    layer.bias.data.zero_()
    model = nn.Sequential(norm, layer).to(features)
    optimizer = torch.optim.SGD(model.parameters(), lr, momentum=MOMENTUM)
    num_batches = math.ceil(num_clips / BATCH)
    for epoch in range(epochs):
        order = torch.randperm(num_clips, generator=generator)
        for step, chosen in enumerate(order.tensor_split(num_batches)):
            done = (epoch + step / num_batches) / epochs
            for group in optimizer.param_groups:
                group['lr'] = lr * (1 + math.cos(math.pi * done)) / 2
            chosen = chosen.to(features.device)
            loss = F.cross_entropy(model(features[chosen]), labels[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    if not layer.weight.isfinite().all():
        raise InputError(f'the linear layer has diverged with learning rate '
                         f'{lr}: lower it')
    return model.eval().requires_grad_(False)


def check_fit(num_clips: int, lr: float) -> None:
    """Raises InputError if a linear layer cannot be fitted."""
    if not 0 < lr < math.inf:
        raise InputError(f'the learning rate must be positive, not {lr}')
    if num_clips < 2:
        raise InputError('a linear layer cannot be fitted to a single '
                         'labelled clip, as batch norm needs two: label more')


def nearest_classes(features: torch.Tensor,
                    labels: torch.Tensor,
                    queries: torch.Tensor,
                    k: int = 1) -> torch.Tensor:
    """Classifies by majority vote of the k nearest neighbours.

    The similarity is the cosine, without centring. Ties between classes are
    resolved in favour of the nearest neighbour.

    Source: k-NN evaluation of AimCLR and CMD, whose k is 1. No departures.

    Args:
        features (Tensor): Features of the labelled clips, (N, D).
        labels (Tensor): Class indices from 0, (N, ).
        queries (Tensor): Features to classify, (Q, D).
        k (int): Number of neighbours. Defaults to 1.

    Returns:
        Tensor: Class indices, (Q, ).

    Raises:
        InputError: If k is less than 1 or more than N.
    """
    check_neighbours(len(features), k)
    features, num_classes = F.normalize(features), int(labels.max()) + 1
    found = [queries.new_empty(0, dtype=labels.dtype)]
    for rows in queries.split(ROWS):
        nearest = (F.normalize(rows) @ features.T).topk(k).indices
        votes = labels[nearest]  # (Q, k), the nearest first
        counts = F.one_hot(votes, num_classes).sum(1)  # (Q, C)
        polled = counts.gather(1, votes)
        # The first neighbour whose class has the most votes.
        winner = (polled == polled.amax(1, True)).int().argmax(1, True)
        found.append(votes.gather(1, winner)[:, 0])
    return torch.cat(found)


def check_neighbours(num_clips: int, k: int) -> None:
    """Raises InputError unless there are k labelled clips."""
    if not 1 <= k <= num_clips:
        raise InputError(f'k={k} nearest of {num_clips} labelled clips cannot '
                         f'be found: k must be from 1 to {num_clips}')
