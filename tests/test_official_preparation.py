"""The released implementation's way from a clip to a batch, and its start.

An independent computation in plain loops is held against the pipelines of
``configs/official``; what is drawn at random is compared by distribution.
"""
import math

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS, PARAM_SCHEDULERS, TRANSFORMS
from mmengine.config import Config
from mmengine.dataset import Compose
from toy import CONFIGS

CFG = Config.fromfile(str(CONFIGS / 'official/psp_ntu60_xsub_10p.py'))
FRAMES = 50


def clip(frames, persons=1, empty=(), seed=0):
    """A walk of a body of 25 joints, lying askew, some frames missing."""
    rng = np.random.default_rng(seed)
    body = rng.normal(size=(persons, 1, 25, 3)) + 3
    walk = rng.normal(0, .02, (persons, frames, 25, 3)).cumsum(1)
    keypoint = (body + walk).astype(np.float32)
    keypoint[:, list(empty)] = 0
    return dict(frame_dir='clip', label=0, total_frames=frames,
                keypoint=keypoint, start_index=0)


def rotated(point, axis, angle):
    """Turns a point about an axis of length 1, Rodrigues' formula."""
    return (point * math.cos(angle) + np.cross(axis, point) * math.sin(angle)
            + axis * (axis @ point) * (1 - math.cos(angle)))


def turn_onto(clip, source, target):
    """Turns all points by the rotation of one direction onto another."""
    axis = np.cross(source, target)
    angle = math.acos(source @ target / np.linalg.norm(source))
    axis = axis / np.linalg.norm(axis)
    return np.array([[[rotated(point, axis, angle) if point.any() else point
                       for point in frame] for frame in person]
                     for person in clip])


def released(keypoint):
    """Joint and motion of all frames that are there, (M, T, 25, 3) each."""
    clip = keypoint.astype(np.float64)
    clip = clip[:, [t for t in range(clip.shape[1]) if clip[0, t].any()]]
    clip = clip - clip[0, 0, 0]
    clip = clip / np.linalg.norm(clip[0, 0, 20] - clip[0, 0, 0])
    clip = turn_onto(clip, clip[0, 0, 20] - clip[0, 0, 0],
                     np.array([0., 0, 1]))
    sideways = clip[0, 0, 5] - clip[0, 0, 20]
    sideways[2] = 0
    clip = turn_onto(clip, sideways, np.array([1., 0, 0]))
    motion = np.zeros_like(clip)
    for t in range(clip.shape[1] - 1):
        motion[:, t] = clip[:, t + 1] - clip[:, t]
    return clip, motion


def prepared(cfg, clip):
    """What a pipeline makes of it, (M, T, 25, 6)."""
    inputs, = Compose(cfg)(clip)['inputs']
    return inputs.numpy()


CLIPS = pytest.mark.parametrize('arguments', [
    dict(frames=20), dict(frames=50), dict(frames=87, persons=2),
    dict(frames=300), dict(frames=64, empty=(0, 1, 30, 63)),
    dict(frames=55, persons=2, empty=(0, 7, 8, 9, 10, 11))])


@CLIPS
@pytest.mark.parametrize('loader', ['val_dataloader', 'test_dataloader'])
def test_test_clips_are_the_same_numbers(arguments, loader):
    one = clip(**arguments)
    joint, motion = released(one['keypoint'])
    length = joint.shape[1]
    frames = [math.floor(i * length / FRAMES) for i in range(FRAMES)]
    ours = prepared(CFG[loader].dataset.pipeline, one)
    expected = np.concatenate((joint, motion), -1)[:, frames]
    assert ours.shape == (2, FRAMES, 25, 6)
    np.testing.assert_allclose(ours[:len(joint)], expected, atol=1e-5)
    assert not ours[len(joint):].any()  # an absent person
    first = joint[0, 0]
    assert np.linalg.norm(first[20]) == pytest.approx(1)
    np.testing.assert_allclose(first[20], [0, 0, 1], atol=1e-6)
    assert first[5, 0] > 0 and abs(first[5, 1]) < 1e-6


def frames_of(ours, all_frames):
    """Which frame of the clip each prepared one is."""
    distance = np.abs(ours[:, None] - all_frames[None]).max((2, 3))
    assert (distance.min(1) < 1e-5).all()
    return distance.argmin(1)


@CLIPS
def test_training_clips_hold_frames_of_the_clip(arguments):
    """Both streams in order, each of a draw of its own."""
    one = clip(**arguments)
    joint, motion = released(one['keypoint'])
    np.random.seed(0)
    pipeline = CFG.train_dataloader.dataset.dataset.dataset.pipeline
    ours = prepared(pipeline, one)
    found = [frames_of(ours[0, ..., :3], joint[0]),
             frames_of(ours[0, ..., 3:], motion[0])]
    for frames in found:
        assert (np.diff(frames) >= 0).all()
    if joint.shape[1] == FRAMES:
        assert found[0].tolist() == list(range(FRAMES))
    else:
        assert (found[0] != found[1]).any()


@pytest.mark.parametrize('length', [20, 30, 75, 300])
def test_training_frames_by_distribution(length):
    """Mean and deviation of every place, and what the streams share."""
    count = 2000
    np.random.seed(0)
    apart = TRANSFORMS.build(
        CFG.train_dataloader.dataset.dataset.dataset.pipeline[2])
    numbers = np.zeros((1, length, 1, 6), np.float32)
    numbers[0, :, 0] = np.arange(length)[:, None]
    ours = np.stack([
        apart(dict(keypoint=numbers, total_frames=length, start_index=0))[
            'keypoint'][0, :, 0] for _ in range(count)])
    joint, motion = ours[..., 0].astype(int), ours[..., 3].astype(int)

    rng = np.random.default_rng(1)
    often = math.ceil(FRAMES / length)
    pool = [t for t in range(length) for _ in range(often)]
    drawn = [sorted(pool[i] for i in rng.permutation(len(pool))[:FRAMES])
             for _ in range(2 * count)]
    theirs = np.array(drawn).reshape(2, count, FRAMES)
    deviation = theirs.std(1).mean(0)
    error = (deviation + .05) / math.sqrt(count)
    for stream in (joint, motion):
        assert (np.abs(stream.mean(0) - theirs.mean((0, 1)))
                < 6 * error).all()
        assert (np.abs(stream.std(0) - deviation)
                < .15 * deviation + .05).all()
    same, expected = ((a == b).mean() for a, b in ((joint, motion), theirs))
    assert same == pytest.approx(expected, abs=.01)
    if length == 300:  # of 300 frames hardly any place has the same one
        assert same < .03 and 18 < joint[:, 25].std() < 20


def test_initialisation_by_distribution():
    torch.manual_seed(0)
    model = MODELS.build(CFG.model)
    model.init_weights()
    convolutions = [m for m in model.modules()
                    if isinstance(m, torch.nn.Conv2d)]
    assert len(convolutions) > 40
    for layer in convolutions:
        height, width = layer.kernel_size
        fan_out = layer.out_channels * height * width
        bound = (layer.in_channels * height * width)**-.5
        assert layer.weight.std().item() == pytest.approx(
            (2 / fan_out)**.5, rel=.15)
        assert layer.bias.abs().max() <= bound
        assert layer.bias.std().item() == pytest.approx(
            bound / 3**.5, rel=.3)
    linear = [m for m in model.modules() if isinstance(m, torch.nn.Linear)]
    assert len(linear) == 3
    for layer in linear:
        assert layer.weight.std().item() == pytest.approx(
            (2 / sum(layer.weight.shape))**.5, rel=.05)
        assert not layer.bias.any()
    for name, weight in model.named_parameters():
        if name.endswith('global_map'):
            assert torch.equal(weight, torch.full_like(weight, 1 / 25))


def test_temporal_attention_starts_at_the_identity():
    model = MODELS.build(dict(
        type='DSTANet', blocks=[(4, 4, 2, 2), (4, 4, 2, 1)], num_heads=2,
        temporal='attention', num_frames=6))
    for i, layer in enumerate(model.layers):
        start = layer.attention.global_map
        if i % 2:
            frames = 6 if i == 1 else 3
            assert torch.equal(start, torch.eye(frames).expand(2, -1, -1))
        else:
            assert torch.equal(start, torch.full((2, 25, 25), 1 / 25))


def test_warm_up_goes_by_epochs():
    """A fifth more in each of five epochs of 500 steps, then all of it."""
    rate = CFG.optim_wrapper.optimizer.lr
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    schedulers = [PARAM_SCHEDULERS.build(dict(cfg, optimizer=optimizer))
                  for cfg in CFG.param_scheduler]
    rates = []
    for _ in range(46000):
        rates.append(optimizer.param_groups[0]['lr'])
        for scheduler in schedulers:
            scheduler.step()
    for epoch in range(10):
        expected = rate * min(1, (epoch + 1) / 5)
        for step in (0, 1, 250, 498, 499):
            assert rates[500 * epoch + step] == pytest.approx(expected)
    assert rates[29999] == pytest.approx(rate)
    assert rates[30000] == pytest.approx(rate / 10)
    assert rates[45000] == pytest.approx(rate / 100)
