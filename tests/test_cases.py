"""The inputs that tests/user_cases.py finds, and what must come of each."""
import csv
import json

import numpy as np
import pytest
from toy import load_tool
from user_cases import case

from psp_plugin.annotations.pickles import load_pickle
from psp_plugin.datasets.transforms.normalize import NormalizeSkeleton3D
from psp_plugin.recordings import ReadOptions, explain, read_recording


@pytest.fixture(scope='module')
def convert(tmp_path_factory):
    """Converts the folder ``in`` of a case; returns pickle and output."""
    main = load_tool('data/convert_skeletons').main

    def run(capsys, name, *options):
        output = tmp_path_factory.mktemp('case') / 'out.pkl'
        main([str(case(name) / 'in'), '-o', str(output), *map(str, options)])
        return load_pickle(str(output)), capsys.readouterr().out

    return run


def clips(data):
    return {clip['frame_dir']: clip for clip in data['annotations']}


def test_array_of_c_t_v_m_is_refused_until_it_is_named(convert, capsys):
    name = 'npy_ctvm_two_persons'
    with pytest.raises(SystemExit, match=r'\(3, 12, 17, 2\).* --axes'):
        convert(capsys, name)
    data, _ = convert(capsys, name, '--axes', 'CTVM', '--labels',
                      case(name) / 'labels.csv')
    assert len(data['annotations']) == 4
    for stem, clip in clips(data).items():
        stored = np.load(case(name) / f'in/{stem}.npy')
        persons = np.float32(stored.transpose(3, 1, 2, 0))
        np.testing.assert_array_equal(
            clip['keypoint'], persons[persons.any((1, 2, 3))])
        assert clip['label'] == int(stem[1]) % 2


def test_body_number_that_changes_is_one_person(convert, capsys):
    data, out = convert(capsys, 'skeleton_body_number_changes')
    clip, = data['annotations']
    assert clip['keypoint'].shape == (1, 20, 25, 3)
    assert clip['keypoint'].any((2, 3)).all()
    assert 'a has 2 bodies, of which those that follow on each other' in out
    used = NormalizeSkeleton3D()(dict(keypoint=clip['keypoint']))
    assert used['total_frames'] == 20


@pytest.mark.parametrize('name, frames', [
    ('skeleton_phantom_longer_than_actor', 19),
    ('array_third_person_is_the_actor', 20),
])
def test_actor_is_the_first_person(convert, capsys, name, frames):
    data, out = convert(capsys, name)
    clip, = data['annotations']
    first = clip['keypoint'][0]
    present = first.any((1, 2))
    assert present.sum() == frames
    assert first[present].std(0).max() > 0.01  # moves
    used = NormalizeSkeleton3D(main='first')(dict(keypoint=clip['keypoint']))
    assert used['total_frames'] == frames
    if name.startswith('array'):
        assert 'dropped were those seen in 3 of 20 frames' in out


@pytest.mark.parametrize('file, joints', [
    ('kinetics_pose_xyc/in/flat.json', 18),
    ('kinetics_pose_xyc/in/nested.json', 18),
    ('kinetics_pose_nested/in/j17.json', 17),
    ('kinetics_pose_nested/in/j18.json', 18),
])
def test_kinetics_poses_keep_their_joints(file, joints):
    name, *rest = file.split('/')
    path = case(name).joinpath(*rest)
    clip = read_recording(str(path))
    frames = json.loads(path.read_text())['data']
    assert clip['keypoint'].shape == (1, len(frames), joints, 2)
    for points, scores, frame in zip(clip['keypoint'][0],
                                     clip['keypoint_score'][0], frames):
        pose = np.float32(frame['skeleton'][0]['pose']).reshape(joints, -1)
        np.testing.assert_array_equal(points, pose[:, :2])
        np.testing.assert_array_equal(scores, np.float32([0.9] * joints))


def test_labels_inside_are_used_where_asked_and_noted_otherwise(convert,
                                                                capsys):
    name = 'pickles_with_labels_inside'
    data, out = convert(capsys, name)
    assert 'labels inside the recordings, not used: 4 (--labels inside)' in out
    assert not any('label' in clip for clip in data['annotations'])
    data, _ = convert(capsys, name, '--labels', 'inside')
    for stem, clip in clips(data).items():
        stored = load_pickle(str(case(name) / f'in/{stem}.pkl'))
        assert clip['label'] == stored['label']
    assert set(data['split']) == {'train', 'val'}


def test_folder_per_class(convert, capsys):
    data, out = convert(capsys, 'folder_per_class')
    assert 'in 2 folders (run, walk): if these are their classes' in out
    assert list(data['split']) == ['unlabeled']
    data, _ = convert(capsys, 'folder_per_class', '--labels', 'folders')
    assert data['metainfo']['classes'] == ['run', 'walk']
    assert {stem: clip['label'] for stem, clip in clips(data).items()} == {
        f'{folder}/{i}': label for label, folder in enumerate(('run', 'walk'))
        for i in range(3)}


@pytest.mark.parametrize('table', ['empty', 'minus'])
def test_rows_without_a_label_are_unlabelled(convert, capsys, table):
    name = 'table_with_unlabelled_rows'
    path = case(name) / f'{table}.csv'
    data, out = convert(capsys, name, '--labels', path)
    with open(path, newline='') as stream:
        rows = {row['name']: row['label'] for row in csv.DictReader(stream)}
    assert 'without a label (empty or -1), thus unlabelled: 2' in out
    for stem, clip in clips(data).items():
        assert clip.get('label', -1) == int(rows[stem] or -1)
    assert data['split']['unlabeled'] == ['4', '5']


def test_folder_of_other_suffixes_names_what_is_there(convert, capsys):
    with pytest.raises(SystemExit) as error:
        convert(capsys, 'folder_of_other_suffixes')
    assert 'no recording could be used; the first of 5' in error.value.code
    out = capsys.readouterr().out
    for file in ('a.txt', 'b.csv', 'c.mat', 'd.bvh', 'e.npz'):
        assert file in out


def test_openpose_frames_are_one_clip(convert, capsys):
    data, out = convert(capsys, 'json_openpose_per_frame')
    clip, = data['annotations']
    assert clip['frame_dir'] == 'clip' and 'openpose_body25' in out
    assert data['metainfo'] == dict(layout='openpose_body25')
    files = sorted((case('json_openpose_per_frame') / 'in').iterdir())
    for points, scores, file in zip(clip['keypoint'][0],
                                    clip['keypoint_score'][0], files):
        person, = json.loads(file.read_text())['people']
        pose = np.float32(person['pose_keypoints_2d']).reshape(25, 3)
        np.testing.assert_array_equal(points, pose[:, :2])
        np.testing.assert_array_equal(scores, pose[:, 2])


@pytest.mark.parametrize('file, layout', [
    ('json_alphapose/in/list.json', 'coco'),
    ('json_alphapose/in/dict.json', 'not known'),
    ('json_mediapipe/in/frames.json', 'mediapipe'),
    ('json_mediapipe/in/list.json', 'mediapipe'),
    ('json_mediapipe/in/xyzv.json', 'mediapipe'),
])
def test_pose_estimators(file, layout):
    name, *rest = file.split('/')
    path = case(name).joinpath(*rest)
    assert f'joint layout: {layout}' in explain(str(path), ReadOptions())
    clip = read_recording(str(path))
    content = json.loads(path.read_text())
    if name == 'json_mediapipe':
        assert clip['keypoint'].shape == (1, 3, 33, 3)
        np.testing.assert_array_equal(
            clip['keypoint'][0, :, 0], np.float32([[0.1, 0.2, 0.3]] * 3))
        assert 'keypoint_score' not in clip
        return
    images = content.values() if isinstance(content, dict) else [
        [person] for person in content]
    for points, scores, (person, ) in zip(
            clip['keypoint'][0], clip['keypoint_score'][0], images):
        pose = np.float32(person['keypoints']).reshape(-1, 3)
        np.testing.assert_array_equal(points, pose[:, :2])
        np.testing.assert_array_equal(scores, pose[:, 2])
