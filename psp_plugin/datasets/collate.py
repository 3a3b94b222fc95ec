"""Collates clips for a cheap way from a worker to the training process."""
from typing import Any, Callable, List, Sequence, Tuple

import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import FUNCTIONS
from mmengine.structures import BaseDataElement
from torch.utils.data import default_collate

# Types that NumPy has, too.
PLAIN = (torch.bool, torch.uint8, torch.int32, torch.int64, torch.float16,
         torch.float32, torch.float64)


@FUNCTIONS.register_module()
def compact_collate(batch: Sequence[dict]) -> dict:
    """The toolbox's ``pseudo_collate``, as few tensors between processes.

    A worker hands over every tensor on its own, which costs the training
    process about 0.2 ms each, see docs/results/speed.md. Here the inputs
    travel as one tensor and the labels as plain numbers. The batch that
    arrives is the same.

    In a config::

        train_dataloader = dict(collate_fn=dict(type='compact_collate'))

    Args:
        batch (Sequence[dict]): ``inputs`` and ``data_samples`` of each clip;
            the inputs are a tensor or, of several views, a dict of tensors.

    Returns:
        dict: Lists of ``inputs`` and ``data_samples``, or of several views a
        dict of lists.
    """
    return compact(pseudo_collate(batch))


def compact(data: Any) -> Any:
    """Replaces the lists of a batch by ones that pickle compactly."""
    if isinstance(data, dict):
        return {key: compact(value) for key, value in data.items()}
    if not isinstance(data, list) or not data:
        return data
    if all(torch.is_tensor(x) and x.shape == data[0].shape and
           x.dtype == data[0].dtype for x in data):
        return Clips(data)
    if all(isinstance(x, BaseDataElement) and has_plain_tensors(x)
           for x in data):
        return Samples(data)
    return data


def has_plain_tensors(sample: BaseDataElement) -> bool:
    """Whether the fields of a sample are tensors that NumPy has, too."""
    return all(type(x) is torch.Tensor and x.dtype in PLAIN
               and x.layout == torch.strided and not x.requires_grad
               for x in sample.values())


class Clips(list):
    """Tensors of one shape, pickled as one tensor in shared memory."""

    def __reduce__(self) -> Tuple[Callable[..., list], Tuple[Any, ...]]:
        return list, (default_collate(list(self)), )


class Samples(list):
    """Data samples, pickled with arrays for tensors."""

    def __reduce__(self) -> Tuple[Callable[..., list], Tuple[Any, ...]]:
        return with_tensors, ([sample.numpy() for sample in self], )


def with_tensors(samples: List[BaseDataElement]) -> List[BaseDataElement]:
    """Turns the arrays of data samples into tensors."""
    return [sample.to_tensor() for sample in samples]
