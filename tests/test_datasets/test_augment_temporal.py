"""Temporal crop and reversal."""
import numpy as np
import pytest
from mmaction.registry import TRANSFORMS
from poses import clip, holed, results_of
from toy import CONFIGS


@pytest.fixture(autouse=True)
def seeded():
    np.random.seed(0)


def crop(**kwargs):
    return TRANSFORMS.build(dict(kwargs, type='RandomCropPose'))


def numbered(frames, joints=3):
    """A clip whose coordinates and scores are the frame number from 1."""
    keypoint = np.ones((2, frames, joints, 3), np.float32)
    keypoint *= np.arange(1, frames + 1, dtype=np.float32)[:, None, None]
    return dict(keypoint=keypoint, keypoint_score=keypoint[..., 0].copy(),
                total_frames=frames, start_index=0)


@pytest.mark.parametrize('frames', [1, 2, 7, 40])
@pytest.mark.parametrize('share', [0.01, 0.5, 1])
def test_crop_is_contiguous_and_long_enough(frames, share):
    lengths, starts = set(), set()
    for _ in range(150):
        after = crop(min_share=share)(numbered(frames))
        kept = after['keypoint'][0, :, 0, 0]
        np.testing.assert_array_equal(kept, kept[0] + np.arange(len(kept)))
        np.testing.assert_array_equal(after['keypoint'][1, :, 2, 2], kept)
        np.testing.assert_array_equal(after['keypoint_score'][1, :, 1], kept)
        assert after['total_frames'] == len(kept)
        lengths.add(len(kept))
        starts.add(kept[0])
    assert max(round(share * frames), 1) <= min(lengths)
    assert max(lengths) <= frames
    if frames == 40 and share < 1:
        assert len(lengths) > 10 and len(starts) > 8


@pytest.mark.parametrize('num_frames', [1, 2, 5, 12, 31])
@pytest.mark.parametrize('full', [False, True])
def test_resize_equals_a_loop(num_frames, full):
    keypoint = clip(dtype=np.float64)
    before = results_of(keypoint if full else holed(keypoint), scored=True)
    keypoint, score = before['keypoint'], before['keypoint_score']
    after = crop(min_share=1, num_frames=num_frames)(dict(before))
    assert after['total_frames'] == num_frames
    last = keypoint.shape[1] - 1
    for m, t, v in np.ndindex(len(keypoint), num_frames, keypoint.shape[2]):
        place = t * last / (num_frames - 1) if num_frames > 1 else 0
        first = int(place + 1e-9)
        second, share = min(first + 1, last), place - first
        joint = [keypoint[m, i, v] for i in (first, second)]
        if not (joint[0].any() and joint[1].any()):
            share = float(share >= 0.5)
        for values, drawn in ((keypoint, 'keypoint'),
                              (score, 'keypoint_score')):
            expected = ((1 - share) * values[m, first, v] +
                        share * values[m, second, v])
            np.testing.assert_allclose(after[drawn][m, t, v], expected,
                                       rtol=0, atol=1e-9)


def test_resize_does_not_blend_with_absent_joints():
    """A person who appears is absent or at an observed position."""
    keypoint = clip(1, 12)
    keypoint[0, :6] = 0
    after = crop(min_share=1, num_frames=50)(results_of(keypoint))['keypoint']
    here = (after != 0).any((2, 3))[0]
    assert 20 <= here.sum() <= 28 and (np.diff(here.astype(int)) >= 0).all()
    first = after[0, here][0]
    np.testing.assert_array_equal(first, keypoint[0, 6])
    assert (after[0, ~here] == 0).all()


def test_resize_keeps_first_and_last_frame():
    keypoint = clip()
    after = crop(min_share=1, num_frames=30)(results_of(keypoint))['keypoint']
    np.testing.assert_array_equal(after[:, [0, -1]], keypoint[:, [0, -1]])


def test_crop_after_the_sampler_raises():
    with pytest.raises(ValueError, match='before the sampler of frames'):
        crop()(dict(results_of(clip()), frame_inds=np.arange(5)))


def test_sampler_uses_frames_of_the_crop_only():
    np.random.seed(0)
    results = numbered(40)
    for cfg in (dict(type='RandomCropPose', min_share=0.3),
                dict(type='UniformSamplePose', clip_len=50),
                dict(type='PoseDecode')):
        if cfg['type'] == 'UniformSamplePose':
            cropped = set(results['keypoint'][0, :, 0, 0])
            assert len(cropped) < 40
        results = TRANSFORMS.build(cfg)(results)
    assert results['keypoint'].shape == (2, 50, 3, 3)
    assert set(results['keypoint'][0, :, 0, 0]) <= cropped


def test_reversal_equals_a_loop_and_is_its_own_inverse():
    reverse = TRANSFORMS.build(dict(type='ReversePose', prob=1))
    before = results_of(holed(clip()), scored=True)
    after = reverse(dict(before))
    length = before['total_frames']
    for key in ('keypoint', 'keypoint_score'):
        for t in range(length):
            np.testing.assert_array_equal(after[key][:, t],
                                          before[key][:, length - 1 - t])
        np.testing.assert_array_equal(reverse(dict(after))[key], before[key])


def test_reversal_turns_sitting_down_into_standing_up():
    """So it must not be in a view that keeps its label."""
    sinking = clip(1, 10)
    sinking[..., 2] -= np.arange(10)[:, None] * 10
    rising = TRANSFORMS.build(dict(type='ReversePose', prob=1))(
        results_of(sinking))['keypoint']
    assert (np.diff(sinking[..., 2], axis=1) < 0).all()
    assert (np.diff(rising[..., 2], axis=1) > 0).all()


def test_no_config_reverses():
    paths = list(CONFIGS.rglob('*.py'))
    assert paths
    assert not [path for path in paths if 'ReversePose' in path.read_text()]
