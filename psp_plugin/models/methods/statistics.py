"""Forward passes that do not change the statistics of a model."""
from contextlib import contextmanager
from typing import Iterator

from mmcv.cnn.bricks import DropPath
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd


@contextmanager
def frozen_statistics(model: nn.Module) -> Iterator[None]:
    """Context in which batch norms keep their statistics and dropout is off.

    In train mode batch norms still normalise by the statistics of the batch,
    but do not update running statistics and batch counts. Dropout and drop
    paths are off, so that two passes of the same clips give the same result.
    The modules are restored at the end, also after an exception.

    Args:
        model (nn.Module): The model, whose modules are switched.
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
