"""Quarter turns and the losses of classifying them."""
import re

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from torch.testing import assert_close

from psp_plugin.errors import InputError
from psp_plugin.models.methods import S4L
from psp_plugin.models.methods.s4l import turn

CLASSES, JOINTS, FRAMES, WIDTH = 5, 25, 6, 8
BACKBONE = dict(type='STGCN', base_channels=4, num_stages=2,
                inflate_stages=[2], down_stages=[2],
                graph_cfg=dict(layout='nturgb+d', mode='stgcn_spatial'))
HEAD = dict(type='TwoStreamHead', num_classes=CLASSES, in_channels=WIDTH)
EACH_FORM = pytest.mark.parametrize('copies', ['one', 'all'])


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


class Secret:
    """Raises an error on any access."""

    def __getattribute__(self, name):
        raise AssertionError(f'.{name} of an unlabelled sample was read')


def build(backbone=BACKBONE, **options):
    model = MODELS.build(dict(
        type='SemiSupervisedRecognizer', backbone=backbone, cls_head=HEAD,
        stream_norm=dict(type='StreamNorm'),
        methods=[dict(type='S4L', **options)]))
    model.init_weights()
    return model


def clips(n, num_clips=1, channels=6):
    x = torch.randn(n, num_clips, 2, FRAMES, JOINTS, channels)
    x[0, :, 1] = 0
    return x


def batch(num_clips=1, labels=(0, 1, 2)):
    samples = [ActionDataSample().set_gt_label(k) for k in labels]
    return (dict(labeled=clips(3), unlabeled=clips(4, num_clips)),
            dict(labeled=samples, unlabeled=[Secret()] * 4))


def rotation(k):
    a = np.deg2rad(90 * k)
    return np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0],
                     [0, 0, 1]])


def rotated(x, k):
    """Rotates joints and motion by the rotation matrix."""
    halves = [x[..., :3].double().numpy() @ rotation(k).T,
              x[..., 3:].double().numpy() @ rotation(k).T]
    return torch.from_numpy(np.concatenate(halves, -1)).to(x)


def test_quarter_turns_are_rotations():
    x = clips(4, 2)
    turns = torch.tensor([[0, 1], [2, 3], [3, 0], [1, 1]])
    out = turn(x, turns)
    for b, c in np.ndindex(4, 2):
        assert_close(out[b, c], rotated(x[b, c], turns[b, c].item()))
    assert (out[0, :, 1] == 0).all()


def test_quarter_turns_are_exact():
    x, once = clips(3), torch.ones(3, 1, dtype=torch.long)
    half = turn(turn(x, once), once)
    assert torch.equal(half, x * torch.tensor([-1., -1, 1, -1, -1, 1]))
    assert torch.equal(half, turn(x, 2 * once))
    assert torch.equal(turn(half, once), turn(x, 3 * once))
    assert torch.equal(turn(turn(half, once), once), x)
    assert torch.equal(turn(x, 0 * once), x)


@pytest.mark.parametrize('k', range(4))
def test_motion_is_that_of_the_turned_joints(k):
    joint = torch.randn(2, 1, 2, FRAMES, JOINTS, 3)
    motion = joint.diff(dim=3, append=joint[:, :, :, -1:])
    out = turn(torch.cat((joint, motion), -1), torch.full((2, 1), k))
    again = out[..., :3]
    assert torch.equal(out[..., 3:],
                       again.diff(dim=3, append=again[:, :, :, -1:]))


def cross_entropies(logits, targets):
    return [np.log(np.exp(row).sum()) - row[k]
            for row, k in zip(logits, targets)]


def logits_by_hand(model, x):
    """(N, 4) logits of clips: mean features of each stream, one FC."""
    joint, motion = model.encode(dict(x=x))['x']
    weight, bias = (p.detach().numpy()
                    for p in model.methods[0].fc.parameters())
    return np.stack([
        sum(weight @ stream[n].detach().numpy().mean((0, 2, 3)) + bias
            for stream in (joint, motion)) for n in range(len(joint))])


@EACH_FORM
@pytest.mark.parametrize('num_clips, num_turns', [(1, 4), (2, 4), (1, 2)])
def test_losses_by_hand(copies, num_clips, num_turns):
    """In evaluation mode, one clip at a time."""
    model = build(copies=copies, num_turns=num_turns,
                  loss_weight=0.5).double().eval()
    torch.nn.init.normal_(model.methods[0].fc.weight)
    inputs, samples = batch(num_clips)
    inputs = {view: x.double() for view, x in inputs.items()}
    losses = model.loss(inputs, samples)
    means, right, labeled = [], [], []
    for view, name in (('labeled', 'labeled'), ('unlabeled', 'weak')):
        turns = model.methods[0].turns[name]
        x = inputs[view].flatten(0, 1).unsqueeze(1)
        every = []
        for i in range(len(x)):
            ks = [turns[i].item()] if copies == 'one' else range(num_turns)
            for k in ks:
                turned = rotated(x[i:i + 1], k * 4 // num_turns)
                logits = logits_by_hand(model, turned)
                every += cross_entropies(logits, [k])
                right.append(logits.argmax() == k)
                if view == 'labeled' and k:
                    scores = model.classifier()(turned).detach().numpy()
                    labeled += cross_entropies(scores, [i])
        means.append(np.mean(every))
    assert_close(losses['loss_s4l'].item(), 0.5 * np.mean(means))
    assert_close(losses['turn_accuracy'].item(), np.mean(right))
    assert ('loss_s4l_labeled' in losses) == (copies == 'all')
    if copies == 'all':
        assert_close(losses['loss_s4l_labeled'].item(), np.mean(labeled))


@pytest.mark.parametrize('copies, size', [('one', 2 * (3 + 3 + 4)),
                                          ('all', 2 * 4 * (3 + 4))])
def test_one_pass_of_the_encoder(copies, size):
    model, batches = build(copies=copies), []
    model.backbone.register_forward_hook(
        lambda module, args, out: batches.append(len(args[0])))
    model.loss(*batch())
    assert batches == [size]


@pytest.mark.parametrize('num_turns', [2, 4])
def test_turns_are_random_for_every_clip(num_turns):
    method, seen = build(num_turns=num_turns).methods[0], []
    for _ in range(40):
        method.views_to_encode(dict(labeled=clips(3), weak=clips(4, 2)))
        assert method.turns['weak'].shape == (8, )
        seen.append(torch.cat(list(method.turns.values())))
    seen = torch.stack(seen)
    every = set(range(num_turns))
    assert all(set(column.tolist()) == every for column in seen.T)
    assert (seen != seen[:, :1]).any()


def test_same_seed_gives_the_same_turns():
    model, data = build().eval(), batch()
    losses = []
    for seed in (1, 1, 2, 3):
        torch.manual_seed(seed)
        losses.append(model.loss(*data)['loss_s4l'])
    assert losses[0] == losses[1]
    assert losses[0] != losses[2] or losses[0] != losses[3]


@EACH_FORM
def test_gradients_reach_encoder_and_head(copies):
    model = build(copies=copies)
    model.loss(*batch())['loss_s4l'].backward()
    assert model.methods[0].fc.weight.grad.any()
    assert model.methods[0].fc.bias.grad.any()
    assert any(x.grad.any() for x in model.backbone.parameters())
    assert all(x.grad is None for x in model.cls_head.parameters())


@EACH_FORM
def test_bfloat16(copies):
    model = build(copies=copies)
    with torch.autocast('cpu', torch.bfloat16):
        losses = model.loss(*batch())
    assert losses['loss_s4l'].dtype == torch.float32
    assert losses['loss_s4l'].isfinite()
    sum(x for name, x in losses.items() if 'loss' in name).backward()


def test_task_can_be_learned():
    """The turn of bodies that face along x is learned soon."""
    torch.manual_seed(0)
    model = build(copies='all')
    pose = torch.randn(1, 1, 2, 1, JOINTS, 3).expand(4, 1, 2, FRAMES, -1, -1)
    joint = pose + 0.05 * torch.randn(4, 1, 2, FRAMES, JOINTS, 3)
    x = torch.cat((joint, joint.diff(dim=3, append=joint[:, :, :, -1:])), -1)
    inputs, samples = batch()
    inputs = dict(labeled=x[:3], unlabeled=x)
    adam = torch.optim.Adam(model.parameters(), 0.02)
    accuracy = []
    for _ in range(15):
        losses = model.loss(inputs, samples)
        adam.zero_grad()
        losses['loss_s4l'].backward()
        adam.step()
        accuracy.append(losses['turn_accuracy'].item())
    assert accuracy[-1] == 1 > accuracy[0]


def test_head_is_initialised_like_the_classifier():
    fc = build().methods[0].fc
    assert fc.in_features == WIDTH and (fc.bias == 0).all()
    assert 0.005 < fc.weight.std() < 0.02


def test_wrong_channels_raise():
    sentence = ('in_channels of S4L is 9: set it to the channels of the '
                'encoder STGCN, 8')
    with pytest.raises(InputError, match=sentence):
        build(in_channels=9)
    assert build(in_channels=8).methods[0].fc.in_features == 8


def scored(n):
    """2D key points, whose motion has the mean of two scores."""
    x = clips(n)
    x[..., 2] = x[..., 2].sigmoid() * (x[..., :2] != 0).any(-1)
    x[..., 5] = x[..., 2]
    return x


@EACH_FORM
def test_scored_key_points_raise(copies):
    method = build(copies=copies).methods[0]
    sentence = ('the third coordinate of the clips and its motion are never '
                'negative, like the score '
                'of 2D key points, but S4L turns 3D skeletons about the '
                'vertical: remove S4L from methods, or train on 3D skeletons')
    with pytest.raises(InputError, match=re.escape(sentence)):
        method.views_to_encode(dict(labeled=clips(3), weak=scored(4)))


@pytest.mark.parametrize('channels', [4, 8])
def test_other_coordinates_raise(channels):
    x = clips(3, channels=channels)
    with pytest.raises(InputError, match=f'the clips have {channels // 2} '
                                         'coordinates, but S4L turns 3D'):
        build().methods[0].views_to_encode(dict(labeled=x, weak=x))


def test_static_clips_are_not_scores():
    x = clips(3).abs()
    x[..., 3:] = 0
    build().methods[0].views_to_encode(dict(labeled=x, weak=x))


def test_unknown_copies_and_turns_raise():
    with pytest.raises(InputError, match="copies of S4L must be 'one' or "
                                         "'all', not 'two'"):
        S4L(copies='two')
    with pytest.raises(InputError, match='num_turns of S4L must be 2 or 4, '
                                         'not 3'):
        S4L(num_turns=3)
