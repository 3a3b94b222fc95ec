"""Mismatched modules raise an error of one sentence at build time."""
import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from torch import nn

from psp_plugin.models.recognizers.checks import channels_of

DSTA = dict(type='DSTANet', num_heads=2, blocks=[[4, 4, 2, 1], [4, 8, 2, 2]])
STGCN = dict(type='STGCN', base_channels=4, num_stages=2, inflate_stages=[2],
             down_stages=[2], graph_cfg=dict(layout='nturgb+d',
                                             mode='stgcn_spatial'))
STGCNPP = dict(STGCN, gcn_adaptive='init', gcn_with_res=True,
               graph_cfg=dict(layout='nturgb+d', mode='spatial'))
AAGCN = dict(STGCN, type='AAGCN',
             graph_cfg=dict(layout='nturgb+d', mode='spatial'))
ENCODERS = dict(dsta=DSTA, stgcn=STGCN, stgcnpp=STGCNPP, aagcn=AAGCN)


@MODELS.register_module()
class SilentEncoder(nn.Module):
    """A custom encoder without ``out_channels``."""

    def forward(self, x):
        x = nn.functional.pad(x.mean(2), (0, 1))  # (N, M, V, 4)
        return x.transpose(2, 3).unsqueeze(3)


def build(backbone=DSTA, **widths):
    """Builds a recognizer of 8 channels, except those in the arguments."""
    neck, projector, head = (widths.get(name, 8) for name in (
        'neck', 'projector', 'cls_head'))
    return MODELS.build(dict(
        type='PSPRecognizer', backbone=backbone,
        neck=dict(type='PyramidPolymerizingAttention', in_channels=neck,
                  layout='nturgb+d', num_heads=2),
        projector=dict(type='PooledMLP', in_channels=projector),
        loss_con=dict(type='CoarseToFineContrastiveLoss'),
        cls_head=dict(type='TwoStreamHead', num_classes=3,
                      in_channels=head)))


@pytest.mark.parametrize('name', ENCODERS)
def test_channels_of_encoders(name):
    encoder = MODELS.build(ENCODERS[name])
    clips = torch.randn(2, 2, 8, 25, 3)
    assert channels_of(encoder) == encoder(clips).size(2) == 8


@pytest.mark.parametrize('name', ENCODERS)
@pytest.mark.parametrize('part', ['neck', 'projector', 'cls_head'])
def test_wrong_channels_raise_at_build_time(name, part):
    kind = ENCODERS[name]['type']
    build(ENCODERS[name])
    with pytest.raises(ValueError, match=(
            f'the encoder {kind} returns 8 channels, but {part} is built for '
            rf'16: set {part}=dict\(in_channels=8\)')):
        build(ENCODERS[name], **{part: 16})


def test_gcn_with_neck():
    with pytest.raises(ValueError, match='returns 8 channels, but cls_head is '
                                         'built for 16: set cls_head'):
        MODELS.build(dict(
            type='RecognizerGCNWithNeck', backbone=STGCN,
            neck=dict(type='PyramidRefiningNeck', in_channels=8,
                      layout='nturgb+d'),
            cls_head=dict(type='GCNHead', num_classes=3, in_channels=16)))


def test_encoder_without_out_channels():
    """Modules must agree at build time, and with the encoder's first batch."""
    with pytest.raises(ValueError, match='neck is built for 8 channels, but '
                                         'projector is built for 16'):
        build(dict(type='SilentEncoder'), projector=16)
    model = build(dict(type='SilentEncoder'))
    assert channels_of(model.backbone) is None
    clips = torch.randn(2, 1, 2, 8, 25, 6)
    samples = [ActionDataSample().set_gt_label(0)] * 2
    with pytest.raises(ValueError, match='the encoder SilentEncoder returns 4 '
                                         'channels, but neck is built for 8'):
        model.loss(dict(labeled=clips, unlabeled=clips),
                   dict(labeled=samples, unlabeled=samples))
