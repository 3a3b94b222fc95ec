"""Which persons of a clip are present."""
from typing import Optional

import torch


def find_present(clips: torch.Tensor,
                 at_most: Optional[int] = None) -> torch.Tensor:
    """Finds the persons that have a coordinate other than zero.

    Args:
        clips (Tensor): (B, num_clips, M, T, V, C).
        at_most (int, optional): Largest number of persons M that the caller
            accepts. Defaults to None: any.

    Returns:
        Tensor: (B * num_clips, M) booleans. In a clip without any person the
        first one counts as present.

    Raises:
        ValueError: If clips have more than ``at_most`` persons.
    """
    if at_most is not None and clips.size(2) > at_most:
        raise ValueError('skip_absent_persons accepts clips of at most '
                         f'{at_most} persons, not of {clips.size(2)}: set '
                         f'num_person={at_most} in FormatGCNInput')
    present = (clips.flatten(0, 1) != 0).flatten(2).any(2)
    present[:, 0] |= ~present.any(1)
    return present


def feature_indices(present: torch.Tensor) -> torch.Tensor:
    """Finds the encoded person whose features every person gets.

    An absent person gets the features of the other one, so that a mean over
    persons is the mean over those who are present.

    Args:
        present (Tensor): (N, M) booleans, M of 1 or 2, at least one of each
            row True.

    Returns:
        Tensor: (N, M) indices into the present persons, in their order.
    """
    order = present.flatten().cumsum(0).view(present.shape) - 1
    return torch.where(present, order, order.flip(1))
