"""Both streams get the same scale in any unit; absent persons stay zero."""
import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from torch.testing import assert_close

from psp_plugin.models import StreamNorm

N, M, T, V = 4, 2, 6, 5


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def streams(channels=3, unit=1., absent=True):
    """Joints in a unit, and their displacement, a hundredth in size."""
    joint = torch.randn(N, M, T, V, channels) + 2
    joint[..., -1] *= 3
    motion = 0.01 * torch.randn_like(joint)
    if absent:  # a second person, and a frame of a first one
        joint[1, 1], motion[1, 1] = 0, 0
        joint[2, 0, 4], motion[2, 0, 4] = 0, 0
    return unit * joint, unit * motion


def by_hand(x, joint):
    """Mean 0 and variance 1 of every coordinate, one frame at a time."""
    x, out = x.double().numpy(), np.zeros(x.shape)
    present = [i for i in np.ndindex(N, M, T) if joint[i].abs().sum() > 0]
    for c in range(x.shape[-1]):
        values = np.array([x[i][v, c] for i in present for v in range(V)])
        for i in present:
            for v in range(V):
                out[i][v, c] = (x[i][v, c] - values.mean()) / np.sqrt(
                    values.var())
    return torch.from_numpy(out).float()


@pytest.mark.parametrize('channels', [2, 3])
def test_training_against_a_loop(channels):
    joint, motion = streams(channels)
    out = StreamNorm(channels)(joint, motion)
    for x, y in zip((joint, motion), out):
        assert_close(y, by_hand(x, joint), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('training', [True, False])
def test_absent_persons_stay_zero(training):
    norm = StreamNorm()
    norm(*streams())
    for y in norm.train(training)(*streams()):
        assert (y[1, 1] == 0).all() and (y[2, 0, 4] == 0).all()
        assert (y[0] != 0).any(-1).all()


def test_absent_persons_are_not_counted():
    norm, other = StreamNorm(), StreamNorm()
    joint, motion = streams(absent=False)
    nobody = torch.zeros_like(joint)
    norm(joint, motion)
    other(torch.cat((joint, nobody)), torch.cat((motion, nobody)))
    for key, x in norm.state_dict().items():
        assert_close(other.state_dict()[key], x)


def test_clips_without_persons():
    norm, nobody = StreamNorm(), torch.zeros(N, M, T, V, 3)
    for y in norm(nobody, nobody):
        assert (y == 0).all()
    assert norm.joint.num_batches_tracked == 0


@pytest.mark.parametrize('unit', [1000., 0.1])
def test_unit_changes_nothing(unit):
    """Metres, millimetres and ten metres give the encoder the same input."""
    joint, motion = streams()
    ours = StreamNorm()(joint, motion)
    others = StreamNorm()(unit * joint, unit * motion)
    for x, y in zip(ours, others):
        assert_close(x, y, rtol=1e-3, atol=1e-4)


def test_evaluation_uses_running_statistics():
    norm = StreamNorm(momentum=1)
    joint, motion = streams()
    trained = norm(joint, motion)
    count = (joint != 0).any(-1).sum()  # running variances are unbiased
    for x, y in zip(trained, norm.eval()(joint, motion)):
        assert_close(y, x * ((count - 1) / count).sqrt())


def test_no_parameters_and_the_state_is_saved():
    assert not list(StreamNorm().parameters())
    assert len(StreamNorm().state_dict()) == 6


@pytest.mark.parametrize('channels', [2, 4])
def test_other_coordinates_raise(channels):
    sentence = (f'StreamNorm was built for 3 coordinates, the data has '
                f'{channels}: set')
    with pytest.raises(ValueError, match=sentence):
        StreamNorm()(*streams(channels))
    with pytest.raises(ValueError, match='in_channels must be at least 1'):
        StreamNorm(0)


def test_in_front_of_the_encoder():
    """Branches share statistics, streams do not."""
    model = MODELS.build(dict(
        type='PSPRecognizer', stream_norm=dict(type='StreamNorm'),
        backbone=dict(type='DSTANet', num_joints=V, num_heads=2,
                      blocks=[[4, 4, 2, 1]]),
        cls_head=dict(type='TwoStreamHead', num_classes=3, in_channels=4)))
    seen = []
    model.backbone.register_forward_pre_hook(
        lambda module, args: seen.append(args[0]))
    joint, motion = streams()
    clips = torch.cat((joint, motion), -1)[:, None]
    features = model.encode(dict(labeled=clips[:1], unlabeled=clips[1:]))
    expected = StreamNorm()(joint, motion)
    assert_close(seen[0], torch.cat(expected))
    encoded = model.backbone(seen[0])
    for i, stream in enumerate(('joint', 'motion')):
        assert_close(torch.cat([getattr(features[branch], stream)
                                for branch in ('labeled', 'unlabeled')]),
                     encoded.chunk(2)[i])
