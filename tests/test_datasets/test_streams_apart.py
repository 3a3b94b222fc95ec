"""StreamsApart: independent sampling of the two streams."""
import numpy as np
import pytest
from mmaction.registry import TRANSFORMS
from mmengine.dataset import Compose

from psp_plugin.errors import InputError

FEATURES = dict(type='GenSkeFeat', dataset='nturgb+d', feats=['j', 'jm'])
PACK = [dict(type='PoseDecode'), dict(type='FormatGCNInput', num_person=2),
        dict(type='PackActionInputs')]


@pytest.fixture(autouse=True)
def seed():
    np.random.seed(0)


def clip(frames=80, scored=False):
    rng = np.random.default_rng(0)
    shape = (2, frames, 17, 2) if scored else (2, frames, 25, 3)
    results = dict(keypoint=rng.normal(size=shape).astype(np.float32),
                   total_frames=frames, start_index=0, label=0,
                   frame_dir='a clip')
    if scored:
        results['keypoint_score'] = rng.uniform(size=shape[:3]).astype('f4')
    return results


def apart(*transforms):
    return dict(type='StreamsApart', transforms=list(transforms))


@pytest.mark.parametrize('sampler', [
    dict(type='UniformSamplePose', clip_len=16),
    dict(type='RandomSamplePose', clip_len=16),
    dict(type='RandomSamplePose', clip_len=16, num_clips=3),
    dict(type='UniformSample', clip_len=16),
    dict(type='UniformSampleFrames', clip_len=16, num_clips=2)])
@pytest.mark.parametrize('scored', [False, True])
def test_samplers_are_independent_per_stream(sampler, scored):
    """Every stream consists of its own samples of the entire clip."""
    features = dict(FEATURES, dataset='coco') if scored else FEATURES
    full = Compose([features])(clip(scored=scored))['keypoint']
    one = Compose([features, apart(sampler)])(clip(scored=scored))
    clips = sampler.get('num_clips', 1)
    assert (one['clip_len'], one['num_clips']) == (16, clips)
    assert one['total_frames'] == len(one['frame_inds']) == 16 * clips
    found = []
    for half in (slice(3), slice(3, 6)):
        distance = np.abs(one['keypoint'][:, :, None, :, half] -
                          full[:, None, :, :, half]).max((0, 3, 4))
        assert (distance.min(1) == 0).all()
        found.append(distance.argmin(1))
    assert (found[0] != found[1]).any()
    inputs = Compose([features, apart(sampler), *PACK])(
        clip(scored=scored))['inputs']
    assert inputs.shape == (clips, 2, 16, full.shape[2], 6)


def test_features_among_the_transforms():
    sampler = dict(type='UniformSamplePose', clip_len=16)
    drawn = []
    for pipeline in ([FEATURES, apart(sampler)], [apart(FEATURES, sampler)]):
        np.random.seed(0)
        drawn.append(Compose(pipeline)(clip())['keypoint'])
    np.testing.assert_array_equal(*drawn)


def test_sampler_before_or_after_is_shared():
    """A sampler before is applied; one after gets the entire clip."""
    sampler = dict(type='UniformSamplePose', clip_len=16)
    full = Compose([FEATURES])(clip())['keypoint']
    for pipeline in ([FEATURES, sampler, apart()],
                     [FEATURES, apart(), sampler]):
        np.random.seed(1)
        inputs = Compose([*pipeline, *PACK])(clip())['inputs'].numpy()[0]
        np.random.seed(1)
        frames = Compose([sampler])(clip())['frame_inds']
        np.testing.assert_array_equal(inputs, full[:, frames])


def test_shared_draws_come_before():
    """An augmentation before is shared, one inside is not."""
    rotate = dict(type='RandomRotatePose', angles=(1., 1., 1.))
    for pipeline, is_shared in (
            ([rotate, apart(FEATURES)], True),
            ([apart(rotate, FEATURES)], False)):
        keypoint = Compose(pipeline)(clip())['keypoint']
        difference = keypoint[:, 1:, :, :3] - keypoint[:, :-1, :, :3]
        assert np.allclose(difference, keypoint[:, :-1, :, 3:],
                           atol=1e-5) is is_shared


def test_deterministic_transforms_change_nothing():
    plain = Compose([FEATURES, *PACK])(clip())['inputs']
    both = Compose([apart(FEATURES), *PACK])(clip())['inputs']
    assert (plain == both).all()


def test_input_is_not_modified():
    one = clip()
    before = one['keypoint'].copy()
    Compose([apart(FEATURES, dict(type='UniformSamplePose', clip_len=8))])(one)
    np.testing.assert_array_equal(one['keypoint'], before)


@pytest.mark.parametrize('transforms', [
    [dict(type='UniformSamplePose', clip_len=8)],
    [dict(FEATURES, feats=['j'])]])
def test_channels_that_are_not_two_streams_raise(transforms):
    with pytest.raises(InputError, match=r"channels of clip 'a clip', but "
                                         'got 3 channels: add GenSkeFeat'):
        Compose([apart(*transforms)])(clip())


def test_streams_of_different_lengths_raise():
    crop = dict(type='RandomCropPose', min_share=.2)
    with pytest.raises(InputError, match='add a sampler to them'):
        Compose([apart(crop, FEATURES)])(clip())


def test_separate_scores_raise():
    """Before GenSkeFeat, 2D key points are not two streams."""
    with pytest.raises(InputError, match='but got 2 channels: add GenSkeFeat'):
        Compose([apart(dict(type='UniformSamplePose', clip_len=8))])(
            clip(scored=True))


def test_transforms_that_return_none():
    assert TRANSFORMS.build(apart(lambda results: None))(clip()) is None


def test_one_transform_instead_of_a_list_raises():
    with pytest.raises(InputError, match='StreamsApart needs a list of tr'):
        TRANSFORMS.build(dict(type='StreamsApart', transforms=FEATURES))
