"""Layer-wise learning rates: the group of every parameter."""
import re

import pytest
from mmaction.registry import MODELS
from mmengine.optim import build_optim_wrapper
from torch import nn

from psp_plugin.errors import InputError

DEPTH, RATE, DECAY = 3, 1e-3, 0.05
ENCODER = dict(type='SkeletonTransformer', layout='nwucla', num_frames=4,
               frames_per_token=2, embed_dims=8, depth=DEPTH, num_heads=2,
               mlp_ratio=2)
PRETRAINING = dict(
    type='HACMPretrainer', backbone=ENCODER,
    masking=dict(type='CrossMasking', embed_dims=8),
    decoder=dict(type='MaskedMotionDecoder', embed_dims=8, depth=1,
                 num_heads=2, mlp_ratio=2))
FINE_TUNING = dict(
    type='RecognizerGCN', backbone=ENCODER,
    cls_head=dict(type='JointMLPHead', num_classes=3, in_channels=8,
                  num_joints=13, hidden_channels=4))
LINEAR = dict(FINE_TUNING, backbone=dict(ENCODER, frozen=True))
MODELS_OF = dict(pretraining=PRETRAINING, fine_tuning=FINE_TUNING,
                 linear=LINEAR)


def wrapper_of(model, paramwise_cfg=None, **optimizer):
    return build_optim_wrapper(model, dict(
        type='OptimWrapper', constructor='LayerDecayConstructor',
        optimizer=dict(dict(type='AdamW', lr=RATE, weight_decay=DECAY),
                       **optimizer),
        **(dict(paramwise_cfg=paramwise_cfg) if paramwise_cfg else {})))


def settings(model, wrapper):
    """Rate and weight decay of every parameter that is optimised."""
    names = {value: name for name, value in model.named_parameters()}
    out = {}
    for group in wrapper.optimizer.param_groups:
        for value in group['params']:
            assert names[value] not in out
            out[names[value]] = group['lr'], group['weight_decay']
    return out


def scale_of(name, decay):
    """decay^(depth + 1 - i), written out for a depth of 3."""
    for start, power in (('backbone.patch_embed.', 4),
                         ('backbone.blocks.0.', 3), ('backbone.blocks.1.', 2),
                         ('backbone.blocks.2.', 1)):
        if name.startswith(start):
            return decay**power
    return 1.


@pytest.mark.parametrize('decay', [0.8, 1., None])
@pytest.mark.parametrize('kind', MODELS_OF)
@pytest.mark.parametrize('wrapped', [False, True])
def test_rate_and_weight_decay_of_every_parameter(decay, kind, wrapped):
    """One-dimensional weights do not decay, even without paramwise_cfg."""
    model = MODELS.build(MODELS_OF[kind])
    cfg = decay and dict(layer_decay=decay)
    given = nn.ModuleDict(dict(module=model)) if wrapped else model
    found = settings(model, wrapper_of(given, cfg))
    assert found.keys() == {
        name for name, value in model.named_parameters()
        if value.requires_grad}
    for name, value in model.named_parameters():
        if value.requires_grad:
            rate, weight_decay = found[name]
            assert rate == pytest.approx(RATE * scale_of(name, decay or 1.))
            assert weight_decay == (DECAY if value.dim() > 1 else 0), name


def test_one_group_per_rate_and_weight_decay():
    """One group per pair of rate and weight decay."""
    model = MODELS.build(FINE_TUNING)
    groups = wrapper_of(model, dict(layer_decay=0.8)).optimizer.param_groups
    assert len(groups) == 2 * (DEPTH + 2)
    assert len(wrapper_of(model).optimizer.param_groups) == 2


@pytest.mark.parametrize('paramwise_cfg', [
    dict(layer_decay=0), dict(layer_decay=1.1), dict(layer_decay=-0.5),
    dict(layer_decay=0.8, norm_decay_mult=0.), dict(decay_rate=0.8)])
def test_invalid_paramwise_cfg_raises(paramwise_cfg):
    with pytest.raises(InputError, match='must have only layer_decay, in '
                       r'\(0, 1\], not ' +
                       re.escape(str(paramwise_cfg))):
        wrapper_of(MODELS.build(FINE_TUNING), paramwise_cfg)


@pytest.mark.parametrize('absent', ['lr', 'weight_decay'])
def test_missing_lr_or_weight_decay_raises(absent):
    with pytest.raises(InputError, match='needs lr and weight_decay: set both '
                       'in optimizer'):
        wrapper_of(MODELS.build(FINE_TUNING), **{absent: None})


def test_encoder_without_layers_raises():
    model = MODELS.build(dict(
        type='PSPRecognizer', backbone=dict(
            type='DSTANet', num_joints=20, num_heads=2,
            blocks=[[4, 8, 2, 2]]),
        cls_head=dict(type='TwoStreamHead', num_classes=3, in_channels=8)))
    for cfg in (None, dict(layer_decay=0.8)):
        with pytest.raises(InputError, match='the encoder DSTANet has no '
                           'get_layer_depth, which LayerDecayConstructor '
                           'needs: remove the constructor$'):
            wrapper_of(model, cfg)
