"""The toolbox's GCN recognizer with a neck."""
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
    """Recognizer that calls the neck between encoder and head.

    Source: the toolbox's ``RecognizerGCN``, which builds a neck but never
    calls it. The arguments are the same. Also departs from it in the logits,
    which are at least float32, since the toolbox computes accuracy with
    NumPy, which has no bfloat16.

    Raises:
        ValueError: If there is no neck, or if the numbers of joints or
            channels of the modules differ.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        if not self.with_neck:
            raise ValueError('RecognizerGCNWithNeck has no neck: set neck, or '
                             'use RecognizerGCN')
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
                ``'neck'``, whose features are classified in training and
                prediction.

        Returns:
            tuple: The output of the stage, and an empty dict of arguments for
            the head.

        Raises:
            ValueError: If the stage is unknown, or if clips, encoder and neck
                do not fit.
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
