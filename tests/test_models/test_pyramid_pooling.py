"""The pyramid without attention, baseline A2 of the paper."""
import pytest
import torch
from mmaction.registry import MODELS

from psp_plugin.models import PyramidPooling
from psp_plugin.skeletons import get_pyramid


@pytest.mark.parametrize('layout', ['nturgb+d', 'nwucla'])
def test_levels_are_means_of_joints_and_of_parts(layout):
    table = get_pyramid(layout)
    x = torch.randn(2, 2, 4, 3, table.num_joints)
    levels = PyramidPooling(4, layout)(x)
    assert list(levels) == ['body', 'part', 'joint']
    assert levels['joint'] is x
    parts = torch.stack([x[..., list(part)].mean(-1)
                         for part in table.parts], -1)
    bodies = torch.stack([parts[..., list(body)].mean(-1)
                          for body in table.bodies], -1)
    torch.testing.assert_close(levels['part'], parts)
    torch.testing.assert_close(levels['body'], bodies)


def test_body_from_joints():
    x = torch.randn(1, 1, 4, 3, 25)
    levels = PyramidPooling(4, 'nturgb+d', body_from='joint')(x)
    bodies = torch.stack([x[..., list(body)].mean(-1) for body in
                          get_pyramid('nturgb+d').body_joints], -1)
    torch.testing.assert_close(levels['body'], bodies)


def test_no_parameters_and_no_state():
    neck = PyramidPooling(4, 'nturgb+d')
    assert not list(neck.parameters()) and not neck.state_dict()


@pytest.mark.parametrize('shape, message', [
    ((1, 1, 5, 3, 25), 'built for 4 channels .* have 5 and 25'),
    ((1, 1, 4, 3, 20), "25 joints of layout 'nturgb.d', the .* 4 and 20"),
])
def test_other_features_raise(shape, message):
    with pytest.raises(ValueError, match=message):
        PyramidPooling(4, 'nturgb+d')(torch.zeros(shape))


def test_attention_raises():
    model = MODELS.build(dict(
        type='PSPRecognizer',
        backbone=dict(type='DSTANet', blocks=[(8, 8, 2, 2)]),
        neck=dict(type='PyramidPooling', in_channels=8, layout='nturgb+d'),
        projector=dict(type='PooledMLP', in_channels=8),
        loss_con=dict(type='CoarseToFineContrastiveLoss'),
        cls_head=dict(type='TwoStreamHead', num_classes=2, in_channels=8)))
    with pytest.raises(ValueError, match='computes no attention'):
        model.attention(torch.zeros(1, 1, 1, 8, 25, 6))
