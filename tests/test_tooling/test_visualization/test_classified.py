"""Scores, features and importance of a batch from one pass."""
import copy

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample

from psp_plugin.tooling.visualization import (
    batch_features,
    classify_batch,
    clip_attention,
    clip_importance,
)

CHANNELS = 16
STGCN = dict(
    type='STGCN', graph_cfg=dict(layout='nturgb+d', mode='stgcn_spatial'),
    base_channels=CHANNELS, num_stages=1)
GCN = dict(
    type='RecognizerGCN', backbone=STGCN,
    cls_head=dict(type='GCNHead', num_classes=7, in_channels=CHANNELS,
                  average_clips='prob'),
    data_preprocessor=dict(type='ActionDataPreprocessor'))
PSP = dict(
    type='PSPRecognizer',
    backbone=dict(type='DSTANet', num_joints=25,
                  blocks=[(8, CHANNELS, 2, 2)]),
    neck=dict(type='PyramidPolymerizingAttention', in_channels=CHANNELS,
              layout='nturgb+d'),
    projector=dict(type='PooledMLP', in_channels=CHANNELS),
    loss_con=dict(type='CoarseToFineContrastiveLoss'),
    cls_head=dict(type='TwoStreamHead', num_classes=7, in_channels=CHANNELS,
                  average_clips='prob'))
CASES = dict(
    psp=PSP, teacher=dict(PSP, methods=[dict(type='MeanTeacher')]), gcn=GCN,
    neck=dict(GCN, type='RecognizerGCNWithNeck', neck=dict(
        type='PyramidRefiningNeck', in_channels=CHANNELS,
        layout='nturgb+d')))


def build(name):
    """A model with weights of its own in every part, also in a teacher."""
    torch.manual_seed(0)
    model = MODELS.build(copy.deepcopy(CASES[name]))
    if name == 'teacher':
        model.methods[0].teacher.update(model.classifier())
    for weights in model.parameters():
        if weights.ndim > 1:
            torch.nn.init.normal_(weights, std=.3)
    return model.eval()


def batch(model, samples=3):
    channels = 3 if type(model).__name__.startswith('RecognizerGCN') else 6
    inputs = torch.randn(samples, 2, 2, 12, 25, channels,
                         generator=torch.Generator().manual_seed(1))
    inputs[1, :, 1] = 0  # an absent person
    return dict(inputs=list(inputs), data_samples=[
        ActionDataSample() for _ in range(samples)])


@pytest.mark.parametrize('name', CASES)
def test_scores_are_those_of_the_test(name):
    model = build(name)
    found = classify_batch(model, batch(model))
    with torch.no_grad():
        tested = model.test_step(batch(model))
    np.testing.assert_array_equal(
        found.scores, [sample.pred_score.numpy() for sample in tested])
    np.testing.assert_array_equal(
        found.features, batch_features(model, batch(model)).numpy())


@pytest.mark.parametrize('name', ['psp', 'teacher'])
def test_importance_of_a_batch_is_that_of_each_clip(name):
    model = build(name)
    found = classify_batch(model, batch(model))
    assert (found.streams is None) == (name == 'teacher')
    rows = clip_importance(model, found.inputs, found.streams)
    for row, clip in zip(rows, found.inputs):
        np.testing.assert_allclose(
            row, clip_attention(model, clip[None]).importance, rtol=1e-5)


def test_scores_of_sampled_clips_must_be_averaged():
    model = build('psp')
    model.cls_head.average_clips = None
    with pytest.raises(ValueError, match="average_clips to 'prob'"):
        classify_batch(model, batch(model))
