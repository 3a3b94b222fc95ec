"""SyntheticSkeletonDataset: contents and dependencies."""
import hashlib
import subprocess
import sys

import numpy as np
import pytest
from mmaction.registry import DATASETS
from mmengine.dataset import pseudo_collate

from psp_plugin.datasets.semi_supervised import SemiSupervisedDataset
from psp_plugin.datasets.synthetic import SyntheticSkeletonDataset, make_clip
from psp_plugin.datasets.synthetic.actions import ACTIONS, CLASSES
from psp_plugin.datasets.synthetic.body import (
    LEFT,
    TREE,
    joint_rotations,
    place_joints,
    rotation_matrices,
)
from psp_plugin.datasets.synthetic.dataset import draw_subject

PIPELINE = [
    dict(type='NormalizeSkeleton3D', center=1, zaxis=(0, 1), xaxis=(8, 4)),
    dict(type='GenSkeFeat', dataset='nturgb+d', feats=['j', 'jm']),
    dict(type='UniformSampleFrames', clip_len=32),
    dict(type='PoseDecode'),
    dict(type='FormatGCNInput', num_person=1),
    dict(type='PackActionInputs'),
]


def infos(**kwargs):
    dataset = SyntheticSkeletonDataset(**{'num_clips': 20, **kwargs})
    return [dataset.get_data_info(i) for i in range(len(dataset))]


def assert_same(clips, others):
    assert len(clips) == len(others)
    for clip, other in zip(clips, others):
        assert clip.keys() == other.keys()
        for key in clip:
            np.testing.assert_array_equal(clip[key], other[key])


def bone_lengths(points):
    joints, parents = np.array(TREE).T
    return np.linalg.norm(points[:, joints] - points[:, parents], axis=-1)


def test_annotations_are_those_of_a_pose_dataset():
    for index, info in enumerate(infos(num_clips=100)):
        points = info['keypoint']
        assert points.shape == (1, info['total_frames'], 25, 3)
        assert points.dtype == np.float32
        assert np.isfinite(points).all()
        assert 40 <= info['total_frames'] <= 100
        assert info['modality'] == 'Pose'
        assert info['sample_idx'] == index
        assert isinstance(info['label'], int)


def test_names_are_unique_and_do_not_reveal_the_label():
    names = [info['frame_dir'] for info in infos(num_clips=100, seed=3)]
    assert names[12] == 'synthetic_train_s3_000012'
    assert len(set(names)) == 100
    assert not any(word in name for name in names for word in CLASSES)


def test_classes_are_balanced():
    dataset = SyntheticSkeletonDataset(num_clips=200)
    assert dataset.metainfo['classes'] == CLASSES
    assert len(set(CLASSES)) == len(CLASSES) == 10
    labels = [dataset.get_data_info(i)['label'] for i in range(200)]
    np.testing.assert_array_equal(np.bincount(labels), [20] * 10)


def test_clips_depend_on_arguments_only():
    np.random.seed(1)
    first = infos()
    np.random.seed(2)
    state = np.random.get_state()[1].copy()
    assert_same(first, infos())
    np.testing.assert_array_equal(state, np.random.get_state()[1])


def test_another_process_gives_the_same_clip():
    code = ('from hashlib import sha256; import psp_plugin\n'
            'from psp_plugin.datasets.synthetic import make_clip\n'
            "print(sha256(make_clip(7)['keypoint'].tobytes()).hexdigest())")
    there = subprocess.run([sys.executable, '-W', 'ignore', '-c', code],
                           check=True, capture_output=True, text=True).stdout
    here = hashlib.sha256(make_clip(7)['keypoint'].tobytes()).hexdigest()
    assert there.split()[-1] == here


def test_clip_is_independent_of_the_number_of_clips():
    assert_same(infos(num_clips=10), infos(num_clips=35)[:10])


@pytest.mark.parametrize('other', [
    dict(split='val'), dict(seed=1), dict(seed=1, split='val')])
def test_other_split_or_seed_has_other_clips_and_names(other):
    clips, others = infos(), infos(**other)
    digests = {info['keypoint'].tobytes() for info in clips + others}
    names = {info['frame_dir'] for info in clips + others}
    assert len(digests) == len(names) == 40
    assert [c['label'] for c in clips] == [c['label'] for c in others]


def test_splits_share_no_subject():
    """Without noise, bone lengths identify a person."""
    people = [
        {tuple(bone_lengths(make_clip(i, split=split, noise=0)['keypoint'][0])
               [0].round(3)) for i in range(200)}
        for split in ('train', 'val')
    ]
    # Rounding may split one person into several, but never merge two.
    assert min(map(len, people)) >= 30
    assert not people[0] & people[1]


def test_bones_keep_their_length_without_noise():
    for index in range(40):
        lengths = bone_lengths(make_clip(index, noise=0)['keypoint'][0])
        assert (lengths > .01).all()
        np.testing.assert_allclose(
            lengths, np.broadcast_to(lengths[0], lengths.shape), atol=1e-5)


def test_noise_has_the_given_deviation():
    clean = [make_clip(i, noise=0)['keypoint'] for i in range(30)]
    noisy = [make_clip(i, noise=.02)['keypoint'] for i in range(30)]
    error = np.concatenate([(n - c)[0] for n, c in zip(noisy, clean)])
    assert error[:, [0, 1, 20]].std() == pytest.approx(.02, rel=.1)
    assert error[:, [7, 11, 15]].std() > .03


def test_body_is_complete_upright_and_in_front_of_the_camera():
    for index in range(100):
        points = make_clip(index, noise=0)['keypoint'][0]
        assert points[..., 2].min() > 1 and points[..., 2].max() < 6
        head, feet = points[0, 3], points[0, [14, 18]].mean(0)
        assert 1 < np.linalg.norm(head - feet) < 2.2
        assert head[1] > points[0, 0, 1] > feet[1]
        # Left and right are those of the person: with y up, a body seen
        # from the front has its left at smaller x than its right.
        left = points[0, 4] - points[0, 8]
        toes = points[0, [15, 19]].mean(0) - feet
        up = points[0, 20] - points[0, 0]
        assert np.cross(up, toes) @ left > 0
        assert toes[2] < 0  # towards the camera


def test_standing_feet_stay_in_place():
    for index in range(40):
        points = make_clip(index, noise=0)['keypoint'][0]
        middle = points[:, [14, 18]].mean(1)
        moved = min(np.ptp(points[:, 14], 0).max(),
                    np.ptp(points[:, 18], 0).max(), np.ptp(middle, 0).max())
        assert moved < 1e-5


def test_only_sitting_down_does_not_return():
    """The pelvis is lowered in two actions and stays low in one."""
    for index in range(100):
        points = make_clip(index, noise=0)['keypoint'][0]
        height = points[:, 0, 1] - points[:, [14, 18], 1].min(1)
        name = CLASSES[index % 10]
        is_low = height < .88 * height[0]
        assert is_low[-1] == (name == 'sit down')
        assert is_low.any() == (name in ('sit down', 'squat'))


def test_rotations_turn_about_y_then_z_then_x():
    turn = rotation_matrices
    angles = np.array([20., -70., 130.])
    x, y, z = (turn(row) for row in np.diag(angles))
    np.testing.assert_allclose(turn(angles), x @ z @ y, atol=1e-12)
    # A hanging right arm is lifted forward, and to the right.
    forward, aside = turn(np.array([[90., 0, 0], [0, 0, 90.]]))
    np.testing.assert_allclose(forward @ [0, -1, 0], [0, 0, -1], atol=1e-12)
    np.testing.assert_allclose(aside @ [0, -1, 0], [1, 0, 0], atol=1e-12)


@pytest.mark.parametrize('action', ACTIONS, ids=CLASSES)
def test_left_pose_is_the_mirror_image_of_the_right_one(action):
    offsets = draw_subject(np.random.default_rng(0)).offsets
    swap = np.arange(25)
    for right, left in LEFT.items():
        swap[[right, left]] = left, right
    for _, pose in action.poses:
        right, left, both = (
            place_joints(
                joint_rotations(pose, side)[None], offsets)[0]
            for side in ('right', 'left', 'both'))
        np.testing.assert_allclose(left, right[swap] * (-1, 1, 1), atol=1e-12)
        np.testing.assert_allclose(both, both[swap] * (-1, 1, 1), atol=1e-12)


def test_tree_reaches_every_joint_once_parents_first():
    placed = {0}
    for joint, parent in TREE:
        assert parent in placed and joint not in placed
        placed.add(joint)
    assert placed == set(range(25))


def test_lazy_init_makes_no_clips():
    dataset = SyntheticSkeletonDataset(num_clips=20, lazy_init=True)
    assert not dataset.data_list and not dataset._fully_initialized
    dataset.full_init()
    assert len(dataset) == 20


def test_serialized_and_plain_data_are_the_same():
    assert_same(infos(serialize_data=True), infos(serialize_data=False))


def test_indices_select():
    assert len(SyntheticSkeletonDataset(num_clips=20, indices=5)) == 5


@pytest.mark.parametrize('test_mode', [False, True])
def test_training_pipeline_packs_every_class(test_mode):
    dataset = DATASETS.build(dict(
        type='SyntheticSkeletonDataset', num_clips=10, pipeline=PIPELINE,
        test_mode=test_mode))
    batch = pseudo_collate([dataset[i] for i in range(10)])
    for index, (inputs, sample) in enumerate(
            zip(batch['inputs'], batch['data_samples'])):
        assert inputs.shape == (1, 1, 32, 25, 6)
        assert inputs.isfinite().all()
        assert sample.gt_label.item() == index


def test_semi_supervised_views():
    source = dict(type='SyntheticSkeletonDataset', num_clips=60,
                  pipeline=PIPELINE)
    labeled = SemiSupervisedDataset(source, labeled_per_class=2)
    unlabeled = SemiSupervisedDataset(source, 'unlabeled', labeled_per_class=2)
    assert (len(labeled), len(unlabeled)) == (20, 40)
    assert 'label' not in unlabeled.get_data_info(0)


@pytest.mark.parametrize('bad, message', [
    (dict(split='test'), "split .* not 'test'"),
    (dict(num_clips=9), 'num_clips .* at least 10.* not 9'),
    (dict(noise=-.1), 'noise .* -0.1'),
    (dict(noise=float('nan')), 'noise .* nan'),
    (dict(noise=float('inf')), 'noise .* inf'),
    (dict(seed=-1), 'seed .* -1'),
])
def test_invalid_argument_raises(bad, message):
    with pytest.raises(ValueError, match=message):
        SyntheticSkeletonDataset(**bad)
