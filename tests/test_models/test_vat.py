"""VAT against its definition; its passes do not change the model."""
from copy import deepcopy

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmcv.cnn.bricks import DropPath
from torch import nn
from torch.backends import cuda, cudnn
from torch.testing import assert_close

from psp_plugin.errors import InputError
from psp_plugin.models.methods import VAT, vat
from psp_plugin.models.methods.statistics import frozen_statistics
from psp_plugin.models.recognizers.step import Step

CLASSES, JOINTS, FRAMES = 5, 25, 8
ENCODERS = dict(
    dsta=dict(type='DSTANet', num_joints=JOINTS, num_heads=2,
              num_frames=FRAMES, blocks=[[4, 4, 2, 1], [4, 8, 2, 2]]),
    stgcn=dict(type='STGCN', base_channels=4, num_stages=2,
               inflate_stages=[2], down_stages=[2],
               graph_cfg=dict(layout='nturgb+d', mode='stgcn_spatial')))
EACH_ENCODER = pytest.mark.parametrize('encoder', ENCODERS)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


class Secret:
    """Raises an error on any access."""

    def __getattribute__(self, name):
        raise AssertionError(f'.{name} of an unlabelled sample was read')


def build(encoder='stgcn', dropout=0., norm=True, **options):
    """A recognizer whose predictions differ from clip to clip."""
    model = MODELS.build(dict(
        type='SemiSupervisedRecognizer', backbone=ENCODERS[encoder],
        cls_head=dict(type='TwoStreamHead', num_classes=CLASSES,
                      in_channels=8, dropout=dropout),
        stream_norm=dict(type='StreamNorm') if norm else None,
        methods=[dict(type='VAT', **options)]))
    model.init_weights()
    nn.init.normal_(model.cls_head.fc.weight)
    return model.train()


def skeletons(n=4, num_clips=1, channels=3):
    """Clips in metres; in some a person, a frame or a joint is absent."""
    pose = torch.randn(n, num_clips, 2, 1, JOINTS, channels) * 0.4
    joint = pose + 0.03 * torch.randn(
        n, num_clips, 2, FRAMES, JOINTS, channels).cumsum(3)
    joint[0, :, 1] = 0
    joint[1, :, 1, :3] = 0
    joint[2, :, 0, 4, 7] = 0
    return with_motion(joint)


def with_motion(joint):
    motion = torch.zeros_like(joint)
    motion[:, :, :, :-1] = joint[:, :, :, 1:] - joint[:, :, :, :-1]
    return torch.cat((joint, motion), -1)


def step_of(model, clips):
    n = clips.shape[0]
    return Step(model, dict(weak=clips), dict(weak=[Secret()] * n), {})


def run(model, clips):
    return model.methods[0](step_of(model, clips))['loss_vat']


def displacement_of(model, clips):
    """Records the displacement that the method applies."""
    method, found = model.methods[0], []
    original = method.worst_displacement

    def spy(*args):
        found.append(original(*args))
        return found[-1]

    method.worst_displacement = spy
    loss = run(model, clips)
    del method.worst_displacement
    return found[0], loss


def kl_by_hand(q_logits, p_logits):
    """Mean over clips of sum_k q_k (log q_k - log p_k)."""
    total = 0.
    for a, b in zip(q_logits.detach().double().numpy(),
                    p_logits.detach().double().numpy()):
        q, p = np.exp(a) / np.exp(a).sum(), np.exp(b) / np.exp(b).sum()
        for k in range(CLASSES):
            total += q[k] * (np.log(q[k]) - np.log(p[k]))
    return total / len(q_logits)


@EACH_ENCODER
def test_loss_by_hand(encoder):
    model = build(encoder).double()
    clips = skeletons().double()
    other = deepcopy(model).classifier()
    moved, loss = displacement_of(model, clips)
    joint = clips[..., :3] + moved
    expected = kl_by_hand(other(clips), other(with_motion(joint)))
    assert expected > 1e-6
    assert_close(loss.item(), 0.3 * expected, rtol=1e-6, atol=0)


def hessian_direction(model, clips, noise):
    """One power iteration with the Hessian, in float64."""
    other = deepcopy(model).double().classifier()
    clips, noise = clips.double(), noise.double()
    present = (clips[..., :3] != 0).any(-1, keepdim=True)
    q = other(clips).detach().softmax(1)
    r = torch.zeros_like(noise, requires_grad=True)
    p = other(with_motion(clips[..., :3] + r * present)).log_softmax(1)
    kl = (q * (q.log() - p)).sum()
    gradient, = torch.autograd.grad(kl, r, create_graph=True)
    product, = torch.autograd.grad(gradient, r, noise * present)
    return product


@EACH_ENCODER
def test_direction_equals_that_of_the_hessian(encoder, monkeypatch):
    model, clips = build(encoder), skeletons()
    noise = torch.randn_like(clips[..., :3])
    present = (clips[..., :3] != 0).any(-1, keepdim=True)
    noise /= (noise * present).flatten(1).norm(dim=1).view(-1, 1, 1, 1, 1, 1)
    expected = hessian_direction(model, clips, noise)
    monkeypatch.setattr(torch, 'randn_like', lambda x: noise.to(x))
    found, _ = displacement_of(model, clips)
    cosine = torch.cosine_similarity(
        found.double().flatten(1), expected.flatten(1), eps=1e-30)
    assert (cosine > 0.95).all(), cosine


def test_more_iterations_increase_the_loss():
    model, clips = build().double(), skeletons().double()
    losses = []
    for model.methods[0].num_iters in (1, 8):
        torch.manual_seed(0)
        losses.append(run(model, clips))
    assert losses[1] > losses[0]


@pytest.mark.parametrize('coordinates', [None, 2])
def test_radius_is_the_root_mean_square_per_clip(coordinates):
    model = build(radius=0.05, coordinates=coordinates)
    clips = skeletons(num_clips=2)
    moved, _ = displacement_of(model, clips)
    assert not moved.requires_grad
    for clip, r in zip(clips.flatten(0, 1), moved.flatten(0, 1)):
        present = (clip[..., :3] != 0).any(-1)
        chosen = r[present][:, :coordinates or 3]
        assert chosen.square().mean().sqrt().item() == pytest.approx(0.05)
        assert r.square().sum() == pytest.approx(
            chosen.square().sum().item())


def test_displaced_clips():
    """Absent joints stay zero; motion is that of the displaced joints."""
    model, clips = build(), skeletons(num_clips=2)
    moved, _ = displacement_of(model, clips)
    displaced = vat.displace(clips, moved)
    assert_close(displaced, with_motion(clips[..., :3] + moved))
    assert (displaced[0, :, 1] == 0).all()
    assert (displaced[1, :, 1, :3, :, :3] == 0).all()
    assert (displaced[2, :, 0, 4, 7, :3] == 0).all()
    assert (displaced != clips).any()


def test_joints_masked_after_the_motion_stay_zero():
    clips = skeletons()
    clips[3, 0, 0, 2, 5] = 0
    moved = vat.displace(clips, (clips[..., :3] != 0) * 0.1 *
                         torch.randn_like(clips[..., :3]))
    assert (moved[3, 0, 0, 2, 5] == 0).all()


def test_encoder_gets_displaced_clips():
    model, clips, seen = build(norm=False), skeletons(), []
    hook = model.backbone.register_forward_hook(
        lambda module, args, out: seen.append(args[0].detach().clone()))
    moved, _ = displacement_of(model, clips)
    hook.remove()
    clean, probe, displaced = seen
    assert torch.equal(clean, torch.cat(clips[:, 0].chunk(2, -1)))
    assert_close(displaced, torch.cat(
        with_motion(clips[..., :3] + moved)[:, 0].chunk(2, -1)))
    # The probe has L2 norm xi per clip.
    lengths = (probe - clean)[:len(clips)].double().flatten(1).norm(dim=1)
    assert_close(lengths, torch.full_like(lengths, 1e-3), rtol=0.01, atol=0)


@EACH_ENCODER
@pytest.mark.parametrize('fails', [False, True])
def test_model_is_not_changed(encoder, fails):
    """Neither buffers nor gradients nor training modes."""
    model, clips = build(encoder, dropout=0.5), skeletons()
    model(clips)
    for parameter in model.parameters():
        parameter.grad = torch.randn_like(parameter)
    before = {name: x.clone() for name, x in model.state_dict().items()}
    gradients = [x.grad.clone() for x in model.parameters()]
    switches = [(x.training, getattr(x, 'track_running_stats', None))
                for x in model.modules()]
    if fails:
        model.cls_head.register_forward_hook(fail_on_second_call())
        with pytest.raises(ZeroDivisionError):
            run(model, clips)
    else:
        run(model, clips)
    assert any('num_batches_tracked' in name for name in before)
    for name, x in model.state_dict().items():
        assert torch.equal(x, before[name]), name
    for x, gradient in zip(model.parameters(), gradients):
        assert torch.equal(x.grad, gradient)
    assert switches == [(x.training, getattr(x, 'track_running_stats', None))
                        for x in model.modules()]


def fail_on_second_call():
    calls = []

    def hook(*args):
        calls.append(1)
        if len(calls) == 2:
            raise ZeroDivisionError

    return hook


@pytest.mark.parametrize('kind, shape', [
    (nn.BatchNorm1d, (4, 3)), (nn.BatchNorm2d, (4, 3, 2, 2)),
    (nn.BatchNorm3d, (4, 3, 2, 2, 2))])
@pytest.mark.parametrize('momentum', [0.1, None])
def test_frozen_statistics(kind, shape, momentum):
    norm, sync = kind(3, momentum=momentum), nn.SyncBatchNorm(3)
    untracked = nn.BatchNorm1d(3, track_running_stats=False)
    model = nn.ModuleList([norm, sync, untracked, nn.Dropout(),
                           nn.Dropout().eval(), DropPath(0.5)])
    x = 5 + 3 * torch.randn(shape)
    expected = deepcopy(norm)(x)
    before = deepcopy(model.state_dict())
    with pytest.raises(ZeroDivisionError), frozen_statistics(model):
        assert torch.equal(norm(x), expected)
        assert norm.training and not sync.track_running_stats
        assert torch.equal(model[3](x), x) and torch.equal(model[5](x), x)
        raise ZeroDivisionError
    assert [x.training for x in model] == [True] * 4 + [False, True]
    assert [x.track_running_stats for x in model[:3]] == [True, True, False]
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_evaluation_uses_running_statistics():
    norm, x = nn.BatchNorm1d(3).eval(), torch.randn(4, 3)
    with frozen_statistics(norm):
        assert_close(norm(x), x, rtol=1e-4, atol=1e-4)


def test_gradient_only_through_the_displaced_clips():
    """Equals finite differences with fixed target and displacement."""
    model, clips = build().double(), skeletons().double()
    other = deepcopy(model).classifier()
    moved, loss = displacement_of(model, clips)
    loss.backward()
    q = other(clips).detach().softmax(1)
    p = other(with_motion(clips[..., :3] + moved)).log_softmax(1)
    (0.3 * (q * (q.log() - p)).sum(1).mean()).backward()
    names = []
    for (name, x), y in zip(model.classifier().named_parameters(),
                            other.parameters()):
        assert_close(x.grad, y.grad)
        names += [name] if x.grad.abs().max() > 1e-9 else []
    assert any(name.startswith('backbone') for name in names)
    assert 'cls_head.fc.weight' in names


def test_dropout_is_off():
    """The passes differ only by the displacement."""
    model, clips = build(dropout=0.9, radius=1e-9).double(), skeletons()
    assert run(model, clips.double()).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize('encoder', ENCODERS)
def test_autocast_is_off(encoder):
    model, clips, kinds = build(encoder), skeletons(), []
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            module.register_forward_hook(
                lambda module, args, out: kinds.append(out.dtype))
    torch.manual_seed(1)
    with torch.autocast('cpu', torch.bfloat16):
        loss = run(model, clips)
        assert torch.is_autocast_enabled('cpu')
    assert set(kinds) == {torch.float32}
    torch.manual_seed(1)
    assert torch.equal(loss, run(model, clips))
    with torch.autocast('cpu', torch.bfloat16):
        assert run(model, clips.bfloat16()).isfinite()


@pytest.fixture
def with_tf32():
    """As on a GPU with TF32 enabled."""
    before = cudnn.allow_tf32, cuda.matmul.allow_tf32
    cudnn.allow_tf32 = cuda.matmul.allow_tf32 = True
    yield
    cudnn.allow_tf32, cuda.matmul.allow_tf32 = before


def test_tf32_is_off(with_tf32):
    model, seen = build(), []
    model.backbone.register_forward_hook(lambda *args: seen.append(
        (cudnn.allow_tf32, cuda.matmul.allow_tf32)))
    run(model, skeletons())
    assert seen == 3 * [(False, False)]
    assert cudnn.allow_tf32 and cuda.matmul.allow_tf32


def test_without_gradients():
    model, clips = build(), skeletons()
    torch.manual_seed(1)
    with torch.no_grad():
        loss = run(model, clips)
    torch.manual_seed(1)
    assert torch.equal(loss, run(model, clips).detach())


def test_empty_clips_and_flat_predictions():
    """Without joints or direction the loss is zero, not NaN."""
    model, clips = build(), skeletons()
    clips[1] = 0
    moved, loss = displacement_of(model, clips)
    assert (moved[1] == 0).all() and (moved[2] != 0).any()
    loss.backward()
    assert all(x.grad.isfinite().all()
               for x in model.classifier().parameters())
    nn.init.zeros_(model.cls_head.fc.weight)
    moved, loss = displacement_of(model, clips)
    assert (moved == 0).all() and loss == 0


@pytest.mark.parametrize('size', [1e-37, 1e-20, 1., 1e30])
def test_unit_of_any_size(size):
    x = torch.randn(3, 2, 1, 4, 5, 3)
    x[1, 0] = 0
    norms = vat.unit(size * x).square().sum((2, 3, 4, 5)).sqrt()
    expected = torch.ones(3, 2)
    expected[1, 0] = 0
    assert_close(norms, expected)


def test_scores_are_not_displaced():
    model, clips = build(coordinates=2), skeletons()
    moved, _ = displacement_of(model, clips)
    displaced = vat.displace(clips, moved)
    for channel in range(6):
        same = torch.equal(displaced[..., channel], clips[..., channel])
        assert same == (channel in (2, 5))


def test_together_with_other_methods():
    """In the recognizer: one common pass, without VAT's clips."""
    model = build()
    batches = []
    model.backbone.register_forward_hook(
        lambda module, args, out: batches.append(len(args[0])))
    labeled = [ActionDataSample().set_gt_label(i) for i in range(3)]
    losses = model.loss(
        dict(labeled=skeletons(3), unlabeled=skeletons(4, 2)),
        dict(labeled=labeled, unlabeled=[Secret()] * 4))
    assert losses['loss_vat'].isfinite()
    assert batches == [6, 16, 16, 16]


@pytest.mark.parametrize('name, value', [
    ('radius', 0.), ('xi', -1.), ('num_iters', 0), ('coordinates', 0)])
def test_non_positive_arguments_raise(name, value):
    with pytest.raises(InputError, match=f'{name} of VAT must be greater '
                                         f'than 0, not {value}'):
        VAT(**{name: value})


def test_too_many_coordinates_raise():
    with pytest.raises(InputError, match='displace 4 coordinates, but the '
                                         'clips have 3: set coordinates to 3'):
        run(build(coordinates=4), skeletons())
