"""Samplers of frames on long and short clips."""
import numpy as np
import pytest
from mmaction.registry import TRANSFORMS


def sample(total_frames, **kwargs):
    transform = TRANSFORMS.build(
        dict(type='UniformSamplePose', clip_len=50, **kwargs))
    results = transform(dict(total_frames=total_frames, start_index=0))
    return results['frame_inds'].reshape(-1, 50)


@pytest.mark.parametrize('test_mode', [False, True])
@pytest.mark.parametrize('total_frames', [1, 2, 31, 50, 99, 300])
def test_frames_are_in_order_and_cover_the_clip(total_frames, test_mode):
    frames = sample(total_frames, num_clips=10 if test_mode else 1,
                    test_mode=test_mode)
    assert frames.dtype == np.int32
    assert (np.diff(frames) >= 0).all()
    assert frames.min() >= 0 and frames.max() < total_frames
    step = (total_frames - 1) / 50 + 1
    assert (frames[:, 0] <= step).all()
    assert (frames[:, -1] >= total_frames - 1 - step).all()


@pytest.mark.parametrize('total_frames', [25, 31, 55, 200])
def test_test_clips_differ_also_on_short_clips(total_frames):
    frames = sample(total_frames, num_clips=10, test_mode=True)
    assert len(np.unique(frames, axis=0)) > 3


def test_one_test_clip_uses_the_middle_of_every_segment():
    np.testing.assert_array_equal(
        sample(501, test_mode=True)[0], np.arange(50) * 10 + 5)


def test_testing_is_deterministic_and_keeps_the_random_state():
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    first = sample(80, num_clips=3, test_mode=True)
    np.testing.assert_array_equal(first, sample(80, num_clips=3,
                                                test_mode=True))
    np.testing.assert_array_equal(before, np.random.get_state()[1])


def test_training_is_random():
    assert (sample(300) != sample(300)).any()


@pytest.mark.parametrize('total_frames', [1, 2, 7, 31, 50, 83, 300])
def test_training_samples_the_frames_of_the_toolbox(total_frames):
    """The random state afterwards is the same, too."""
    drawn = []
    for kind in ('UniformSamplePose', 'UniformSample'):
        np.random.seed(total_frames)
        info = dict(total_frames=total_frames, start_index=0)
        inds = TRANSFORMS.build(dict(type=kind, clip_len=50))(info)[
            'frame_inds']
        drawn.append([*inds, np.random.rand()])
    assert drawn[0] == drawn[1]


def draw(total_frames, **kwargs):
    transform = TRANSFORMS.build(
        dict(type='RandomSamplePose', clip_len=50, **kwargs))
    results = transform(dict(total_frames=total_frames, start_index=0))
    assert results['clip_len'] == 50
    assert results['frame_inds'].dtype == np.int32
    return results['frame_inds'].reshape(-1, 50)


@pytest.mark.parametrize('total_frames', [1, 3, 20, 49, 51, 100, 300])
@pytest.mark.parametrize('num_clips', [1, 3])
def test_random_frames_are_in_order_and_rarely_repeated(total_frames,
                                                            num_clips):
    clips = draw(total_frames, num_clips=num_clips)
    assert clips.shape == (num_clips, 50)
    assert (np.diff(clips) >= 0).all()
    assert clips.min() >= 0 and clips.max() < total_frames
    for frames in clips:
        assert np.bincount(frames).max() <= -(-50 // total_frames)
    if num_clips == 3 and total_frames >= 100:
        assert len(np.unique(clips, axis=0)) == 3


@pytest.mark.parametrize('total_frames', [1, 2, 5, 10, 25, 50])
def test_random_frames_are_all_frames_of_an_exact_fit(total_frames):
    expected = np.repeat(np.arange(total_frames), 50 // total_frames)
    np.testing.assert_array_equal(draw(total_frames)[0], expected)


def test_frames_of_the_released_test_clip():
    """With its rounding, sometimes one frame before the exact position."""
    others = {}
    for total_frames in range(1, 301):
        frames = draw(total_frames, test_mode=True)[0]
        interval = total_frames / 50
        assert frames.tolist() == [int(i * interval) for i in range(50)]
        before = np.arange(50) * total_frames // 50 - frames
        if before.any():
            others[total_frames] = before[before != 0].tolist()
    assert others == {T: [1] if T != 230 else [1, 1] for T in (
        58, 70, 114, 116, 140, 205, 226, 228, 230, 232, 280)}


def test_several_test_clips_raise():
    with pytest.raises(ValueError, match='has one test clip, not 10: set'):
        draw(60, num_clips=10, test_mode=True)


@pytest.mark.parametrize('test_mode', [False, True])
def test_clip_without_frames_raises(test_mode):
    with pytest.raises(ValueError, match='of total_frames=0: remove'):
        draw(0, test_mode=test_mode)
