"""Linear evaluation: what one layer reads from features that stay.

Shape legend: N clip, D feature, C class.
"""
import math

import torch
import torch.nn.functional as F
from torch import nn

from psp_plugin.errors import InputError

BATCH = 256
EPS = 1e-6  # of the batch norm
MOMENTUM = 0.9
STD = 0.01  # of the first weights
ROWS = 1024  # queries at a time, for the sake of memory


def fit_linear(features: torch.Tensor,
               labels: torch.Tensor,
               num_classes: int,
               seed: int = 0,
               epochs: int = 100,
               lr: float = 0.1) -> nn.Module:
    """Trains a linear classifier on fixed features, to its last epoch.

    A batch norm without affine part, a linear layer, cross-entropy, SGD with
    momentum 0.9 and no weight decay, a cosine to 0 step by step.

    Source: the linear evaluation of MAMP (arXiv 2308.07092) and HA-CM (arXiv
    2409.17951), as released. Departs from it in three things: the features
    are computed once, thus without crop and rotation of the training clips;
    an epoch is cut into batches of at most 256 clips that differ by at most
    one in size, where the released ones leave an incomplete batch out; and
    the last epoch counts, not the best on the test clips.

    Args:
        features (Tensor): (N, D), of any device and float type.
        labels (Tensor): Classes from 0, (N, ).
        num_classes (int): Number of classes C. Some may have no clip.
        seed (int): Of weights and order; the global random state is neither
            read nor changed. Defaults to 0.
        epochs (int): Passes over the clips. Defaults to 100.
        lr (float): The first learning rate. Defaults to 0.1.

    Returns:
        nn.Module: (N, D) -> (N, C), in eval mode.

    Raises:
        InputError: If the learning rate is not positive or too high, or if
            there are fewer than two clips.
    """
    num_clips, width = features.shape
    check_fit(num_clips, lr)
    generator = torch.Generator().manual_seed(seed)
    norm = nn.BatchNorm1d(width, eps=EPS, affine=False)
    # Not the layer's own initialisation, which draws globally.
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
    """Raises InputError if a layer cannot be fitted to so many clips."""
    if not 0 < lr < math.inf:
        raise InputError(f'the learning rate must be positive, not {lr}')
    if num_clips < 2:
        raise InputError('a linear layer cannot be fitted to a single '
                         'labelled clip, as batch norm needs two: label more')


def nearest_classes(features: torch.Tensor,
                    labels: torch.Tensor,
                    queries: torch.Tensor,
                    k: int = 1) -> torch.Tensor:
    """Classifies by a vote of the k nearest clips.

    Near is what has a high cosine, without centring. Each neighbour has one
    vote; of classes with equal votes that of the nearest neighbour wins.

    Source: k-NN evaluation of AimCLR and CMD, whose k is 1. Departs from it
    in nothing.

    Args:
        features (Tensor): Of the labelled clips, (N, D).
        labels (Tensor): Classes from 0, (N, ).
        queries (Tensor): (Q, D).
        k (int): Number of neighbours. Defaults to 1.

    Returns:
        Tensor: Classes, (Q, ).

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
