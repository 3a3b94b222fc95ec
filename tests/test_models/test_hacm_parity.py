"""HA-CM, value by value against the authors' released implementation."""
import math

import hacm
import pytest
import torch
from mmaction.registry import MODELS
from reference import read, relative

from psp_plugin.models.hyperbolic import poincare_distance

# Values of the reference that are not between input and loss.
OTHER = ('state/', 'grad_norm/', 'head_', 'config/', 'noise/', 'feeder/',
         'fixed/', 'downstream/', 'input/x')
# For distances close to the boundary of the ball, in float32.
LOOSE = {'spatial/distance_pairs': 1e-4, 'spatial/distance_father': 1e-4,
         'spatial/matrix': 1e-4, 'spatial/score': 1e-4,
         'fixed/score_spatial': 1e-4, 'fixed/score_spatial_exact': 1e-4}


@pytest.fixture(scope='module')
def arrays():
    return read('official_hacm')


def close(name, ours, theirs):
    assert ours.shape == theirs.shape, name
    if not theirs.is_floating_point():
        assert torch.equal(ours, theirs), name
    else:
        assert relative(ours, theirs) <= LOOSE.get(name, 1e-5), name


@torch.no_grad()
def test_every_array_of_the_released_chain(arrays):
    model = hacm.build(arrays)
    ours = hacm.released(model, arrays)
    # Values inside a module.
    x = arrays['embed/tokens_euclid']
    even, odd = x[:, 0::2], arrays['embed/tokens_hyper'][:, 1::2]
    ours['temporal/q'] = model.masking.query(even)
    ours['temporal/k'] = model.masking.key(even)
    product = torch.einsum('btvd,buvd->bvtu', ours['temporal/q'],
                           ours['temporal/k']) * math.sqrt(32)
    ours['temporal/matrix'] = product.softmax(1)
    pairs = poincare_distance(odd, odd, 4.)
    root = poincare_distance(arrays['embed/father'][:, 1::2, None], odd, 4.)
    ours['spatial/distance_pairs'] = pairs
    ours['spatial/distance_father'] = root
    summed = torch.cat((pairs, 0.01 * root), 2)  # B, R, 19, V
    ours['spatial/matrix'] = summed.permute(0, 3, 2, 1)
    for name in ('temporal', 'spatial'):
        scaled = arrays[f'{name}/score']
        scaled = scaled / (0.9 * scaled.amax(1, keepdim=True) + 1e-10)
        ours[f'{name}/prob'] = scaled.softmax(1)
    wanted = {key for key in arrays if not key.startswith(OTHER)}
    assert set(ours) == wanted
    for name in sorted(wanted):
        theirs = arrays[name]
        if ours[name].is_floating_point():
            theirs = theirs.float()
        close(name, ours[name], theirs)


def test_gradients_of_the_released_chain(arrays):
    model = hacm.build(arrays)
    hacm.released(model, arrays)['loss/total'].backward()
    parameters = dict(model.named_parameters())
    compared = 0
    for key, norm in arrays.items():
        name = key.startswith('grad_norm/') and hacm.our_name(
            key[len('grad_norm/'):])
        if not name:
            continue
        if torch.isnan(norm):
            assert parameters[name].grad is None
            continue
        assert parameters[name].grad.norm().item() == pytest.approx(
            norm.item(), rel=1e-4, abs=1e-7), name
        compared += 1
    assert compared == sum(p.requires_grad for p in parameters.values())


@pytest.mark.parametrize('skip', [False, True])
@torch.no_grad()
def test_the_repaired_layout(arrays, skip):
    """Values of the recognizer, with the same noise."""
    model = hacm.build(arrays, skip=skip)
    clips = model.sequences(hacm.inputs(arrays))
    valid = arrays['fixed/valid_body'].bool() if skip else torch.ones(
        6, dtype=torch.bool)
    noise = [u[valid] for u in hacm.noise(arrays)]
    tokens = model.backbone.tokenize(clips)
    temporal, spatial = (s.flatten(1) for s in model.masking.scores(tokens))
    groups = model.masking(tokens, noise)
    visible = torch.cat(groups, 1)
    losses = losses_with(model, arrays, noise)
    ours = dict(score_temporal=temporal, score_spatial=spatial,
                ids_keep=visible)
    for name, score, u in (('temporal', temporal, noise[0]),
                           ('spatial', spatial, noise[1])):
        ours[f'key_{name}'] = model.masking.sample.keys(score, u)
    ours['mask'] = torch.ones(len(clips), 144).scatter(1, visible, 0.)
    latent = model.backbone.encode(tokens.euclid.flatten(1, 2).gather(
        1, visible[..., None].expand(-1, -1, 32)))
    ours['latent'] = latent
    ours['pred'] = model.decoder(latent, visible)
    ours['target_normalised'] = model.loss_rec.target(tokens.clips, 144)
    ours['loss_per_token'] = (
        ours['pred'] - ours['target_normalised']).square().mean(2)
    for name, value in ours.items():
        theirs = arrays[f'fixed/{name}'][valid]
        if value.is_floating_point():
            theirs = theirs.float()
        close(f'fixed/{name}', value, theirs)
    end = '_valid' if skip else ''
    contrast = sum(v for k, v in losses.items() if k.startswith('loss_cc'))
    for name, value in (('reconstruction', losses['loss_rec']),
                        ('contrast', contrast),
                        ('total', sum(losses.values()))):
        close(name, value, arrays[f'fixed/loss_{name}{end}'])


def losses_with(model, arrays, noise):
    """Losses of the recognizer with given noise."""
    masking = model.masking.forward
    model.masking.forward = lambda tokens: masking(tokens, noise)
    try:
        return model(hacm.inputs(arrays), mode='loss')
    finally:
        del model.masking.forward


@torch.no_grad()
def test_the_exact_distance(arrays):
    model = hacm.build(arrays, distance_factor=2.)
    tokens = model.backbone.tokenize(model.sequences(hacm.inputs(arrays)))
    name = 'fixed/score_spatial_exact'
    close(name, model.masking.scores(tokens)[1].flatten(1), arrays[name])


@torch.no_grad()
def test_the_encoder_and_heads_downstream(arrays):
    model = hacm.build(arrays).eval()
    x = hacm.inputs(arrays)
    features, _ = model.extract_feat(x)  # N, M, D, P, V
    close('features', features.permute(0, 1, 3, 4, 2),
          arrays['downstream/features'])
    heads = dict(
        linear=dict(type='LinearProbeHead', num_classes=5, in_channels=32),
        finetune=dict(type='JointMLPHead', num_classes=5, in_channels=32,
                      num_joints=18, hidden_channels=16))
    names = {'fc1': 'hidden.0', 'bn': 'hidden.1', 'fc2': 'fc'}
    for kind, cfg in heads.items():
        head = MODELS.build(cfg).eval()
        state = {}
        for key, value in arrays.items():
            part, _, name = key.partition('/')
            if part == f'head_{kind}':
                layer, _, what = name.partition('.')
                state[f'{names.get(layer, layer)}.{what}'] = value
        if kind == 'linear':  # the reference has no batch norm there
            head.norm = torch.nn.Identity()
        head.load_state_dict(state)
        close(kind, head(features), arrays[f'downstream/{kind}_logits'])
