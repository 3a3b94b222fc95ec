"""Masking and reconstruction of a clip against loops, and its figures."""
import math

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from PIL import Image

from psp_plugin.errors import InputError
from psp_plugin.models import MaskedMotionLoss
from psp_plugin.models.hyperbolic import exponential_map, logarithmic_map
from psp_plugin.skeletons import get_pyramid
from psp_plugin.tooling.visualization import clip_masking, write_masking
from psp_plugin.tooling.visualization.frames import lay_out
from psp_plugin.tooling.visualization.masking_figure import TRUE, MaskingFigure
from psp_plugin.tooling.visualization.masking_video import farthest_frame

LAYOUT = get_pyramid('nwucla')
FRAMES, PATCH, JOINTS = 24, 4, 20


def build(masking='CrossMasking', tokens='outer', hyperbolic=True, **options):
    torch.manual_seed(0)
    sizes = dict(embed_dims=16, depth=1, num_heads=2)
    width = dict(embed_dims=16) if masking == 'CrossMasking' else {}
    return MODELS.build(dict(
        type='HACMPretrainer',
        backbone=dict(type='SkeletonTransformer', layout='nwucla',
                      num_frames=FRAMES, frames_per_token=PATCH,
                      tokens=tokens, hyperbolic=hyperbolic, **sizes),
        masking=dict(type=masking, mask_ratio=.8, **width),
        decoder=dict(type='MaskedMotionDecoder', **sizes),
        loss_rec=dict(type='MaskedMotionLoss', hyperbolic=hyperbolic),
        **options)).eval()


def clips(persons=1, sampled=1, seed=1):
    generator = torch.Generator().manual_seed(seed)
    steps = torch.randn(1, sampled, persons, FRAMES, JOINTS, 3,
                        generator=generator)
    return .05 * steps.cumsum(3) + 1


@pytest.fixture(scope='module')
def model():
    return build()


@pytest.fixture(scope='module')
def masking(model):
    return clip_masking(model, clips(2), seed=3)


def test_the_logarithmic_map_inverts_the_exponential_one():
    x = torch.randn(40, 3, dtype=torch.float64)
    back = logarithmic_map(exponential_map(x))
    torch.testing.assert_close(back, x)
    assert not logarithmic_map(torch.zeros(2, 3)).any()
    outside = logarithmic_map(torch.tensor([[0., 2., 0.], [0., 0., 1.]]))
    torch.testing.assert_close(outside, math.atanh(1 - 1e-5) * torch.tensor(
        [[0., 1., 0.], [0., 0., 1.]]), rtol=1e-3, atol=0)


@pytest.mark.parametrize('hyperbolic', [True, False])
@pytest.mark.parametrize('normalize', [True, False])
def test_displacements_are_the_inverse_of_the_target(hyperbolic, normalize):
    loss = MaskedMotionLoss(hyperbolic, normalize)
    x = clips()[0, 0].double()
    motion = loss.displacement(loss.target(x, 6 * JOINTS), x)
    torch.testing.assert_close(motion, x.diff(dim=1, append=x[:, -1:]))


def test_masks_are_those_of_the_sampled_groups(model, masking):
    """Token by token, with groups sampled with the same seed."""
    inputs, tokens = clips(2), len(LAYOUT.outer)
    torch.manual_seed(3)
    groups = model.masking(model.backbone.tokenize(inputs[0, 0]))
    expected = {name: np.zeros((2, FRAMES, JOINTS), bool)
                for name in ('temporal', 'spatial')}
    for name, group in zip(expected, groups):
        for person, places in enumerate(group.tolist()):
            for place in places:
                patch, joint = divmod(place, tokens)
                for frame in range(patch * PATCH, (patch + 1) * PATCH):
                    expected[name][person, frame, LAYOUT.outer[joint]] = True
    seen = expected['temporal'] | expected['spatial']
    assert list(masking.visible) == list(expected)
    for name, where in expected.items():
        np.testing.assert_array_equal(masking.visible[name], where)
    inner = np.isin(np.arange(JOINTS), LAYOUT.inner)
    np.testing.assert_array_equal(masking.masked, ~seen & ~inner)
    kept = sum(group.size(1) for group in groups)
    assert masking.share == pytest.approx(1 - kept / (6 * tokens))


def test_displacements_of_a_token_by_hand(model, masking):
    inputs = clips(2)
    torch.manual_seed(3)
    with torch.no_grad():
        made = model.reconstruct(inputs)
    token, person, patch = 5, 1, 2
    joint = LAYOUT.outer[token]
    guess = made.prediction[person, patch * len(LAYOUT.outer) + token]
    rows, truth = guess.view(PATCH, 3).tolist(), []
    for i in range(PATCH):
        now, after = inputs[0, 0, person, patch * PATCH + i:][:2, joint]
        step = (after - now).tolist()
        np.testing.assert_allclose(
            masking.true[person, patch * PATCH + i, joint], step, rtol=1e-5)
        norm = math.sqrt(sum(x * x for x in step))
        truth.append([math.tanh(norm) / norm * x for x in step])
    mean, size = np.mean(truth), np.std(truth, ddof=1)
    for i, row in enumerate(rows):
        row = [x * math.sqrt(size**2 + 1e-6) + mean for x in row]
        norm = math.sqrt(sum(x * x for x in row))
        np.testing.assert_allclose(
            masking.predicted[person, patch * PATCH + i, joint],
            [math.atanh(norm) / norm * x for x in row], rtol=1e-4)
    # Joints without tokens have no prediction.
    assert masking.predicted[:, :, LAYOUT.outer].all()
    assert not masking.predicted[:, :, LAYOUT.inner].any()


def test_the_loss_equals_that_of_training(model, masking):
    torch.manual_seed(3)
    with torch.no_grad():
        loss = model.loss(clips(2))['loss_rec'].item()
    assert masking.loss == pytest.approx(loss, rel=1e-6)
    # Normalised numbers have mean square (n - 1) / n, n = 4 frames x 3; the
    # last frame has no motion, and 1e-6 is added to the variance.
    assert masking.loss_of_zero == pytest.approx(11 / 12, rel=1e-2)


def test_a_seed_determines_the_masking_and_generators_stay(model, masking):
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    again = clip_masking(model, clips(2), seed=3)
    other = clip_masking(model, clips(2), seed=4)
    assert torch.equal(torch.random.get_rng_state(), before)
    np.testing.assert_array_equal(again.masked, masking.masked)
    np.testing.assert_array_equal(again.predicted, masking.predicted)
    assert (other.masked != masking.masked).any()


def test_mamp_has_one_group_and_all_joints():
    model = build('MotionAwareMasking', 'all', False)
    masking = clip_masking(model, clips())
    (name, seen), = masking.visible.items()
    assert name == 'visible'
    np.testing.assert_array_equal(masking.masked, ~seen)
    assert masking.masked.reshape(6, PATCH, JOINTS)[:, :1].sum() == 96
    assert masking.share == .8


@pytest.mark.parametrize('skip', [True, False])
def test_the_first_sampled_clip_without_absent_persons(skip):
    model = build(tokens='all', skip_absent_persons=skip)
    inputs = clips(2, sampled=3)
    inputs[:, 0, 1] = 0
    masking = clip_masking(model, inputs)
    np.testing.assert_array_equal(masking.keypoint, inputs[0, 0, :1])
    assert masking.masked.shape == (1, FRAMES, JOINTS)
    with pytest.raises(InputError, match='the clip has no person'):
        clip_masking(model, torch.zeros_like(inputs))


def test_scores_are_not_positions():
    for model, wish in ((build(coordinates=2), None), (build(), 2)):
        masking = clip_masking(model, clips(), coordinates=wish)
        shape = (1, FRAMES, JOINTS, 2)
        assert masking.keypoint.shape == shape == masking.predicted.shape
        assert masking.true.shape == shape


def test_true_paths_are_the_clip(masking):
    paths, x = masking.paths(masking.true), masking.keypoint
    np.testing.assert_array_equal(x, clips(2)[0, 0])
    assert paths.shape == (2, 6, PATCH + 1, JOINTS, 3)
    for patch in range(6):
        for i in range(PATCH + 1):
            frame = min(patch * PATCH + i, FRAMES - 1)
            np.testing.assert_allclose(paths[:, patch, i], x[:, frame],
                                       atol=1e-5)


def test_every_joint_is_drawn_once_in_its_style(masking):
    drawn = MaskingFigure(masking, LAYOUT.lines)
    for frame in (0, 7, 23):
        drawn.show(frame)
        truth = lay_out(masking.keypoint, 'z')[:, frame]
        for panel in drawn.panels:
            counts = [len(dots.get_offsets()) for dots, _ in panel.joints]
            assert sum(counts) == 2 * JOINTS
            assert counts[2] == masking.masked[:, frame].sum()
            # Temporal tokens in even patches, spatial ones in odd ones.
            assert (counts[0] > 0) == (frame // PATCH % 2 == 0)
            assert (counts[1] > 0) == (frame // PATCH % 2 == 1)
            if panel.trails:
                assert len(panel.trails.get_segments()) == counts[2]
        places = [np.concatenate([dots.get_offsets() for dots, _ in
                                  panel.joints]) for panel in drawn.panels]
        np.testing.assert_array_equal(places[0], places[2])
        np.testing.assert_allclose(np.sort(places[2], 0), np.sort(
            truth.reshape(-1, 2), 0), atol=1e-5)
        # Within a patch the prediction differs from the truth.
        assert (np.abs(places[1] - places[0]).max() > .01) == (frame > 0)


def test_farthest_frame(masking):
    distances = np.zeros(FRAMES)
    for m, t, v in zip(*np.nonzero(masking.masked)):
        start = masking.keypoint[m, t - t % PATCH, v]
        distances[t] += np.linalg.norm(masking.keypoint[m, t, v] - start)
    assert farthest_frame(masking) == distances.argmax()


def test_a_picture_has_the_colours_of_its_panels(masking, tmp_path):
    write_masking(tmp_path / 'a.png', masking, LAYOUT.lines, frame=3)
    image = np.asarray(Image.open(tmp_path / 'a.png').convert('RGB'), int)
    assert image.shape == (520, 960, 3)
    black = np.round(255 * np.full(3, float(TRUE)))

    def pixels(color):
        found = np.abs(image[:390] - color).max(-1) <= 3
        return [int(third.sum()) for third in np.split(found, 3, 1)]

    blue = pixels((0x00, 0x72, 0xb2))
    assert min(blue) > 50 and not sum(pixels((0x00, 0x9e, 0x73)))
    orange = pixels((0xd5, 0x5e, 0x00))
    assert orange[1] > 200 and orange[0] == orange[2] == 0
    assert pixels(black)[2] > 200


@pytest.mark.parametrize('change, message', [
    (dict(path='x.mp4'), 'x.mp4 is neither .gif nor .png'),
    (dict(frame=24), 'no frame 25: clips of the model have frames 1 to 24'),
    (dict(path='x.gif', fps=0), 'fps must be positive, not 0'),
    (dict(up='x'), "up must be one of y, -y, z, not 'x'"),
])
def test_invalid_arguments_raise_before_writing(masking, tmp_path, change,
                                                message):
    arguments = dict(path='x.png', masking=masking, bones=LAYOUT.lines)
    arguments.update(change)
    arguments['path'] = tmp_path / 'folder' / arguments['path']
    with pytest.raises(ValueError, match=message):
        write_masking(**arguments)
    assert not (tmp_path / 'folder').exists()
