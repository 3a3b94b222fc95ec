"""Properties of every augmentation."""
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from mmaction.datasets.transforms import GenSkeFeat
from mmaction.registry import TRANSFORMS
from mmengine.dataset import worker_init_fn
from poses import clip, holed, results_of
from torch.utils.data import DataLoader, Dataset

import psp_plugin.datasets.transforms as transforms
from psp_plugin.datasets.transforms.augment import PoseAugmentation

# Seven joints: a torso, and two arms and two legs of one joint each.
LAYOUT = dict(name='seven',
              parts=[[0, 1], [2], [3, 4], [5, 6]], bodies=[[0, 1], [2, 3]],
              mirror=[[3, 4], [5, 6]])
# Settings that change a clip.
CHANGING = dict(
    RandomRotatePose=dict(angles=(0.2, 0.3, 0.4)),
    RandomShearPose=dict(factor=0.5),
    RandomScalePose=dict(scale=0.3),
    RandomCropPose=dict(min_share=0.5, num_frames=9),
    RandomFlipPose=dict(layout=LAYOUT, prob=1),
    RandomMaskJoints=dict(share=(0.2, 0.6), prob=1),
    RandomMaskParts=dict(layout=LAYOUT, num_parts=2, prob=1),
    RandomMaskAxis=dict(prob=1),
    GaussianNoisePose=dict(sigma=0.05, prob=1),
    GaussianBlurPose=dict(sigma=(0.5, 2.0), prob=1),
    ReversePose=dict(prob=1),
)
# Settings that do not change it.
IDENTITY = [
    dict(type='RandomRotatePose', angles=(0, 0, 0)),
    dict(type='RandomShearPose', factor=0),
    dict(type='RandomScalePose', scale=0),
    dict(type='RandomScalePose', scale=0, per_axis=False),
    dict(type='RandomCropPose', min_share=1),
    dict(type='RandomCropPose', min_share=1, num_frames=12),
    dict(type='RandomMaskJoints', share=0, prob=1),
    dict(type='RandomMaskJoints', share=0, per_frame=True, prob=1),
    dict(type='RandomMaskParts', layout=LAYOUT, num_parts=0, prob=1),
    dict(type='GaussianNoisePose', sigma=0, prob=1),
    dict(type='GaussianBlurPose', sigma=0, prob=1),
    dict(type='GaussianBlurPose', kernel=1, prob=1),
] + [dict(kwargs, type=name, prob=0) for name, kwargs in CHANGING.items()
     if name != 'RandomCropPose']


def all_but(*names):
    """The other augmentations."""
    return [name for name in CHANGING if name not in names]


@pytest.fixture(autouse=True)
def seeded():
    np.random.seed(0)


def build(name, axes=3, **kwargs):
    kwargs = dict(CHANGING[name], **kwargs)
    if name == 'RandomRotatePose' and axes == 2:
        kwargs['angles'] = 0.4
    return TRANSFORMS.build(dict(kwargs, type=name))


def test_the_augmentation_of_the_guide():
    page = Path(__file__).resolve().parents[2] / 'docs/guides/augmentation.md'
    section = page.read_text().split('## An augmentation of your own')[1]
    exec(section.split('```python\n')[1].split('```')[0], {})
    dropout = TRANSFORMS.build(dict(type='RandomFrameDropout', share=0.5,
                                    prob=1))
    before = clip(frames=40)
    after = dropout(results_of(before, scored=True))['keypoint']
    changed = [t for t in range(40) if (after[:, t] != before[:, t]).any()]
    assert 0 not in changed and 8 < len(changed) < 32
    assert all((after[:, t] == after[:, t - 1]).all() for t in changed)


def test_every_augmentation_is_tested():
    assert set(CHANGING) == {
        name for name in transforms.__all__
        if issubclass(getattr(transforms, name), PoseAugmentation)}


@pytest.mark.parametrize('name', CHANGING)
@pytest.mark.parametrize('axes, dtype', [
    (3, np.float16), (2, np.float32), (3, np.float64)])
def test_arrays_are_copies_of_the_same_dtype(name, axes, dtype):
    keypoint = clip(axes=axes, dtype=dtype)
    before = results_of(keypoint, scored=True)
    kept = {key: before[key] for key in ('keypoint', 'keypoint_score')}
    copies = {key: array.copy() for key, array in kept.items()}
    after = build(name, axes)(before)
    for key, array in kept.items():
        np.testing.assert_array_equal(array, copies[key])
        assert after[key].dtype == dtype
    assert after['keypoint'].shape[2:] == keypoint.shape[2:]
    assert after['keypoint'].shape[:3] == after['keypoint_score'].shape
    assert after['total_frames'] == after['keypoint'].shape[1]
    assert not np.array_equal(after['keypoint'], keypoint)
    assert np.isfinite(after['keypoint']).all()


@pytest.mark.parametrize('cfg', IDENTITY, ids=lambda cfg: cfg['type'])
def test_identity_settings_change_nothing(cfg):
    for scored in (False, True):
        before = results_of(holed(clip()), scored)
        after = TRANSFORMS.build(cfg)(dict(before))
        assert after.keys() == before.keys()
        for key, value in before.items():
            np.testing.assert_array_equal(after[key], value)


@pytest.mark.parametrize('name', all_but('RandomCropPose'))
def test_probability(name):
    """Half of many clips are changed, within five standard deviations."""
    transform, keypoint = build(name, prob=0.5), clip(1, 4)
    changed = sum(
        not np.array_equal(transform(results_of(keypoint))['keypoint'],
                           keypoint) for _ in range(400))
    assert 150 < changed < 250


@pytest.mark.parametrize('name', CHANGING)
@pytest.mark.parametrize('axes', [2, 3])
def test_absent_persons_and_joints_stay_zero(name, axes):
    keypoint = holed(clip(frames=16, axes=axes))
    absent = (keypoint == 0).all(-1)
    transform = build(name, axes)
    if name == 'RandomCropPose':
        transform = build(name, min_share=1, num_frames=None)
    if name == 'RandomFlipPose':
        absent = absent[:, :, [0, 1, 2, 4, 3, 6, 5]]
    if name == 'ReversePose':
        absent = absent[:, ::-1]
    for _ in range(10):
        after = transform(results_of(keypoint))['keypoint']
        assert (after[absent] == 0).all()


@pytest.mark.parametrize('name', CHANGING)
@pytest.mark.parametrize('joints', [1, 25])
def test_any_joints_frames_and_persons(name, joints):
    """Only augmentations with sides or parts need a layout."""
    kwargs = {}
    if 'layout' in CHANGING[name]:
        table = dict(parts=[[j] for j in range(joints)],
                     bodies=[list(range(joints))],
                     mirror=[[0, joints - 1]] if joints > 1 else [])
        kwargs = dict(layout=table)
        if name == 'RandomMaskParts':
            kwargs['num_parts'] = joints - 1
    transform = build(name, **kwargs)
    for persons, frames in ((1, 1), (3, 2), (1, 40)):
        after = transform(results_of(clip(persons, frames, joints)))
        assert after['keypoint'].shape[::2] == (persons, joints)


@pytest.mark.parametrize('name', CHANGING)
@pytest.mark.parametrize('axes', [2, 3])
def test_motion_stays_the_difference_of_the_joints(name, axes):
    results = build(name, axes)(results_of(clip(axes=axes)))
    GenSkeFeat(dataset='nturgb+d', feats=['j', 'jm'])(results)
    joints, motion = np.split(results['keypoint'], 2, axis=-1)
    np.testing.assert_array_equal(motion[:, :-1], np.diff(joints, axis=1))
    assert (motion[:, -1] == 0).all()


# Only the probability of flip and reversal is random.
@pytest.mark.parametrize('name', all_but('RandomFlipPose', 'ReversePose'))
def test_seed_is_reproducible_and_draws_differ(name):
    transform, drawn = build(name), []
    for seed in (0, 0, 1):
        np.random.seed(seed)
        drawn += [[transform(results_of(clip()))['keypoint']
                   for _ in range(8)]]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])
    assert any(not np.array_equal(drawn[0][0], one) for one in drawn[0])


class Clips(Dataset):
    """Eight copies of a clip with all augmentations."""

    def __init__(self):
        self.steps = [build(name) for name in CHANGING]

    def __len__(self):
        return 8

    def __getitem__(self, index):
        results = results_of(clip())
        for step in self.steps:
            results = step(results)
        return results['keypoint']


def test_workers_are_seeded_by_mmengine():
    def load(seed):
        init = partial(worker_init_fn, num_workers=2, rank=0, seed=seed)
        return [batch.numpy() for batch in DataLoader(
            Clips(), batch_size=4, num_workers=2, worker_init_fn=init,
            multiprocessing_context='fork')]
    first, second = load(0)
    assert not np.array_equal(first, second)
    assert len(np.unique(first.reshape(4, -1), axis=0)) == 4
    np.testing.assert_array_equal((first, second), load(0))
    assert not np.array_equal((first, second), load(7))


@pytest.mark.parametrize('name', CHANGING)
def test_repr_has_all_arguments(name):
    text = repr(build(name))
    assert text.startswith(f'{name}(')
    for key, value in CHANGING[name].items():
        assert f'{key}={value!r}' in text


def test_repr():
    assert repr(build('GaussianBlurPose')) == (
        'GaussianBlurPose(kernel=15, sigma=(0.5, 2.0), prob=1)')


@pytest.mark.parametrize('change, sentence', [
    (dict(keypoint=clip(axes=6)), 'must come before GenSkeFeat'),
    (dict(keypoint=clip()[0]), r'not \(12, 7, 3\)'),
    (dict(keypoint=clip().astype(int)), 'floating-point numbers, not int64'),
    (dict(keypoint=clip(frames=0)), r'of shape \(2, 0, 7, 3\)'),
    (dict(keypoint_score=np.ones((2, 12, 6))),
     r'of shape \(2, 12, 7\), like keypoint, not \(2, 12, 6\)'),
])
def test_invalid_clip_raises_one_sentence(change, sentence):
    for name in CHANGING:
        with pytest.raises(ValueError, match=sentence) as error:
            build(name)(dict(results_of(clip()), **change))
        assert '\n' not in str(error.value) and name in str(error.value)


@pytest.mark.parametrize('name', ['RandomFlipPose', 'RandomMaskParts'])
@pytest.mark.parametrize('prob', [0, 1])
def test_layout_with_other_joints_raises_one_sentence(name, prob):
    with pytest.raises(ValueError, match=(
            f"{name} has layout 'nwucla' of 20 joints, but the clip has 7")):
        build(name, layout='nwucla', prob=prob)(results_of(clip()))


NUMBER = 'needs a number from 0 to 1 for'


@pytest.mark.parametrize('name, kwargs, sentence', [
    *((name, dict(prob=1.5), f'{NUMBER} prob, not 1.5')
      for name in all_but('RandomCropPose')),
    *(('ReversePose', dict(prob=prob), f'{NUMBER} prob, not {prob!r}')
      for prob in (-0.1, '1', True, float('nan'))),
    ('RandomRotatePose', dict(angles=(0.1, -0.2, 0)),
     'needs a number of at least 0 for angles, not -0.2'),
    ('RandomRotatePose', dict(angles=-1),
     'needs a number of at least 0 for angles, not -1'),
    ('RandomRotatePose', dict(angles=(0.1, 0.2)),
     'needs three angles (3D clips) or one number (2D clips) for angles, not '
     '(0.1, 0.2)'),
    ('RandomRotatePose', dict(angles='z'), "for angles, not 'z'"),
    ('RandomShearPose', dict(factor=-1),
     'needs a number of at least 0 for factor, not -1'),
    ('RandomShearPose', dict(factor=float('inf')), 'for factor, not inf'),
    ('RandomScalePose', dict(scale=-0.1), f'{NUMBER} scale, not -0.1'),
    ('RandomScalePose', dict(scale=1), 'needs a scale below 1'),
    ('RandomCropPose', dict(min_share=1.2), f'{NUMBER} min_share, not 1.2'),
    ('RandomCropPose', dict(min_share=0), 'needs a min_share above 0'),
    ('RandomCropPose', dict(num_frames=0),
     'needs a number of at least 1 for num_frames, not 0'),
    ('RandomCropPose', dict(num_frames=2.5),
     'needs an integer for num_frames, not 2.5'),
    ('RandomMaskJoints', dict(share=1), 'needs a share below 1, not 1'),
    ('RandomMaskJoints', dict(share=-0.1), f'{NUMBER} share, not -0.1'),
    ('RandomMaskJoints', dict(share=(0.4, 0.1)),
     'needs a number, or a minimum and a maximum, for share, not '
     '(0.4, 0.1)'),
    ('RandomMaskJoints', dict(share=('a', 'b')), "not ('a', 'b')"),
    ('RandomMaskParts', dict(num_parts=4),
     'needs a number from 0 to 3 for num_parts, not 4'),
    ('RandomMaskParts', dict(num_parts=0.5),
     'needs an integer for num_parts, not 0.5'),
    ('RandomMaskParts', dict(layout='kinect'),
     "unknown skeleton layout 'kinect'"),
    ('RandomFlipPose', dict(layout='kinect'),
     "unknown skeleton layout 'kinect'"),
    ('RandomFlipPose',
     dict(layout=dict(parts=[[0], [1]], bodies=[[0, 1]])),
     "layout 'custom' has no mirror: add the pairs of left and right joints "
     'to it'),
    ('GaussianNoisePose', dict(sigma=-1),
     'needs a number of at least 0 for sigma, not -1'),
    ('GaussianBlurPose', dict(kernel=4), 'needs an odd kernel, not 4'),
    ('GaussianBlurPose', dict(kernel=-1), 'at least 1 for kernel, not -1'),
    ('GaussianBlurPose', dict(sigma=(0.1, -1)),
     'for sigma, not (0.1, -1)'),
    ('GaussianBlurPose', dict(sigma=(-2, 1)),
     'needs a number of at least 0 for sigma, not -2'),
])
def test_invalid_argument_raises_one_sentence(name, kwargs, sentence):
    with pytest.raises(ValueError) as error:
        build(name, **kwargs)
    assert sentence in str(error.value)
    assert '\n' not in str(error.value)
