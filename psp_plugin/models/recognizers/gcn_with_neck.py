"""The toolbox's GCN recognizer, its neck in use."""
from typing import Tuple

import torch
from mmaction.models.recognizers import RecognizerGCN
from mmaction.registry import MODELS

from ..precision import at_least_float32
from .checks import (
    channels_of,
    check_channels,
    check_clips,
    check_features,
    check_neck,
)


@MODELS.register_module()
class RecognizerGCNWithNeck(RecognizerGCN):
    """Calls the neck between encoder and head.

    Source: the toolbox's ``RecognizerGCN``, which builds a neck but never
    calls it. The arguments are the same. Departs from it in one thing more:
    logits are at least float32, since the toolbox's accuracy goes through
    NumPy, which has no bfloat16.

    Raises:
        ValueError: If there is no neck, or if joints or channels of the parts
            do not fit each other.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if not self.with_neck:
            raise ValueError('RecognizerGCNWithNeck has no neck: give it one, '
                             'or use RecognizerGCN')
        check_neck(self.backbone, self.neck)
        check_channels(self, channels_of(self.backbone))
        self.cls_head.register_forward_hook(
            lambda head, inputs, logits: at_least_float32(logits))

    def extract_feat(self, inputs: torch.Tensor, stage: str = 'neck',
                     **kwargs) -> Tuple:
        """Extracts features at a stage.

        Args:
            inputs (Tensor): (B, num_clips, M, T, V, C).
            stage (str): ``'backbone'``, ``'neck'`` or ``'head'``. Defaults to
                ``'neck'``, which training and prediction classify.

        Returns:
            tuple: What the stage gives, and no arguments for the head.

        Raises:
            ValueError: If the stage is another one, or if clips, encoder and
                neck do not fit.
        """
        if stage not in ('backbone', 'neck', 'head'):
            raise ValueError("stage must be 'backbone', 'neck' or 'head', not "
                             f'{stage!r}')
        check_clips(self.backbone, inputs)
        features, head_kwargs = super().extract_feat(inputs)
        check_features(self.backbone, inputs.flatten(0, 1), features)
        check_channels(self, features.size(2))
        if stage != 'backbone':
            features = self.neck(features)
        if stage == 'head':
            features = self.cls_head(features)
        return features, head_kwargs
