"""Which persons of a clip are there."""
import torch


def find_present(clips: torch.Tensor) -> torch.Tensor:
    """Finds the persons that have a coordinate other than zero.

    Args:
        clips (Tensor): (B, num_clips, M, T, V, C).

    Returns:
        Tensor: (B * num_clips, M) booleans. The first person of a clip
        without any counts as present.

    Raises:
        ValueError: If clips have more than two persons.
    """
    if clips.size(2) > 2:
        raise ValueError('skip_absent_persons takes clips of at most two '
                         f'persons, not of {clips.size(2)}: set '
                         'num_person=2 in FormatGCNInput')
    present = (clips.flatten(0, 1) != 0).flatten(2).any(2)
    present[:, 0] |= ~present.any(1)
    return present


def stand_ins(present: torch.Tensor) -> torch.Tensor:
    """Says whose features stand at every person's place.

    An absent person has the features of the other one, so that a mean over
    persons is the mean over those who are there.

    Args:
        present (Tensor): (N, M) booleans, M of 1 or 2, one of each row True.

    Returns:
        Tensor: (N, M) indices into the present persons, in their order.
    """
    order = present.flatten().cumsum(0).view(present.shape) - 1
    return torch.where(present, order, order.flip(1))
