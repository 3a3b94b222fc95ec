"""The toolbox's GCN recognizer with a pyramid between encoder and head."""
import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample

from psp_plugin.models import PyramidRefiningNeck

BACKBONE = dict(type='STGCN', base_channels=4, num_stages=2,
                inflate_stages=[2], down_stages=[2],
                graph_cfg=dict(layout='coco', mode='stgcn_spatial'))
NECK = dict(type='PyramidRefiningNeck', in_channels=8, layout='coco')
HEAD = dict(type='GCNHead', num_classes=5, in_channels=8)


def build(**changes):
    torch.manual_seed(0)
    return MODELS.build(dict(dict(
        type='RecognizerGCNWithNeck', backbone=BACKBONE, neck=NECK,
        cls_head=HEAD), **changes))


def test_neck_refines_by_part_and_body():
    """The feature of each joint is the mean of its three levels."""
    torch.manual_seed(0)
    neck = PyramidRefiningNeck(in_channels=8, layout='coco').eval()
    x = torch.randn(2, 1, 8, 3, 17)
    refined = neck(x)
    levels = super(PyramidRefiningNeck, neck).forward(x)
    assert refined.shape == x.shape
    for body, parts in enumerate(neck.pyramid.bodies):
        for part in parts:
            for joint in neck.pyramid.parts[part]:
                expected = (levels['joint'][..., joint] +
                            levels['part'][..., part] +
                            levels['body'][..., body]) / 3
                torch.testing.assert_close(refined[..., joint], expected)


def test_every_parameter_is_trained():
    model = build()
    samples = [ActionDataSample().set_gt_label(i) for i in range(3)]
    losses = model(torch.randn(3, 1, 2, 6, 17, 3), samples, mode='loss')
    losses['loss_cls'].backward()
    assert {name for name, parameter in model.named_parameters()
            if parameter.grad is None} == set()
    silent = {name for name, parameter in model.named_parameters()
              if not parameter.grad.any()}
    assert not any(name.startswith('neck') and 'bias' not in name
                   for name in silent), silent


def test_trains_under_bfloat16():
    """The toolbox computes accuracy with NumPy, which has no bfloat16."""
    samples = [ActionDataSample().set_gt_label(i) for i in range(3)]
    with torch.autocast('cpu', torch.bfloat16):
        losses = build()(torch.randn(3, 1, 2, 6, 17, 3), samples, mode='loss')
    assert losses['loss_cls'].isfinite()


def test_stages_and_prediction():
    model = build().eval()
    inputs = torch.randn(3, 2, 2, 6, 17, 3)
    with torch.no_grad():
        features = model(inputs, mode='tensor')
        refined = model(inputs, stage='neck', mode='tensor')
        logits = model(inputs, stage='head', mode='tensor')
        predicted = model(inputs, [ActionDataSample() for _ in range(3)],
                          mode='predict')
    assert features.shape == refined.shape == (6, 2, 8, 3, 17)
    torch.testing.assert_close(refined, model.neck(features))
    torch.testing.assert_close(logits, model.cls_head(refined))
    scores = logits.view(3, 2, 5).softmax(-1).mean(1)
    for sample, expected in zip(predicted, scores):
        torch.testing.assert_close(sample.pred_score, expected)


@pytest.mark.parametrize('changes, sentence', [
    (dict(neck=None), 'has no neck: set neck, or use RecognizerGCN'),
    (dict(neck=dict(NECK, layout='nturgb+d')),
     "encoder STGCN is built for 17 joints, but the neck has layout "
     r"'nturgb\+d' of 25"),
])
def test_mismatches_raise_at_build_time(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        build(**changes)


def test_wrong_joints_and_stages_raise():
    model = build()
    with pytest.raises(ValueError, match='17 joints, but the clips have 18'):
        model(torch.randn(1, 1, 2, 6, 18, 3), mode='tensor')
    with pytest.raises(ValueError, match="not 'hed'"):
        model(torch.randn(1, 1, 2, 6, 17, 3), stage='hed', mode='tensor')
