"""Features of all processes, with their gradients."""
import torch
from mmengine.dist import all_gather, all_reduce, get_rank, get_world_size
from torch.autograd.function import once_differentiable


class GatherFeatures(torch.autograd.Function):
    """Concatenates the features of all processes, by rank.

    The gradient of a process's own features is the sum of what all processes'
    losses say about them. The toolbox's ``GatherLayer`` (in
    ``clip_similarity``) drops the other processes' share, and PyTorch's
    ``torch.distributed.nn.all_gather`` is deprecated without a public
    successor. Without a process group it is the identity.
    """

    @staticmethod
    def forward(ctx, features: torch.Tensor) -> torch.Tensor:
        """Maps (N, C') to (W * N, C') for W processes of the same N."""
        return torch.cat(all_gather(features.contiguous()))

    @staticmethod
    @once_differentiable
    def backward(ctx, grad: torch.Tensor) -> torch.Tensor:
        """Sums the gradients over processes and takes this one's rows."""
        total = grad.clone(memory_format=torch.contiguous_format)
        all_reduce(total)
        return total.chunk(get_world_size())[get_rank()]


def check_equal_shares(features: torch.Tensor) -> None:
    """Checks that every process has as many features as the others.

    Collectives of unequal tensors end in an obscure error or never, and means
    over unequal shares would not average to that of the whole batch.

    Args:
        features (Tensor): (N, C').

    Raises:
        ValueError: On every process, if their N differ.
    """
    own = torch.tensor([len(features)], device=features.device)
    counts = torch.cat(all_gather(own)).tolist()
    if len(set(counts)) > 1:
        raise ValueError(
            'gather=True needs as many unlabelled clips in every process, but '
            f'in this step ranks 0 to {len(counts) - 1} have {counts}: set '
            'drop_last=True in the unlabelled dataloader')
