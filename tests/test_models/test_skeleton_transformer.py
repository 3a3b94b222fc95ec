"""The transformer encoder: tokens, attention, recognizers and checkpoints."""
import copy
import math
import re

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.runner import Runner, load_checkpoint
from torch import nn
from torch.testing import assert_close

from psp_plugin.commands.loading import load_model
from psp_plugin.errors import InputError
from psp_plugin.models.backbones import SkeletonTransformer
from psp_plugin.models.backbones.encoder_weights import resize_time_code
from psp_plugin.models.backbones.transformer_block import TransformerBlock
from psp_plugin.models.hyperbolic import exponential_map

FRAMES, LENGTH, CHANNELS, DEPTH = 6, 2, 8, 3
SMALL = dict(num_frames=FRAMES, frames_per_token=LENGTH, embed_dims=CHANNELS,
             depth=DEPTH, num_heads=2, mlp_ratio=2)
EXACT = dict(rtol=0, atol=1e-12)


def table(joints, inner=()):
    """A custom layout of two parts and one body."""
    return dict(parts=[range(joints // 2), range(joints // 2, joints)],
                bodies=[[0, 1]], inner=inner)


# Layout, number of joints, number of inner joints.
LAYOUTS = {
    'nturgb+d': (25, (0, 1, 4, 8, 12, 16, 20)),
    'nwucla': (20, (0, 1, 2, 4, 8, 12, 16)),
    'coco': (17, (5, 6, 11, 12)),
    '13 joints': (13, ()),
    '33 joints': (33, (32, 11, 12)),
}


def layout_of(name):
    joints, inner = LAYOUTS[name]
    return table(joints, inner) if 'joints' in name else name


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def build(layout='nwucla', double=True, **kwargs):
    net = MODELS.build(dict(type='SkeletonTransformer', layout=layout,
                            **dict(SMALL, **kwargs)))
    net.init_weights()
    return net.double() if double else net


def clips(n=2, m=2, joints=20, channels=3, dtype=torch.float64):
    return torch.randn(n, m, FRAMES, joints, channels,
                       dtype=torch.float64).to(dtype)


# Tokens

@pytest.mark.parametrize('tokens', ['all', 'outer'])
@pytest.mark.parametrize('name', LAYOUTS)
def test_any_layout(name, tokens):
    joints, inner = LAYOUTS[name]
    net = build(layout_of(name), tokens=tokens)
    kept = [v for v in range(joints) if tokens == 'all' or v not in inner]
    assert list(net.token_joints) == kept
    out = net(clips(joints=joints))
    assert out.shape == (2, 2, CHANNELS, FRAMES // LENGTH, len(kept))
    assert net.out_channels == CHANNELS and net.num_joints == joints


def slow_patch(conv, x, p, v):
    """One token of (T, V, C), without position embeddings."""
    out = conv.bias.detach().numpy().copy()
    weight = conv.weight.detach().numpy()[..., 0]  # D, C, p
    for d, c, t in np.ndindex(*weight.shape):
        out[d] += weight[d, c, t] * x[p * LENGTH + t, v, c]
    return out


@pytest.mark.parametrize('name, tokens', [
    ('nwucla', 'outer'), ('nwucla', 'all'), ('13 joints', 'outer'),
    ('33 joints', 'outer')])
def test_tokens_equal_loops(name, tokens):
    """The root: mean in the ball, without codes, over the inner joints; over
    all of a layout that has none."""
    joints, inner = LAYOUTS[name]
    net = build(layout_of(name), tokens=tokens)
    x = clips(2, 1, joints)[:, 0]
    made = net.tokenize(x)
    embed, conv = net.patch_embed, net.patch_embed.conv
    assert_close(made.clips, x[:, :, list(net.token_joints)], **EXACT)
    assert made.euclid.shape == (2, 3, len(net.token_joints), CHANNELS)
    for b, p, i in ((0, 0, 0), (1, 2, 4), (0, 1, len(net.token_joints) - 1)):
        v = net.token_joints[i]
        expected = torch.from_numpy(slow_patch(conv, x[b].numpy(), p, v))
        expected = (expected + embed.time_code[0, p, 0] +
                    embed.joint_code[0, 0, i])
        assert_close(made.euclid[b, p, i], expected, **EXACT)
    points = [exponential_map(torch.from_numpy(
        slow_patch(conv, x[1].numpy(), 2, v)))
        for v in inner or range(joints)]
    assert_close(made.root[1, 2], sum(points) / len(points), **EXACT)
    assert made.euclid.requires_grad and not made.root.requires_grad


@pytest.mark.parametrize('hyperbolic', [True, False])
def test_every_feature_belongs_to_its_token(hyperbolic, monkeypatch):
    """The feature at (n, m, :, p, v) is that of token p V + v."""
    net = build(hyperbolic=hyperbolic)
    for block in net.blocks:
        monkeypatch.setattr(block, 'forward', lambda x: x)
    x = clips()
    out = net(x)
    for n, m, p, v in np.ndindex(2, 2, 3, 13):
        token = net.embed(x[n, m:m + 1])[0, p, v]
        token = exponential_map(token) if hyperbolic else token
        assert_close(out[n, m, :, p, v], net.norm(token), **EXACT)


def test_persons_and_clips_do_not_mix():
    net, x = build(), clips(3)
    out = net(x)
    changed = x.clone()
    changed[1, 1] += 1
    moved = (net(changed) - out).abs().amax((2, 3, 4))
    assert moved[1, 1] > 1e-3
    moved[1, 1] = 0
    assert moved.max() < 1e-12


def test_subset_of_tokens():
    """As in pre-training; the order does not matter."""
    net, tokens = build(), torch.randn(2, 9, CHANNELS, dtype=torch.float64)
    out = net.encode(tokens)
    assert_close(net.encode(tokens.flip(1)), out.flip(1))
    assert (net.encode(tokens[:, :5]) - out[:, :5]).abs().max() > 1e-4


# Attention

def test_fused_attention_equals_plain_attention():
    x, results = clips(), []
    plain, fused = (build(fused=flag) for flag in (False, True))
    fused.load_state_dict(plain.state_dict())
    for net in (plain, fused):
        out = net(x)
        out.square().sum().backward()
        results.append([out, *(p.grad for p in net.parameters())])
    assert not torch.equal(results[0][0], results[1][0])  # or it is one code
    assert_close(*results)


@pytest.mark.parametrize('block', [0, 1, -1])
@pytest.mark.parametrize('hyperbolic', [True, False])
def test_attention_equals_that_of_the_encoder(block, hyperbolic):
    net, x = build(hyperbolic=hyperbolic), clips()
    for chosen in net.blocks:  # of this little data all rows are uniform
        nn.init.normal_(chosen.attn.qkv.weight)
    seen = []
    attn = net.blocks[block].attn
    attn.register_forward_hook(lambda *args: seen.append(args[1:]))
    net(x)
    (given, ), out = seen[0]
    attention = net.attention(x, block)
    assert attention.shape == (2, 2, 2, 39, 39)
    assert_close(attention.sum(-1), torch.ones(2, 2, 2, 39).double())
    assert attention.max() > 0.5 and attention.min() >= 0
    # For heads 0 and 1, queries are rows 0 to 7, keys 8 to 15, values 16 on.
    qkv = given @ attn.qkv.weight.t() + attn.qkv.bias
    value = qkv[..., 16:].unflatten(2, (2, 4)).transpose(1, 2)
    attended = (attention.flatten(0, 1) @ value).transpose(1, 2).flatten(2)
    assert_close(attn.proj(attended), out)
    row = torch.stack([qkv[0, 5, 4:8] @ qkv[0, j, 12:16] / 2
                       for j in range(39)]).softmax(0)
    assert_close(attention[0, 0, 1, 5], row)


# Training

@pytest.mark.parametrize('hyperbolic', [True, False])
def test_every_parameter_gets_a_gradient(hyperbolic):
    net = build(hyperbolic=hyperbolic)
    net(clips()).square().sum().backward()
    weight = torch.randn(CHANNELS, dtype=torch.float64)
    (net(clips()) * weight[:, None, None]).sum().backward()
    for name, value in net.named_parameters():
        assert value.grad.abs().max() > 1e-9, name


def test_autocast_to_bfloat16():
    net, x = build(double=False), clips(dtype=torch.float32)
    with torch.autocast('cpu', torch.bfloat16):
        made = net.tokenize(x[:, 0])
        out = net(x)
    assert made.euclid.dtype == made.root.dtype == torch.float32
    assert_close(out.float(), net(x), rtol=0.1, atol=0.1)
    (out.float()**3).sum().backward()
    for name, value in net.named_parameters():
        assert value.grad.isfinite().all() and value.grad.any(), name


def test_drop_path_only_in_training():
    plain, net = build(), build(drop_path_rate=0.3)
    net.load_state_dict(plain.state_dict())
    x = clips(8)
    assert torch.equal(net.eval()(x), plain.eval()(x))
    assert torch.equal(plain.train()(x), plain.eval()(x))
    out = net.train()(x)
    assert (out - plain(x)).abs().max() > 1e-3
    assert not torch.equal(net(x), out)


def test_drop_path_in_both_branches():
    """With a rate close to 1, a block is the identity in training."""
    block = TransformerBlock(CHANNELS, 2, mlp_ratio=2, drop_path=0.9999)
    x = torch.randn(3, 5, CHANNELS)
    assert torch.equal(block(x), x)
    y = x + block.eval().attn(block.norm1(x))
    assert_close(block(x), y + block.mlp(block.norm2(y)))


def test_drop_path_grows_from_zero():
    net = build(drop_path_rate=0.3)
    rates = [getattr(block.drop_path, 'drop_prob', 0) for block in net.blocks]
    assert rates == pytest.approx([0, 0.15, 0.3])


def test_frozen_encoder_does_not_change():
    """After building and in training; the head is trained."""
    net, x = build(frozen=True, drop_path_rate=0.9), clips()
    plain = build().eval()
    plain.load_state_dict(net.state_dict())
    for _ in range(2):
        assert not any(module.training for module in net.modules())
        out = net(x)
        assert torch.equal(out, plain(x)) and not out.requires_grad
        net.train()
    assert not any(p.requires_grad for p in net.parameters())
    model = recognizer(backbone=dict(frozen=True)).train()
    assert not model.backbone.training and model.cls_head.training


def test_initial_weights():
    net = build(embed_dims=64, double=False)
    for name, module in net.named_modules():
        if isinstance(module, nn.Linear):
            limit = math.sqrt(6 / sum(module.weight.shape))
            assert 0.9 * limit < module.weight.abs().max() <= limit, name
            assert not module.bias.any()
    for code in (net.patch_embed.joint_code, net.patch_embed.time_code):
        assert code.std().item() == pytest.approx(0.02, rel=0.3)


# In recognizers

def recognizer(kind='RecognizerGCN', backbone=dict(), **parts):
    encoder = dict(type='SkeletonTransformer', layout='nwucla',
                   **dict(SMALL, **backbone))
    head = dict(type='GCNHead', num_classes=5, in_channels=CHANNELS)
    return MODELS.build(dict(dict(type=kind, backbone=encoder, cls_head=head),
                             **parts))


NECK = dict(type='PyramidRefiningNeck', in_channels=CHANNELS, layout='nwucla')
CONTRAST = dict(
    neck=dict(type='PyramidPolymerizingAttention', in_channels=CHANNELS,
              layout='nwucla', num_heads=2),
    projector=dict(type='PooledMLP', in_channels=CHANNELS),
    loss_con=dict(type='CoarseToFineContrastiveLoss'),
    cls_head=dict(type='TwoStreamHead', num_classes=5, in_channels=CHANNELS))
# Recognizer, its modules, tokens, and streams in the channels.
CASES = {
    'GCN, outer': ('RecognizerGCN', {}, 'outer', 1),
    'GCN, all': ('RecognizerGCN', {}, 'all', 1),
    'neck': ('RecognizerGCNWithNeck', dict(neck=NECK), 'all', 1),
    'PSP': ('PSPRecognizer', CONTRAST, 'all', 2),
    'supervised PSP': ('PSPRecognizer', dict(cls_head=CONTRAST['cls_head']),
                       'outer', 2),
}


@pytest.mark.parametrize('case', CASES)
def test_trains_and_predicts_in_a_recognizer(case):
    kind, parts, tokens, streams = CASES[case]
    model = recognizer(kind, dict(tokens=tokens), **parts)
    model.init_weights()
    x = clips(3, channels=3 * streams, dtype=torch.float32)[:, None]
    samples = [ActionDataSample().set_gt_label(i) for i in range(3)]
    inputs = (dict(labeled=x, unlabeled=x + 1), dict(
        labeled=samples, unlabeled=samples)) if case == 'PSP' else (x, samples)
    losses = model(*inputs, mode='loss')
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    for name, value in model.named_parameters():
        assert value.grad is not None and value.grad.isfinite().all(), name
    assert all(p.grad.any() for p in model.backbone.parameters())
    scores = [sample.pred_score for sample in model.eval()(
        x, samples, mode='predict')]
    assert torch.stack(scores).shape == (3, 5)


@pytest.mark.parametrize('kind, parts', [
    ('PSPRecognizer', CONTRAST), ('RecognizerGCNWithNeck', dict(neck=NECK))])
def test_pyramid_without_all_joints_raises(kind, parts):
    with pytest.raises(ValueError, match=re.escape(
            'the encoder SkeletonTransformer leaves 7 of 20 joints out, but '
            "the neck needs all: set backbone=dict(tokens='all')")):
        recognizer(kind, **parts)
    with pytest.raises(ValueError, match='the encoder SkeletonTransformer is '
                       "built for 20 joints, but the neck has layout 'coco'"):
        parts = dict(parts, neck=dict(parts['neck'], layout='coco'))
        recognizer(kind, dict(tokens='all'), **parts)


# Checkpoints

CHANGES = {  # a mismatch of the checkpoint, and its error message
    'missing': (lambda state: state.pop('backbone.norm.bias'),
                "it lacks 1 of 42 weights, such as 'backbone.norm.bias'"),
    'of another depth': (
        lambda state: [state.pop(key) for key in list(state)
                       if '.blocks.2.' in key],
        "lacks 12 of 42 weights, such as 'backbone.blocks.2."),
    'other joints': (
        lambda state: state.update({'backbone.patch_embed.joint_code':
                                    torch.zeros(1, 1, 20, CHANNELS)}),
        "'backbone.patch_embed.joint_code' has shape (1, 1, 20, 8), not "
        '(1, 1, 13, 8)'),
    'other channels': (
        lambda state: state.update({'backbone.patch_embed.time_code':
                                    torch.zeros(1, 5, 1, 4)}),
        "'backbone.patch_embed.time_code' has shape (1, 3, 1, 4), not "
        '(1, 3, 1, 8)'),
    'all missing': (lambda state: [state.pop(key) for key in list(state)
                                   if key.startswith('backbone')],
                    'lacks 42 of 42 weights'),
}


def changed_state(change):
    state = recognizer().state_dict()
    CHANGES[change][0](state)
    return state, CHANGES[change][1]


@pytest.mark.parametrize('change', CHANGES)
def test_mismatched_weights_raise(change, tmp_path):
    """In every way of loading them."""
    state, sentence = changed_state(change)
    model, path = recognizer(), str(tmp_path / 'other.pth')
    before = copy.deepcopy(model.state_dict())
    torch.save(dict(state_dict=state), path)
    match = 'does not fit this SkeletonTransformer: .*' + re.escape(sentence)
    for strict in (True, False):
        with pytest.raises(InputError, match=match):
            model.load_state_dict(state, strict=strict)
    with pytest.raises(InputError, match=match):  # the runner's load_from
        load_checkpoint(model, path)
    assert all(map(torch.equal, model.state_dict().values(), before.values()))
    pretrained = dict(type='Pretrained', checkpoint=path, prefix='backbone.')
    with pytest.raises((InputError, AssertionError)) as caught:
        recognizer(backbone=dict(init_cfg=pretrained)).init_weights()
    if change == 'all missing':
        assert 'not in the pretrained model' in str(caught.value)
    else:
        assert re.search(re.escape(sentence.replace('backbone.', '')),
                         str(caught.value))
    with pytest.raises(ValueError, match='other.pth does not fit the config'):
        load_model(Config(dict(model=dict(
            type='RecognizerGCN',
            backbone=dict(type='SkeletonTransformer', layout='nwucla',
                          **SMALL),
            cls_head=dict(type='GCNHead', num_classes=5,
                          in_channels=CHANNELS)))), path,
                   torch.device('cpu'))


def test_mismatched_weights_of_a_copy_raise():
    """Such as the copy of EMAHook."""
    state, _ = changed_state('missing')
    model = copy.deepcopy(recognizer())
    with pytest.raises(InputError, match='does not fit'):
        model.load_state_dict(state, strict=False)


def test_load_from_of_the_runner(tmp_path):
    state, sentence = changed_state('other joints')
    torch.save(dict(state_dict=state), tmp_path / 'other.pth')
    model = recognizer()
    runner = Runner(model, str(tmp_path), load_from=str(
        tmp_path / 'other.pth'), experiment_name='load_from',
        default_scope='mmaction',
        cfg=Config(dict(env_cfg=dict(), log_level='ERROR')))
    with pytest.raises(InputError, match=re.escape(sentence)):
        runner.load_or_resume()


@pytest.mark.parametrize('patches', [1, 2, 3, 5, 12])
def test_time_embedding_is_interpolated(patches):
    """Half-pixel convention: ends are kept, and lines stay linear between."""
    code = torch.randn(1, 3, 1, CHANNELS, dtype=torch.float64)
    out = resize_time_code(code, patches)
    assert out.shape == (1, patches, 1, CHANNELS)
    for p in range(patches):
        place = min(max((p + 0.5) * 3 / patches - 0.5, 0), 2)
        low = min(int(place), 1)
        expected = (code[0, low, 0] * (low + 1 - place) +
                    code[0, low + 1, 0] * (place - low))
        assert_close(out[0, p, 0], expected)
    if patches == 3:
        assert_close(out, code, rtol=0, atol=0)


@pytest.mark.parametrize('how', ['strict', 'mmengine', 'pretrained'])
def test_checkpoint_of_other_frames(how, tmp_path):
    source, path = recognizer(), str(tmp_path / 'pretrained.pth')
    state = source.state_dict()
    copies = copy.deepcopy(state)
    torch.save(dict(state_dict=state), path)
    init_cfg = dict(type='Pretrained', checkpoint=path, prefix='backbone.')
    model = recognizer(backbone=dict(
        num_frames=10, **(dict(init_cfg=init_cfg) if how == 'pretrained'
                          else {})))
    if how == 'strict':
        model.load_state_dict(state)
    elif how == 'mmengine':
        load_checkpoint(model, path)
    else:
        model.init_weights()
    loaded = model.backbone.state_dict()
    for name, value in source.backbone.state_dict().items():
        if name == 'patch_embed.time_code':
            value = resize_time_code(value, 5)
        assert torch.equal(loaded[name], value), name
    # The caller's weights do not change.
    assert all(map(torch.equal, state.values(), copies.values()))
    assert model.backbone(clips(dtype=torch.float32).repeat(
        1, 1, 2, 1, 1)[:, :, :10]).shape[3] == 5


# Layers

def test_layer_of_every_parameter():
    net = build()
    layers = {name: net.get_layer_depth(name)
              for name, _ in net.named_parameters()}
    assert {count for _, count in layers.values()} == {DEPTH + 2}
    for name, (layer, _) in layers.items():
        first, _, rest = name.partition('.')
        assert layer == {'patch_embed': 0, 'norm': 4}.get(
            first, first == 'blocks' and int(rest[0]) + 1), name
    assert {layer for layer, _ in layers.values()} == set(range(DEPTH + 2))


# Errors

@pytest.mark.parametrize('shape, sentence', [
    ((1, 1, 8, 20, 3), 'built for 6 frames, the clips have 8: set num_frames'),
    ((1, 1, 6, 25, 3), 'built for 20 joints, the clips have 25: set layout'),
    ((1, 1, 6, 20, 2), 'for 3 coordinates, the clips have 2: set in_channels'),
])
def test_invalid_clips_raise(shape, sentence):
    for method in ('forward', 'attention'):
        with pytest.raises(InputError, match=sentence):
            getattr(build(), method)(torch.randn(shape, dtype=torch.float64))


@pytest.mark.parametrize('kwargs, sentence', [
    (dict(tokens='inner'), "tokens must be 'outer' or 'all', not 'inner'"),
    (dict(num_frames=7), 'num_frames=7 is not a multiple of '
     'frames_per_token=2'),
    (dict(num_frames=0), 'num_frames=0 is not'),
    (dict(frames_per_token=0), 'frames_per_token=0'),
    (dict(depth=0), 'depth=0 or in_channels=3 is not positive'),
    (dict(num_heads=3), 'num_heads=3 does not divide embed_dims=8'),
    (dict(num_heads=0), 'num_heads=0 does not divide embed_dims=8'),
])
def test_invalid_arguments_raise(kwargs, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        SkeletonTransformer('nwucla', **dict(SMALL, **kwargs))
