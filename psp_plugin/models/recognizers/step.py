"""A training step: the input of the methods for unlabelled clips."""
from typing import Dict, List

import torch
from mmaction.structures import ActionDataSample
from mmengine.logging import MessageHub
from torch import nn

from .two_stream import Streams

Samples = List[ActionDataSample]


class Step:
    """Clips, data samples, features and logits of one batch.

    Args:
        model (SemiSupervisedRecognizer): The recognizer.
        clips (dict[str, Tensor]): ``labeled`` and the views of the unlabelled
            clips, ``weak`` first, (B, num_clips, M, T, V, 2C) each.
        samples (dict[str, list]): The data samples of the clips.
        features (dict[str, Streams]): Features, with gradients, of the views
            that were encoded in the common pass, (N, M, C', T', V) of both
            streams.

    Attributes:
        progress (float): Share of the training that is done, from 0 to 1.
    """

    def __init__(self, model: nn.Module, clips: Dict[str, torch.Tensor],
                 samples: Dict[str, Samples],
                 features: Dict[str, Streams]) -> None:
        self.model = model
        self.clips = clips
        self.samples = samples
        self.features = features
        self.progress = training_progress()
        self._logits: Dict[str, torch.Tensor] = {}

    def logits(self, view: str) -> torch.Tensor:
        """Classifies an encoded view.

        Args:
            view (str): One of ``features``.

        Returns:
            Tensor: (N, classes), at least float32, with gradients.
        """
        if view not in self._logits:
            self._logits[view] = self.model.cls_head(self.features[view])
        return self._logits[view]


def training_progress() -> float:
    """Returns the share of the iterations that are done, from 0 to 1.

    Without a runner it is 1.
    """
    hub = MessageHub.get_current_instance()
    iters = [hub.get_info(key) for key in ('iter', 'max_iters')]
    if None in iters or not iters[1]:
        return 1.
    return min(iters[0] / iters[1], 1.)
