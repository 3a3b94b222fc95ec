"""Passes of a model that leave no trace in it."""
from contextlib import contextmanager
from typing import Iterator

from mmcv.cnn.bricks import DropPath
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd


@contextmanager
def frozen_statistics(model: nn.Module) -> Iterator[None]:
    """Batch norms track nothing in it, and nothing is dropped.

    In train mode every batch norm goes by the statistics of its batch, as it
    does otherwise, but running statistics and the count of batches stay as
    they are. Dropout and drop paths are off, so that two passes of the same
    clips give the same. What was switched is restored, an exception or not.

    Args:
        model (nn.Module): Of which all modules are switched.
    """
    switched = []
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            switched.append((module, 'track_running_stats'))
        elif isinstance(module, (_DropoutNd, DropPath)):
            switched.append((module, 'training'))
    before = [getattr(module, name) for module, name in switched]
    try:
        for module, name in switched:
            setattr(module, name, False)
        yield
    finally:
        for (module, name), value in zip(switched, before):
            setattr(module, name, value)
