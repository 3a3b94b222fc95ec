"""The warning of normalisation joints that are not spine and shoulders."""
import warnings

import numpy as np
import pytest
from bad_inputs import config, write
from mmengine.registry import DATASETS

from psp_plugin.annotations import read_annotations
from psp_plugin.datasets import SemiSupervisedDataset
from psp_plugin.datasets.axes import describe_axes, measure
from psp_plugin.datasets.synthetic import make_clip
from psp_plugin.datasets.transforms import NormalizeSkeleton3D
from psp_plugin.skeletons import get_pyramid

# The default joints (0, 1), (8, 4) of other layouts, as joints of NW-UCLA.
OTHERS = {
    'Human3.6M': dict(zaxis=(0, 16), xaxis=(2, 12)),
    'SMPL': dict(zaxis=(0, 12), xaxis=(18, 13)),
    'BODY_25': dict(zaxis=(3, 2), xaxis=(0, 11)),
    'swapped': dict(zaxis=(8, 4), xaxis=(0, 2)),
}


@pytest.fixture(scope='module')
def synthetic():
    return [dict(make_clip(i % 10, split='train'), frame_dir=f'clip{i}')
            for i in range(20)]


@pytest.fixture(scope='module')
def nwucla(nwucla_pkl):
    return read_annotations(nwucla_pkl).clips


def points(clips):
    return [clip['keypoint'] for clip in clips]


def problems(clips, **axes):
    return describe_axes(NormalizeSkeleton3D(**axes), points(clips))


def test_right_joints_of_synthetic_clips(synthetic):
    assert problems(synthetic) == []
    assert problems(synthetic, zaxis=(0, 20)) == []


def test_wrong_joints_are_named(synthetic):
    assert problems(synthetic, center=3) == [
        'center, joint 3, is at an end of the body']
    spine, across, center = problems(
        synthetic, zaxis=(4, 8), xaxis=(9, 5), center=15)
    assert spine.startswith('zaxis, from joint 4 to joint 8, does not run')
    assert across == ('xaxis, from joint 5 to joint 9, is not across zaxis, '
                      'from joint 4 to joint 8')
    assert center == 'center, joint 15, is at an end of the body'


def test_names_of_the_layout(synthetic):
    names = [f'name{i}' for i in range(25)]
    layout = dict(parts=[range(25)], bodies=[[0]], joint_names=names,
                  center=1, zaxis=[4, [8, 9]], xaxis=[8, 4])
    assert problems(synthetic, layout=layout)[:1] == [
        'zaxis, from joint 4 (name4) to joint 8 (name8) and 9 (name9), '
        'does not run along the body']


def test_reversed_spine_is_noticed_by_the_names_of_joints(synthetic):
    axes = dict(center=1, zaxis=(0, 1), xaxis=(8, 4))
    table = dict(parts=[range(25)], bodies=[[0]],
                 joint_names=get_pyramid('nturgb+d').joint_names)
    assert problems(synthetic, layout=dict(table, **axes)) == []
    axes['zaxis'] = (1, 0)
    found = problems(synthetic, layout=dict(table, **axes))
    assert found == ['zaxis, from joint 1 (spine) to joint 0 (hip center), '
                     'points from the head to the feet']


def test_switched_off_axes_are_not_looked_at(synthetic):
    wrong = dict(zaxis=(0, 12), xaxis=(12, 0), center=15)
    assert problems(synthetic, **wrong, align_spine=False,
                    align_shoulder=False, align_center=False) == []


def test_lying_persons_are_right(synthetic):
    turn = np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]])
    assert describe_axes(NormalizeSkeleton3D(), [
        keypoint @ turn for keypoint in points(synthetic)]) == []


def test_frames_without_the_joints_do_not_count(synthetic):
    keypoint = synthetic[0]['keypoint'].copy()
    assert measure(NormalizeSkeleton3D(center=25), keypoint) == {}
    keypoint[:, :, 4] = 0
    assert measure(NormalizeSkeleton3D(), keypoint) == {}


def warned(function):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('default')
        function()
    return [str(warning.message) for warning in caught
            if 'NormalizeSkeleton3D' in str(warning.message)]


@pytest.mark.parametrize('zaxis, count', [((0, 1), 0), ((0, 12), 1)])
def test_one_warning_for_all_views_of_a_file(synthetic, tmp_path, zaxis,
                                             count):
    pipeline = [dict(type='NormalizeSkeleton3D', zaxis=zaxis)]

    def build():
        train = config(write(tmp_path, list(synthetic)), pipeline=pipeline)
        for subset in ('labeled', 'unlabeled'):
            SemiSupervisedDataset(train, subset, labeled_per_class=1)
        DATASETS.build(train)

    texts = warned(build)
    assert len(texts) == count
    if count:
        assert texts[0].startswith(
            f'{tmp_path}/a.pkl: NormalizeSkeleton3D does not fit these joints,'
            ' as in most clips zaxis, from joint 0 to joint 12, does not')
        assert texts[0].endswith('or with center, zaxis and xaxis')


def test_2d_clips_are_not_measured(tmp_path):
    clips = [dict(frame_dir=f'{i}', label=0, total_frames=4,
                  keypoint=np.ones((1, 4, 25, 2), 'f4')) for i in range(3)]
    assert not warned(lambda: DATASETS.build(config(
        write(tmp_path, clips), pipeline=[dict(type='NormalizeSkeleton3D')])))


@pytest.mark.parametrize('zaxis', [(0, 1), (0, 2)])
def test_no_false_alarm_on_nwucla(nwucla, zaxis):
    rng = np.random.default_rng(0)
    for label in range(10):
        clips = [clip for clip in nwucla if clip['label'] == label]
        chosen = [clips[i] for i in rng.choice(len(clips), 20)]
        assert problems(chosen, zaxis=zaxis) == []
    sitting = [dict(keypoint=clip['keypoint'][:, -3:])
               for clip in nwucla if clip['label'] == 4]
    assert problems(sitting[::5], zaxis=zaxis) == []
    above = [dict(keypoint=clip['keypoint'][:, :, :12]) for clip in nwucla]
    assert problems(above[::50], zaxis=zaxis) == []


@pytest.mark.parametrize('name', OTHERS)
def test_default_joints_of_other_layouts_on_nwucla(nwucla, name):
    assert problems(nwucla[::75], **OTHERS[name])


def test_shuffled_joints_of_nwucla(nwucla):
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(40):
        order = rng.permutation(20)
        found += bool(problems(
            nwucla[::75], center=order[1], zaxis=order[[0, 2]].tolist(),
            xaxis=order[[8, 4]].tolist()))
    assert found >= 36
