"""Scores and features of a batch from one pass through the encoder.

Shape legend: B sample, N batch (samples x clips), D channel.
"""
from typing import Any, List, NamedTuple, Optional

import numpy as np
import torch
from mmaction.models.recognizers import RecognizerGCN
from torch import nn

from psp_plugin.models import SemiSupervisedRecognizer

from .features import encode_streams, pool_streams


class Classified(NamedTuple):
    """Result of :func:`classify_batch`."""
    inputs: torch.Tensor
    """(B, num_clips, M, T, V, C), on the model's device."""
    streams: Optional[tuple]
    """Encoder features of ``inputs``; None if a teacher predicts, whose
    features are not those of the model."""
    features: np.ndarray
    """(B, D), float32, see :func:`clip_features`."""
    scores: Optional[List[np.ndarray]]
    """(num_classes,) per sample; None for a model without a head."""


def classify_batch(model: nn.Module, batch: dict) -> Classified:
    """Computes scores and features of a batch.

    The scores are those of ``model.test_step``.

    Args:
        model (nn.Module): A toolbox recognizer in eval mode, see
            :func:`clip_features`.
        batch (dict): Collated samples.

    Raises:
        ValueError: If the encoder's features have no joint axis, or if the
            model does not average its scores over sampled clips.
    """
    data = model.data_preprocessor(batch)
    inputs = data['inputs']
    predictor = getattr(model, 'predictor', model)
    scores = None
    with torch.no_grad():
        streams = encode_streams(model, inputs)
        vectors = pool_streams(streams)
        if model.with_cls_head and predicts_from_encoder(model):
            scores = scores_of(predictor.cls_head.predict(
                streams if len(streams) > 1 else streams[0],
                data['data_samples']))
        elif model.with_cls_head:
            scores = scores_of(model.predict(inputs, data['data_samples']))
    vectors = vectors.unflatten(0, inputs.shape[:2]).mean(1).float()
    return Classified(inputs, streams if predictor is model else None,
                      vectors.cpu().numpy(), scores)


def predicts_from_encoder(model: nn.Module) -> bool:
    """Whether the head of a model takes what its encoder returns."""
    return (isinstance(model, SemiSupervisedRecognizer)
            or type(model) is RecognizerGCN)


def scores_of(samples: List[Any]) -> List[np.ndarray]:
    """Returns the scores of predicted data samples, (num_classes,) each.

    Raises:
        ValueError: If they are not averaged over sampled clips.
    """
    scores = [sample.pred_score.cpu().numpy() for sample in samples]
    if scores[0].ndim != 1:
        raise ValueError('the scores of the sampled clips are not averaged: '
                         "set model.cls_head.average_clips to 'prob'")
    return scores
