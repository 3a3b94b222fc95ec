"""Masked pre-training: losses, gradients, persons, layouts and errors."""
import itertools
import re

import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.optim import OptimWrapper
from test_psp_recognizer import Secret
from torch.testing import assert_close

from psp_plugin.errors import InputError

FRAMES, JOINTS, CHANNELS = 6, 20, 8
ENCODER = dict(type='SkeletonTransformer', layout='nwucla', num_frames=FRAMES,
               frames_per_token=2, embed_dims=CHANNELS, depth=2, num_heads=2,
               mlp_ratio=2)
DECODER = dict(type='MaskedMotionDecoder', embed_dims=12, depth=1,
               num_heads=2, mlp_ratio=2)
HACM = dict(masking=dict(type='CrossMasking', embed_dims=CHANNELS),
            loss_cc=dict(type='CrossContrastLoss'))
MAMP = dict(masking=dict(type='MotionAwareMasking'),
            loss_rec=dict(type='MaskedMotionLoss', hyperbolic=False))
METHODS = {'hacm': HACM, 'mamp': MAMP}
CONTRASTS = {'loss_cc_spatial_global', 'loss_cc_temporal_global',
             'loss_cc_temporal_spatial'}
LOSSES = {'hacm': {'loss_rec'} | CONTRASTS, 'mamp': {'loss_rec'}}
BOTH = pytest.mark.parametrize('method', METHODS)
INNER = {13: (), 17: (5, 6, 11, 12), 20: (0, 1), 25: (0, ), 33: range(11, 25)}


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def build(method='hacm', backbone=dict(), **kwargs):
    encoder = dict(dict(ENCODER, hyperbolic=method == 'hacm'), **backbone)
    model = MODELS.build(dict(dict(
        METHODS[method], type='HACMPretrainer', backbone=encoder,
        decoder=DECODER), **kwargs))
    model.init_weights()
    return model


def clips(n=4, num_clips=1, persons=2, frames=FRAMES, joints=JOINTS,
          channels=3, dtype=torch.float64):
    return torch.randn(n, num_clips, persons, frames, joints, channels,
                       dtype=torch.float64).to(dtype)


def losses_of(model, x):
    return model(x, [Secret() for _ in x], mode='loss')


def check_losses(losses, method):
    assert set(losses) == LOSSES[method]
    for loss in losses.values():
        assert loss.dim() == 0 and loss.isfinite()


def draw_by_content(model, monkeypatch):
    """Makes the noise of a sequence a function of the sequence only."""
    masking = model.masking.forward

    def mask(tokens):
        def draw(clip, length):
            torch.manual_seed(int(clip[0, 0, 0] * 1e6) % 2**31)
            return torch.rand(length, dtype=torch.float64)

        _, patches, joints = tokens.euclid.shape[:3]
        rows = ([patches - patches // 2, patches // 2]
                if model.loss_cc else [patches])
        return masking(tokens, [
            torch.stack([draw(clip, r * joints) for clip in tokens.clips])
            for r in rows])

    monkeypatch.setattr(model.masking, 'forward', mask)


# The step

@BOTH
@pytest.mark.parametrize('num_clips', [1, 2])
def test_losses_do_not_depend_on_labels(method, num_clips):
    model = build(method).double()
    check_losses(losses_of(model, clips(3, num_clips)), method)
    check_losses(model(clips(3, num_clips), mode='loss'), method)


@BOTH
def test_losses_equal_those_of_the_modules(method):
    """The groups' visible tokens are in order; masked ones are restored."""
    model, x = build(method).double(), clips()
    torch.manual_seed(3)
    losses = losses_of(model, x)
    torch.manual_seed(3)
    tokens = model.backbone.tokenize(x.flatten(0, 2))
    groups = model.masking(tokens)
    seen = [torch.stack([tokens.euclid[b].flatten(0, 1)[place]
                         for b, place in enumerate(group)])
            for group in groups]
    latent = model.backbone.encode(torch.cat(seen, 1))
    visible = torch.cat(groups, 1)
    expected = model.loss_rec(model.decoder(latent, visible), tokens.clips,
                              visible)
    if method == 'hacm':
        assert [g.size(1) for g in groups] == [2, 1]  # of 2 and 1 patches
        expected.update(model.loss_cc((latent[:, :2], latent[:, 2:])))
    assert losses.keys() == expected.keys()
    for name, value in expected.items():
        assert_close(losses[name], value)


@BOTH
@pytest.mark.parametrize('fused', [True, False])
def test_every_trainable_parameter_gets_a_gradient(method, fused):
    """All parameters except the masking's projections are trainable."""
    model = build(method, dict(fused=fused),
                  decoder=dict(DECODER, fused=fused)).double()
    sum(losses_of(model, clips(6)).values()).backward()
    for name, value in model.named_parameters():
        if name.startswith('masking.'):
            assert not value.requires_grad and value.grad is None
        else:
            assert value.grad.abs().max() > 1e-9, name
    named = {name.split('.')[1] for name, _ in model.named_parameters()
             if name.startswith('masking.')}
    assert named == ({'query', 'key'} if method == 'hacm' else set())


@BOTH
def test_bfloat16(method):
    model, x = build(method), clips(dtype=torch.float32)
    with torch.autocast('cpu', torch.bfloat16):
        losses = losses_of(model, x)
    check_losses(losses, method)
    assert all(loss.dtype == torch.float32 for loss in losses.values())
    sum(losses.values()).backward()
    for name, value in model.named_parameters():
        if value.requires_grad:
            assert value.grad.isfinite().all() and value.grad.any(), name


@BOTH
def test_train_steps_lower_the_loss(method, monkeypatch):
    """From lists of clips, by the sum of the losses; all modules change."""
    model = build(method)
    draw_by_content(model, monkeypatch)
    batch = dict(inputs=list(clips(dtype=torch.float32)),
                 data_samples=[ActionDataSample() for _ in range(4)])
    optimizer = OptimWrapper(torch.optim.Adam(model.parameters(), 3e-3))
    before = {k: v.clone() for k, v in model.state_dict().items()}
    logs = [model.train_step(batch, optimizer) for _ in range(30)]
    assert set(logs[0]) == LOSSES[method] | {'loss'}
    assert_close(logs[0]['loss'], sum(logs[0][k] for k in LOSSES[method]))
    assert logs[-1]['loss'] < 0.95 * logs[0]['loss']
    for name, value in model.state_dict().items():
        moved = not torch.equal(value, before[name])
        assert moved is not name.startswith('masking.'), name


@BOTH
def test_masks_differ_between_steps(method):
    model, x = build(method).double(), clips()
    assert losses_of(model, x)['loss_rec'] != losses_of(model, x)['loss_rec']


# Persons

@BOTH
def test_order_of_persons_and_clips_changes_nothing(method, monkeypatch):
    model, x = build(method).double(), clips(3, 2)
    draw_by_content(model, monkeypatch)
    losses = losses_of(model, x)
    for other in (x.flip(2), x[[2, 0, 1]], x.flip(1)):
        assert_close(losses_of(model, other), losses)
    changed = x.clone()
    changed[0, 0, 1] += torch.randn_like(changed[0, 0, 1])
    assert abs(losses_of(model, changed)['loss_rec'] -
               losses['loss_rec']) > 1e-6


@BOTH
def test_absent_persons_are_left_out(method, monkeypatch):
    """Whether they are last or first, unless skip_absent_persons is False."""
    model, x = build(method).double(), clips(3, persons=3)
    draw_by_content(model, monkeypatch)
    x[:, :, 1:] = 0
    expected = losses_of(model, x[:, :, :1])
    assert_close(losses_of(model, x), expected)
    assert_close(losses_of(model, x.flip(2)), expected)
    model.skip_absent_persons = False
    assert (losses_of(model, x)['loss_rec'] -
            expected['loss_rec']).abs() > 1e-6


@pytest.mark.parametrize('skip, count', [(True, 2 + 1 + 1 + 1), (False, 8)])
def test_sequences(skip, count):
    """One non-zero coordinate makes a person present; in a clip without any
    person the first one counts."""
    model = build(skip_absent_persons=skip).double()
    x = clips(4)
    x[1, :, 0] = 0
    x[2] = 0
    x[3] = 0
    x[3, 0, 1, 5, 19, 2] = -1e-3
    sequences = model.sequences(x)
    assert sequences.shape == (count, FRAMES, JOINTS, 3)
    if skip:
        for one, (n, m) in zip(sequences, [(0, 0), (0, 1), (1, 1), (2, 0),
                                           (3, 1)]):
            assert torch.equal(one, x[n, 0, m])
    else:
        assert torch.equal(sequences, x.flatten(0, 2))


@BOTH
@pytest.mark.parametrize('n', [1, 3])
def test_all_persons_empty(method, n):
    model = build(method).double()
    losses = losses_of(model, torch.zeros_like(clips(n)))
    check_losses(losses, method)
    sum(losses.values()).backward()
    assert all(p.grad is None or p.grad.isfinite().all()
               for p in model.parameters())


@BOTH
def test_batch_of_one(method):
    """A single sequence has no other to be contrasted with."""
    losses = losses_of(build(method).double(), clips(1, persons=1))
    check_losses(losses, method)
    assert all(losses[key] == 0 for key in CONTRASTS & set(losses))


# Layouts, lengths and coordinates

def own_layout(joints, inner):
    return dict(parts=[[v] for v in range(joints)], bodies=[range(joints)],
                inner=inner)


@BOTH
@pytest.mark.parametrize('joints, tokens', [
    *itertools.product(INNER, ['outer']), (20, 'all')])
def test_any_layout(method, tokens, joints):
    inner = INNER[joints]
    model = build(method, dict(
        layout=own_layout(joints, inner), tokens=tokens)).double()
    kept = joints - (len(inner) if tokens == 'outer' else 0)
    made = model.reconstruct(clips(2, joints=joints))
    assert made.prediction.shape == (4, 3 * kept, 6)
    counts = {'hacm': [kept * 2 // 10, kept // 10], 'mamp': [kept * 3 // 10]}
    assert [g.size(1) for g in made.groups] == counts[method]
    for row in made.visible:
        assert len(set(row.tolist())) == len(row) and row.max() < 3 * kept
    check_losses(losses_of(model, clips(2, joints=joints)), method)


@BOTH
@pytest.mark.parametrize('patches', [1, 2, 3, 5])
def test_any_number_of_patches(method, patches):
    model = build(method, dict(num_frames=2 * patches)).double()
    x = clips(frames=2 * patches)
    if method == 'hacm' and patches == 1:
        with pytest.raises(InputError, match='needs two patches'):
            losses_of(model, x)
    else:
        check_losses(losses_of(model, x), method)


@BOTH
def test_score_of_2d_points_is_not_restored(method):
    """Target and MAMP's masks do not depend on the scores."""
    model = build(method, dict(in_channels=3), coordinates=2).double()
    assert model.decoder.predict.out_features == 4
    x, made = clips(), []
    for _ in range(2):
        check_losses(losses_of(model, x), method)
        torch.manual_seed(7)
        made.append(model.reconstruct(x))
        x[..., 2] = torch.rand_like(x[..., 2])
    tokens = made[0].prediction.size(1)
    targets = [model.loss_rec.target(one.clips, tokens) for one in made]
    assert torch.equal(*targets) and targets[0].size(2) == 4
    assert not torch.equal(made[0].latent, made[1].latent)  # it is encoded
    if method == 'mamp':
        assert torch.equal(made[0].visible, made[1].visible)
    assert build(method, dict(in_channels=2)).coordinates == 2


# Features and errors

@pytest.mark.parametrize('num_clips', [1, 3])
def test_features_equal_those_of_the_encoder(num_clips):
    """Features of all persons and tokens; nothing is masked."""
    model, x = build().double().eval(), clips(2, num_clips)
    x[:, :, 1] = 0
    features = model(x, mode='tensor')
    assert features.shape == (2 * num_clips, 2, CHANNELS, 3, 13)
    assert_close(features, model.backbone(x.flatten(0, 1)))
    with pytest.raises(InputError, match="has a backbone, but no 'head'"):
        model(x, mode='tensor', stage='head')


def test_predict_raises():
    batch = dict(inputs=list(clips(2, dtype=torch.float32)),
                 data_samples=[ActionDataSample() for _ in range(2)])
    for step in (build().test_step, build().val_step):
        with pytest.raises(InputError, match='^HACMPretrainer is pre-trained '
                           'without labels and predicts no class: .*$'):
            step(batch)


@BOTH
@pytest.mark.parametrize('shape, sentence', [
    (dict(frames=8), 'was built for 6 frames, the clips have 8: set '
     'num_frames to that of the data'),
    (dict(joints=25), 'is built for 20 joints, but the clips have 25: set its '
     'joint layout to that of the data'),
    (dict(channels=2), 'was built for 3 coordinates, the clips have 2: set '
     'in_channels to that of the data'),
])
def test_clips_of_other_shapes_raise(method, shape, sentence):
    for mode in ('loss', 'tensor'):
        with pytest.raises(ValueError, match=f'{sentence}$'):
            build(method).double()(clips(**shape), mode=mode)


@pytest.mark.parametrize('kwargs, sentence', [
    (dict(masking=dict(type='CrossMasking')),
     'the encoder gives 8 channels, but masking is built for 256: set '
     'masking=dict(embed_dims=8)'),
    (dict(coordinates=4), "must be from 1 to the encoder's 3, not 4"),
    (dict(coordinates=0), "must be from 1 to the encoder's 3, not 0"),
])
def test_mismatched_modules_raise(kwargs, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        build(**kwargs)


def test_encoder_without_tokens_raises():
    with pytest.raises(InputError, match='DSTANet has no tokens to be '
                       'masked: HACMPretrainer needs a SkeletonTransformer'):
        MODELS.build(dict(
            HACM, type='HACMPretrainer', decoder=DECODER,
            backbone=dict(type='DSTANet', num_joints=20, num_heads=2,
                          blocks=[[4, 8, 2, 2]])))


def test_contrast_without_two_groups_raises():
    model = build('mamp', loss_cc=dict(type='CrossContrastLoss')).double()
    with pytest.raises(InputError, match='compares two groups of tokens, but '
                       'the masking makes 1: use CrossMasking, or set '
                       'loss_cc=None$'):
        losses_of(model, clips())
