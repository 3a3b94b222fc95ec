"""Data preparation and initialisation of the released implementation.

An independent implementation is compared with the pipelines of
``configs/official``; random choices are compared by distribution.
"""
import copy
import math

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS, PARAM_SCHEDULERS, TRANSFORMS
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.model import KaimingInit
from toy import CONFIGS

from psp_plugin.models import KaimingWeightInit

CFG = Config.fromfile(str(CONFIGS / 'official/psp_ntu60_xsub_10p.py'))
TRAIN = CFG.train_dataloader.dataset.dataset.dataset.pipeline
FRAMES = 50


def clip(frames, persons=1, empty=(), absent=(), wide=0, lost=()):
    """A walk of tilted bodies of 25 joints, some of it missing.

    ``empty`` frames have no person; ``absent`` are persons and the frames
    that they are missing in, ``lost`` are missing joints of the first person
    in every third frame; ``wide`` is the person with the largest extent.
    """
    rng = np.random.default_rng(frames)
    body = rng.normal(size=(persons, 1, 25, 3))
    body[wide] *= 1.5
    walk = rng.normal(0, .02, (persons, frames, 25, 3)).cumsum(1)
    keypoint = (body + 3 + walk).astype(np.float32)
    keypoint[:, list(empty)] = 0
    for person, missing in absent:
        keypoint[person, list(missing)] = 0
    for joint in lost:
        keypoint[0, 1::3, joint] = 0
    return dict(frame_dir='clip', label=0, total_frames=frames,
                keypoint=keypoint, start_index=0)


def spread(person):
    """Deviations of x, y and z about joint 0, of frames with the person."""
    there = [frame - frame[0] for frame in person if frame.any()]
    points = [point for frame in there for point in frame]
    return sum(math.sqrt(sum((p[c] - mean) ** 2 for p in points) / len(points))
               for c, mean in enumerate(sum(points) / len(points)))


def turned(clip, source, target):
    """The clip rotated from one direction to another."""
    if not source.any():
        return clip
    axis = np.cross(source, target)
    axis = axis / np.linalg.norm(axis)
    angle = math.acos(source @ target / np.linalg.norm(source))
    return (clip * math.cos(angle) + np.cross(axis, clip) * math.sin(angle) +
            axis * (clip @ axis)[..., None] * (1 - math.cos(angle)))


def released(keypoint):
    """Joint and motion of all non-empty frames, (M, T, 25, 3) each."""
    people = sorted(keypoint.astype(np.float64), key=spread, reverse=True)
    clip = np.stack(people)
    clip = clip[:, [t for t in range(clip.shape[1]) if clip[:, t].any()]]
    centre = clip[0, 0, 0].copy()
    for m, t, v in np.ndindex(clip.shape[:3]):
        if clip[m, t, v].any():
            clip[m, t, v] -= centre
    for frame in clip[0]:
        length = np.linalg.norm(frame[20] - frame[0])
        if length:
            clip = clip / length
            break
    clip = turned(clip, clip[0, 0, 20] - clip[0, 0, 0], np.array([0., 0, 1]))
    sideways = clip[0, 0, 5] - clip[0, 0, 20]
    sideways[2] = 0
    clip = turned(clip, sideways, np.array([1., 0, 0]))
    motion = np.zeros_like(clip)
    for t in range(clip.shape[1] - 1):
        motion[:, t] = clip[:, t + 1] - clip[:, t]
    return clip, motion


KINDS = dict(
    short=dict(frames=20),
    as_many=dict(frames=50),
    rounded=dict(frames=58),
    long=dict(frames=300),
    empty=dict(frames=64, empty=(0, 1, 30, 63)),
    as_many_left=dict(frames=53, empty=(0, 9, 52)),
    joints_lost=dict(frames=70, lost=(3, 11)),
    two=dict(frames=87, persons=2),
    two_short=dict(frames=31, persons=2, empty=(3, )),
    second_is_wide=dict(frames=60, persons=2, wide=1),
    second_alone=dict(frames=90, persons=2, absent=[(0, range(20, 30))]),
    second_seldom=dict(frames=90, persons=2, wide=1,
                       absent=[(1, range(5, 80))]),
    first_comes_later=dict(frames=61, persons=2, empty=(0, 7),
                           absent=[(0, range(1, 6))]))
CLIPS = pytest.mark.parametrize('kind', KINDS)


def prepared(pipeline, one):
    """The output of a pipeline for a clip, (M, T, 25, 6)."""
    inputs, = Compose(pipeline)(one)['inputs']
    return inputs.numpy()


@CLIPS
def test_test_clips_are_the_same_numbers(kind):
    one = clip(**KINDS[kind])
    joint, motion = released(one['keypoint'])
    length = joint.shape[1]
    frames = [int(i * (length / FRAMES)) for i in range(FRAMES)]
    expected = np.concatenate((joint, motion), -1)[:, frames]
    ours = prepared(CFG.val_dataloader.dataset.pipeline, one)
    assert ours.shape == (2, FRAMES, 25, 6)
    np.testing.assert_allclose(ours[:len(joint)], expected, rtol=0, atol=1e-5)
    assert not ours[len(joint):].any()  # an absent person
    if kind != 'first_comes_later':
        first = ours[0, 0]
        np.testing.assert_allclose(first[[0, 20], :3], [[0, 0, 0], [0, 0, 1]],
                                   atol=1e-5)
        assert first[5, 0] > 0 and abs(first[5, 1]) < 1e-5


def test_one_test_clip():
    assert (CFG.test_dataloader.dataset.pipeline ==
            CFG.val_dataloader.dataset.pipeline)


def frames_of(ours, all_frames):
    """Which frame of the clip each prepared one is, by all persons."""
    ours = ours[:len(all_frames)]
    distance = np.abs(ours[:, :, None] - all_frames[:, None]).max((0, 3, 4))
    assert (distance.min(1) < 1e-5).all()
    return distance.argmin(1)


@CLIPS
def test_training_clips_contain_frames_of_the_clip(kind):
    """Both streams in order, independently sampled, all frames if few."""
    np.random.seed(0)
    one = clip(**KINDS[kind])
    joint, motion = released(one['keypoint'])
    ours = prepared(TRAIN, one)
    found = [frames_of(ours[..., :3], joint), frames_of(ours[..., 3:], motion)]
    for frames in found:
        assert (np.diff(frames) >= 0).all()
    if joint.shape[1] == FRAMES:
        assert found[0].tolist() == list(range(FRAMES))
        assert found[1].tolist() == list(range(FRAMES))
    else:
        often = math.ceil(FRAMES / joint.shape[1])
        assert max(np.bincount(frames).max() for frames in found) <= often
        assert (found[0] != found[1]).any()


def simulated(length, rng):
    """Frames of one sampling: 50 of a pool of repeated frames, in order."""
    pool = [t for t in range(length)
            for _ in range(math.ceil(FRAMES / length))]
    return sorted(pool[i] for i in rng.permutation(len(pool))[:FRAMES])


@pytest.mark.parametrize('length', [20, 30, 51, 75, 300])
def test_training_frames_by_distribution(length):
    """Mean and deviation of every position, and overlap of the streams."""
    count = 2000
    np.random.seed(0)
    apart = TRANSFORMS.build(TRAIN[2])
    numbers = np.zeros((1, length, 1, 6), np.float32)
    numbers[0, :, 0] = np.arange(length)[:, None]
    ours = np.stack([
        apart(dict(keypoint=numbers, total_frames=length, start_index=0))[
            'keypoint'][0, :, 0] for _ in range(count)])
    streams = ours[..., 0], ours[..., 3]

    rng = np.random.default_rng(1)
    theirs = np.array([simulated(length, rng) for _ in range(2 * count)])
    mean, deviation = theirs.mean(0), theirs.std(0)
    if length > FRAMES:  # order statistics of a draw without replacement
        k, n, t = np.arange(1, FRAMES + 1), FRAMES, length
        exact = k * (t + 1) / (n + 1) - 1
        spread = np.sqrt(k * (n + 1 - k) * (t + 1) * (t - n) /
                         ((n + 1)**2 * (n + 2)))
        error = spread / math.sqrt(2 * count)
        assert (np.abs(mean - exact) < 5 * error).all()
        mean, deviation = exact, spread
    error = (deviation + .02) / math.sqrt(count)
    for stream in streams:
        assert (np.abs(stream.mean(0) - mean) < 6 * error).all()
        assert (np.abs(stream.std(0) - deviation) <
                .1 * deviation + .05).all()
    first, second = theirs[:count], theirs[count:]
    assert ((streams[0] == streams[1]).mean() ==
            pytest.approx((first == second).mean(), abs=.01))
    shared = np.mean([len(set(a) & set(b)) / len(set(a))
                      for a, b in zip(*streams)])
    expected = np.mean([len(set(a) & set(b)) / len(set(a))
                        for a, b in zip(first, second)])
    assert shared == pytest.approx(expected, abs=.01)
    if length == 300:  # at a fiftieth of the places the same frame
        assert (streams[0] == streams[1]).mean() == pytest.approx(.02, abs=.01)
        assert deviation[25] == pytest.approx(19, abs=.1)
    correlation = np.corrcoef(streams[0][:, 25], streams[1][:, 25])[0, 1]
    assert abs(correlation) < .1


@pytest.fixture(scope='module')
def model():
    torch.manual_seed(0)
    model = MODELS.build(CFG.model)
    model.init_weights()
    return model


def layers_of(model, kind):
    return [m for m in model.modules() if isinstance(m, kind)]


def test_initial_convolutions(model):
    """Kaiming weights, PyTorch's default biases."""
    layers = layers_of(model, torch.nn.Conv2d)
    assert len(layers) == 45
    for layer in layers:
        height, width = layer.kernel_size
        fan_out = layer.out_channels * height * width
        bound = (layer.in_channels * height * width)**-.5
        assert layer.weight.std().item() == pytest.approx(
            (2 / fan_out)**.5, rel=.15)
        biggest = layer.bias.abs().max()
        assert .85 * bound < biggest <= bound
        assert layer.bias.std().item() == pytest.approx(
            bound / 3**.5, rel=.3)


def test_initial_classifier_and_projector(model):
    layers = layers_of(model, torch.nn.Linear)
    assert len(layers) == 3
    for layer in layers:
        assert layer.weight.std().item() == pytest.approx(
            (2 / sum(layer.weight.shape))**.5, rel=.05)
        assert layer.weight.abs().max() > 3 * layer.weight.std()  # normal
        assert not layer.bias.any()


def test_initial_norms_and_maps(model):
    for layer in layers_of(model, torch.nn.BatchNorm2d):
        assert (layer.weight == 1).all() and not layer.bias.any()
    ends = {'global_map': 1 / 25, 'alpha': 1}
    for end, value in ends.items():
        found = [x for name, x in model.named_parameters()
                 if name.endswith(end)]
        assert len(found) == 8
        assert all((x == value).all() for x in found)


def test_kaiming_weight_is_kaiming_except_for_biases():
    net = MODELS.build(dict(type='DSTANet', blocks=[(4, 8, 2, 1)]))
    ours = copy.deepcopy(net)
    before = {name: x.clone() for name, x in net.named_parameters()}
    torch.manual_seed(1)
    KaimingInit(layer='_ConvNd')(net)  # base class of Conv2d
    theirs = dict(net.named_parameters())
    torch.manual_seed(1)
    KaimingWeightInit(layer='_ConvNd')(ours)
    for name, x in ours.named_parameters():
        is_bias = name.endswith('bias')
        assert torch.equal(x, (before if is_bias else theirs)[name]), name


def test_initialisation_is_logged():
    net = MODELS.build(dict(CFG.model.backbone, blocks=[(4, 4, 2, 1)]))
    net._params_init_info = {
        x: dict(init_info='', tmp_mean_value=x.detach().mean())
        for x in net.parameters()}
    KaimingWeightInit(layer='Conv2d', mode='fan_in')(net)
    weight, bias = net.embed[0].weight, net.embed[0].bias
    assert net._params_init_info[weight]['init_info'] == (
        'KaimingWeightInit: mode=fan_in, biases kept')
    assert net._params_init_info[bias]['init_info'] == ''


def test_warm_up_goes_by_epochs():
    """A fifth more in each of five epochs of 500 steps, then all of it."""
    rate = CFG.optim_wrapper.optimizer.lr
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    schedulers = [PARAM_SCHEDULERS.build(dict(cfg, optimizer=optimizer))
                  for cfg in CFG.param_scheduler]
    rates = []
    for _ in range(3500):
        rates.append(optimizer.param_groups[0]['lr'])
        for scheduler in schedulers:
            scheduler.step()
    expected = np.repeat([.002, .004, .006, .008, .01, .01, .01], 500)
    np.testing.assert_allclose(rates, expected, rtol=1e-12)
    *_, decay = CFG.param_scheduler
    assert decay == dict(type='MultiStepLR', by_epoch=False,
                         milestones=[60 * 500, 90 * 500])
