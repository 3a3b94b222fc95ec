"""XCAR: loss, learned copy and training."""
import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from torch.testing import assert_close

from psp_plugin.errors import InputError
from psp_plugin.models.methods.xcar import pull_push, rotate

JOINTS, FRAMES = 20, 4
FACTORS = {'rotation_factors', 'shear_factors', 'scale_factors'}


class Secret:
    """Raises an error on any access."""

    def __getattribute__(self, name):
        raise AssertionError(f'.{name} of an unlabelled sample was read')


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def build(*more, **kwargs):
    model = MODELS.build(dict(
        type='SemiSupervisedRecognizer',
        backbone=dict(type='DSTANet', num_joints=JOINTS, num_heads=2,
                      blocks=[[4, 8, 2, 2]]),
        cls_head=dict(type='TwoStreamHead', num_classes=3, in_channels=8),
        methods=[dict(type='XCAR', **kwargs), *more]))
    model.init_weights()
    return model


def batch(n=3, num_clips=1, **views):
    clips = torch.randn(n, num_clips, 2, FRAMES, JOINTS, 6)
    return (dict(labeled=torch.randn(2, 1, 2, FRAMES, JOINTS, 6),
                 unlabeled=dict(weak=clips, **views)),
            dict(labeled=[ActionDataSample().set_gt_label(i)
                          for i in range(2)],
                 unlabeled=dict(weak=[Secret()] * n)))


def contrast(losses):
    return {k: v for k, v in losses.items() if 'xcar' in k}


@pytest.mark.parametrize('n', [1, 2, 5])
def test_loss_equals_the_loop(n):
    clip, copy = (torch.randn(n, 4, dtype=torch.float64) for _ in range(2))
    a, b = (x.numpy() / np.linalg.norm(x.numpy(), axis=1)[:, None]
            for x in (clip, copy))
    expected = 0.
    for i in range(n):
        for x, target in ((b, a), (a, b)):
            others = [x[i] @ target[j] for j in range(n) if j != i]
            push = sum(others) / len(others) if others else 0.
            expected += (push - x[i] @ target[i]) / n
    assert pull_push(clip, copy).item() == pytest.approx(expected)


def test_loss_pulls_and_pushes():
    """Minimal if copies equal their clips and the clips are opposite."""
    clip = torch.tensor([[1., 0.], [-1., 0.]])
    assert pull_push(clip, 3 * clip).item() == pytest.approx(-4)
    assert pull_push(clip, clip.flip(0)).item() == pytest.approx(4)


def test_targets_are_not_trained():
    """Each side gets the gradient of the direction in which it is query."""
    clip, copy = (torch.randn(3, 4, requires_grad=True) for _ in range(2))
    grads = torch.autograd.grad(pull_push(clip, copy), (clip, copy))
    n, eye = 3, torch.eye(3)
    weights = ((1 - eye) / (n - 1) - eye) / n

    def direction(query, target):
        query, target = (torch.nn.functional.normalize(x, dim=1)
                         for x in (query, target))
        return (weights * (query @ target.t())).sum()

    assert_close(grads[0], torch.autograd.grad(
        direction(clip, copy.detach()), clip)[0])
    assert_close(grads[1], torch.autograd.grad(
        direction(copy, clip.detach()), copy)[0])


def test_rotation_is_a_rotation():
    matrix = rotate(0.4)
    assert_close(matrix @ matrix.t(), torch.eye(3))
    assert_close(matrix.det(), torch.tensor(1.))
    assert_close(rotate(0.), torch.eye(3))
    # A quarter turn about x, then y, then z of a column, applied from z on.
    quarter = rotate(np.pi / 2)
    assert_close(quarter @ torch.tensor([0., 1., 0.]),
                 torch.tensor([0., -1., 0.]), atol=1e-6, rtol=0)


def test_same_matrix_for_joint_and_motion():
    """Rotation, shear, scale as rows of coordinates; the clip stays."""
    method = MODELS.build(dict(type='XCAR', angle=20., shear=0.5, scale=3.))
    with torch.no_grad():
        for factors in method.parameters():
            factors.uniform_(0.2, 1)
    shear = torch.full((3, 3), 0.5) + 0.5 * torch.eye(3)
    matrix = ((rotate(np.radians(20)) * method.rotation_factors)
              @ (shear * method.shear_factors)
              @ torch.diag(3 * method.scale_factors))
    clips = torch.randn(2, 1, 1, 2, 3, 6)
    clips[1, 0, 0, :, 0] = 0  # absent stays absent
    given = clips.clone()
    views = method.views_to_encode(dict(labeled=clips, weak=clips))
    assert set(views) == {'weak', 'xcar'}
    assert torch.equal(clips, given) and views['weak'] is clips
    for part in (slice(3), slice(3, 6)):
        for place in np.ndindex(*clips.shape[:-1]):
            assert_close(views['xcar'][place][part],
                         clips[place][part] @ matrix)
    assert not views['xcar'][1, 0, 0, :, 0].any()


def test_initial_factors():
    """The released ones: 30 degrees about x, near-even shear, scale 1.2."""
    method = MODELS.build(dict(type='XCAR'))
    rotation = rotate(np.pi / 6) * method.rotation_factors
    shear = torch.full((3, 3), 0.8).fill_diagonal_(1)
    assert_close(method.matrix, rotation @ shear * 1.2)
    assert set(method.state_dict()) == FACTORS


@pytest.mark.parametrize('num_clips', [1, 2])
def test_step_trains_encoder_and_factors(num_clips):
    model = build()
    batches = []
    model.backbone.register_forward_hook(
        lambda module, args, out: batches.append(len(args[0])))
    losses = contrast(model.loss(*batch(num_clips=num_clips)))
    assert batches == [2 * (2 + 2 * 3 * num_clips)]  # one pass
    assert set(losses) == {'loss_xcar_joint', 'loss_xcar_motion'}
    for loss in losses.values():
        model.zero_grad()
        loss.backward(retain_graph=True)
        for name in FACTORS:
            assert getattr(model.methods[0], name).grad.abs().max() > 0
        assert any(p.grad.abs().max() > 0
                   for p in model.backbone.parameters())
        assert model.cls_head.fc.weight.grad is None


def test_losses_equal_those_of_the_streams():
    model = build(loss_weight=0.5).eval()
    inputs, samples = batch()
    losses = model.loss(inputs, samples)
    weak = inputs['unlabeled']['weak']
    copy = (weak.unflatten(-1, (2, 3)) @ model.methods[0].matrix).flatten(-2)
    for stream in ('joint', 'motion'):
        pair = [getattr(model.encode(dict(x=x))['x'], stream).mean((1, 3, 4))
                for x in (weak, copy)]
        assert_close(losses[f'loss_xcar_{stream}'], 0.5 * pull_push(*pair))


def test_together_with_another_method():
    """FixMatch shares the weak view, and does not use the copy."""
    strong = torch.randn(3, 1, 2, FRAMES, JOINTS, 6)
    inputs, samples = batch(strong=strong)
    samples['unlabeled'] = {view: [ActionDataSample() for _ in range(3)]
                            for view in ('weak', 'strong')}
    losses = build(dict(type='FixMatch')).loss(inputs, samples)
    assert {'loss_fixmatch', 'loss_xcar_joint'} <= set(losses)


@pytest.mark.parametrize('n', [1, 3])
def test_bfloat16_and_one_clip(n):
    model = build()
    seen = []
    true_views = model.views_to_encode
    model.views_to_encode = lambda clips: seen.append(
        true_views(clips)) or seen[0]
    with torch.autocast('cpu', torch.bfloat16):
        losses = contrast(model.loss(*batch(n)))
    assert seen[0]['xcar'].dtype == torch.float32
    assert all(x.dtype == torch.float32 and x.isfinite()
               for x in losses.values())
    sum(losses.values()).backward()
    assert all(p.grad.isfinite().all() for p in model.methods.parameters())


def test_state_round_trip():
    model, other = build(), build()
    with torch.no_grad():
        model.methods[0].shear_factors.mul_(0.5)
    other.load_state_dict(model.state_dict())
    inputs, samples = batch()
    losses, theirs = (x.loss(inputs, samples) for x in (model, other))
    for name, loss in losses.items():
        assert torch.equal(loss, theirs[name])


def test_2d_skeletons_raise():
    method = MODELS.build(dict(type='XCAR'))
    with pytest.raises(InputError, match='6 channels, not 4'):
        method.views_to_encode(dict(weak=torch.zeros(1, 1, 1, 2, 3, 4)))
