"""Classification by the nearest labelled clips.

Shape legend: N labelled clip, Q query, D feature, C class.
"""
import torch
import torch.nn.functional as F

from psp_plugin.errors import InputError

ROWS = 1024  # queries at a time, for the sake of memory


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
