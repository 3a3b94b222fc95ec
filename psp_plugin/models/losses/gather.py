"""Features of all processes, with their gradients."""
import torch
from mmengine.dist import all_gather, all_reduce, get_rank, get_world_size
from torch.autograd.function import once_differentiable


class GatherFeatures(torch.autograd.Function):
    """Concatenates the features of all processes, by rank.

    The gradient of a process's features is the sum of the gradients of all
    processes' losses. The toolbox's ``GatherLayer`` (in ``clip_similarity``)
    drops those of the other processes, and PyTorch's
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
        """Sums gradients over processes and returns this process's rows."""
        total = grad.clone(memory_format=torch.contiguous_format)
        all_reduce(total)
        return total.chunk(get_world_size())[get_rank()]


def check_equal_shares(features: torch.Tensor) -> None:
    """Checks that all processes have the same number of features.

    Collectives of unequal tensors raise an obscure error or hang, and means
    over unequal shares would not average to that of the entire batch.

    Args:
        features (Tensor): (N, C').

    Raises:
        ValueError: On every process, if their N differ.
    """
    own = torch.tensor([len(features)], device=features.device)
    counts = torch.cat(all_gather(own)).tolist()
    if len(set(counts)) > 1:
        raise ValueError(
            'gather=True needs the same number of unlabelled clips in every '
            f'process, but in this step ranks 0 to {len(counts) - 1} have '
            f'{counts}: set drop_last=True in the unlabelled dataloader')
