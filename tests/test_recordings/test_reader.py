"""Every format of recordings: results, and errors for invalid files."""
import json
import os
import pickle
import zipfile

import numpy as np
import pytest
from foreign import skeleton_text

from psp_plugin.recordings import ReadOptions, RecordingError, read_recording

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(2, 4, 5, 3)).astype(np.float32)  # M, T, V, C
# Scores of the same mean, so that persons keep their order.
EVEN = np.concatenate([POINTS[..., :2], np.full((2, 4, 5, 1), 0.5)], -1)
SCORES = RNG.uniform(size=(2, 4, 5)).astype(np.float32)


def save(path, content):
    """Writes an array, bytes, text, or anything else as JSON."""
    if isinstance(content, np.ndarray):
        np.save(path, content, allow_pickle=True)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str)
                        else json.dumps(content))
    return str(path)


def kinetics(frames):
    """Kinetics-skeleton data of [(index, [(pose, score), ...]), ...]."""
    return dict(
        data=[dict(frame_index=index,
                   skeleton=[dict(pose=np.ravel(pose).tolist(), score=score)
                             for pose, score in persons])
              for index, persons in frames],
        label='walking', label_index=3)


def assert_raises(path, reason, **options):
    with pytest.raises(RecordingError) as error:
        read_recording(str(path), **options)
    message = str(error.value)
    assert message.startswith(f'{path} ') and '\n' not in message
    assert reason in message
    assert error.value.reason == message[len(str(path)) + 1:]


@pytest.mark.parametrize('name, content, persons', [
    ('a.npy', POINTS, 2),
    ('a.npz', dict(keypoint=POINTS, label=3), 2),
    ('a.npz', dict(points=POINTS), 2),
    ('a.NPY', POINTS.astype(np.float64), 2),
    ('a.npy', POINTS[0], 1),
    ('a.npy', np.asfortranarray(POINTS), 2),
    ('a.json', POINTS.tolist(), 2),
    ('a.json', POINTS[0].tolist(), 1),
    ('a.json', dict(keypoint=POINTS.tolist(), label=7), 2),
    ('a.json', dict(keypoint=POINTS[0].tolist()), 1),
    ('a.json', dict(skeletons=POINTS[0].tolist(), label=9), 1),
])
def test_three_dimensional_forms(tmp_path, name, content, persons):
    path = tmp_path / name
    if isinstance(content, np.ndarray):
        with open(path, 'wb') as stream:  # np.save would add a suffix
            np.save(stream, content)
    elif name == 'a.npz':
        np.savez(path, **content)
    else:
        save(path, content)
    clip = read_recording(str(path))
    assert set(clip) == {'frame_dir', 'keypoint', 'total_frames'}
    assert clip['frame_dir'] == 'a' and clip['total_frames'] == 4
    assert clip['keypoint'].dtype == np.float32
    np.testing.assert_array_equal(clip['keypoint'], POINTS[:persons])


def test_two_dimensional_form_with_scores(tmp_path):
    clip = read_recording(save(tmp_path / 'a.json', dict(
        keypoint=POINTS[..., :2].tolist(), keypoint_score=SCORES.tolist(),
        img_shape=[480, 640])))
    np.testing.assert_array_equal(clip['keypoint'], POINTS[..., :2])
    np.testing.assert_array_equal(clip['keypoint_score'], SCORES)
    assert clip['keypoint_score'].dtype == np.float32
    assert clip['img_shape'] == (480, 640)
    assert clip['total_frames'] == 4


@pytest.mark.parametrize('points', [EVEN, EVEN[0]])
def test_scored_uses_the_third_channel_as_score(tmp_path, points):
    path = save(tmp_path / 'a.npy', points)
    clip = read_recording(path, scored=True)
    full = read_recording(path)['keypoint']
    np.testing.assert_array_equal(clip['keypoint'], full[..., :2])
    np.testing.assert_array_equal(clip['keypoint_score'], full[..., 2])


def test_scored_keeps_existing_scores(tmp_path):
    path = save(tmp_path / 'a.json', dict(
        keypoint=POINTS[..., :2].tolist(), keypoint_score=SCORES.tolist()))
    clip = read_recording(path, scored=True)
    np.testing.assert_array_equal(clip['keypoint_score'], SCORES)


def test_kinetics_form(tmp_path):
    pose, score = POINTS[..., :2].copy(), SCORES
    pose[:] = pose[:, :1]  # two persons who do not move
    pose[1] += 20
    path = save(tmp_path / 'a.json', kinetics([
        (5, [(pose[1, 3], score[1, 3].tolist())]),  # frame 4 of the clip
        (1, [(pose[0, 0], score[0, 0].tolist()),
             (pose[1, 0], score[1, 0].tolist())]),
        (2, []),  # frame 3 is not listed
    ]))
    clip = read_recording(path)
    points, scores = np.zeros((2, 5, 5, 2)), np.zeros((2, 5, 5))
    points[:, 0], scores[:, 0] = pose[:, 0], score[:, 0]
    points[1, 4], scores[1, 4] = pose[1, 3], score[1, 3]
    np.testing.assert_array_equal(clip['keypoint'], points)
    np.testing.assert_array_equal(clip['keypoint_score'], scores)
    assert clip['total_frames'] == 5 and clip['frame_dir'] == 'a'


def test_kinetics_form_without_scores_or_indices(tmp_path):
    still = POINTS[0, :1, :, :2].repeat(4, 0)
    data = [dict(skeleton=[dict(pose=pose.ravel().tolist())])
            for pose in still]
    clip = read_recording(save(tmp_path / 'a.json', dict(data=data)))
    assert 'keypoint_score' not in clip
    np.testing.assert_array_equal(clip['keypoint'], still[None])


def test_order_of_ntu_bodies(tmp_path):
    walker, waver, still, ghost = RNG.normal(size=(4, 6, 25, 3)).round(4)
    waver[:] = waver[:1] + np.arange(6)[:, None, None] * 0.5
    still[:] = still[:1]
    frames = [dict() for _ in range(6)]
    for t in range(6):  # the order of the bodies in the file changes
        bodies = [('72057594037931101', walker), ('9', still), ('7', waver)]
        for body, joints in bodies[::-1] if t % 2 else bodies:
            if t < 5 or body == '72057594037931101':
                frames[t][body] = joints[t]
    frames[5]['3'] = ghost[5] * 100  # would vary most with a second frame
    path = save(tmp_path / 'S001C001P001R001A001.skeleton',
                skeleton_text(frames))
    clip = read_recording(path)
    assert clip['frame_dir'] == 'S001C001P001R001A001'
    assert clip['keypoint'].shape == (2, 6, 25, 3)
    np.testing.assert_array_equal(clip['keypoint'][0], np.float32(walker))
    np.testing.assert_array_equal(clip['keypoint'][1, :5],
                                  np.float32(waver[:5]))
    assert not clip['keypoint'][1, 5].any()
    everyone = read_recording(path, max_persons=None)['keypoint']
    np.testing.assert_array_equal(everyone[2, :5], np.float32(still[:5]))
    np.testing.assert_array_equal(everyone[3, 5], np.float32(ghost[5] * 100))
    assert len(everyone) == 4


def test_ntu_frames_without_a_body_stay_zero(tmp_path):
    body = np.ones((25, 3))
    text = skeleton_text([{}, {'1': body}, {}]).replace('\n', '\r\n')
    clip = read_recording(save(tmp_path / 'a.skeleton', text.encode()))
    assert clip['total_frames'] == 3
    np.testing.assert_array_equal(clip['keypoint'][0, :, 0, 0], [0, 1, 0])


def test_persons_without_values_are_dropped(tmp_path):
    points = np.insert(POINTS, 1, 0, axis=0)  # a person of zeros in between
    scores = np.insert(SCORES, 1, 0, axis=0)
    clip = read_recording(save(tmp_path / 'a.json', dict(
        keypoint=points.tolist(), keypoint_score=scores.tolist())))
    np.testing.assert_array_equal(clip['keypoint'], POINTS)
    np.testing.assert_array_equal(clip['keypoint_score'], SCORES)


@pytest.fixture
def pool(tmp_path):
    """Three toolbox annotations, in half precision like NTU's."""
    return [dict(frame_dir=f'clip {i}', label=i, total_frames=4,
                 img_shape=(480, 640), original_shape=(480, 640),
                 keypoint=(POINTS[..., :2] + i).astype(np.float16),
                 keypoint_score=SCORES.astype(np.float16)) for i in range(3)]


@pytest.mark.parametrize('form', ['dataset', 'list', 'filename'])
def test_clip_of_a_toolbox_pickle(tmp_path, pool, form):
    data = dict(split=dict(x=[]), annotations=pool)
    if form == 'list':
        data = pool
    if form == 'filename':
        for clip in pool:
            clip['filename'] = clip.pop('frame_dir')
    path = save(tmp_path / 'data.pkl', pickle.dumps(data))
    for i in (2, 0):
        clip = read_recording(f'{path}#clip {i}')
        assert set(clip) == {'frame_dir', 'keypoint', 'keypoint_score',
                             'total_frames', 'img_shape'}
        assert clip['frame_dir'] == f'clip {i}'
        assert clip['keypoint'].dtype == np.float32
        np.testing.assert_array_equal(clip['keypoint'], pool[i]['keypoint'])
        clip['keypoint'][:] = 0  # the next call returns a copy
    assert read_recording(f'{path}#clip 2')['keypoint'].any()


def test_pickle_of_one_annotation(tmp_path, pool):
    path = save(tmp_path / 'mine.pkl', pickle.dumps(pool[1], protocol=2))
    clip = read_recording(path)
    assert clip['frame_dir'] == 'mine' and 'label' not in clip
    np.testing.assert_array_equal(clip['keypoint'], pool[1]['keypoint'])


def test_changed_pickle_is_read_again(tmp_path, pool):
    path = tmp_path / 'data.pkl'
    save(path, pickle.dumps(pool))
    assert read_recording(f'{path}#clip 1')['total_frames'] == 4
    save(path, pickle.dumps(pool[1:]))
    assert_raises(f'{path}#clip 0', 'contains 0 clips of this name among 2')


def test_hash_in_other_file_names(tmp_path):
    path = save(tmp_path / 'take #1.npy', POINTS)
    assert read_recording(path)['frame_dir'] == 'take #1'


class Command:

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (self.mark, )


def test_code_in_files_is_not_run(tmp_path, pool):
    mark = str(tmp_path / 'mark')
    pool[1]['extra'] = Command(mark)
    path = save(tmp_path / 'data.pkl', pickle.dumps(pool))
    assert_raises(f'{path}#clip 0', '.mkdir')
    objects = np.empty(2, dtype=object)
    objects[0] = Command(mark)
    assert_raises(save(tmp_path / 'a.npy', objects), 'is not a .npy file')
    assert not os.path.exists(mark)


NAN = POINTS.copy()
NAN[1, 2, 3, 0] = np.nan
LATE = [[[1, 2, 3]] * 5] * 3 + [[[1, 2, 3]] * 4]
BODY = np.ones((3, 3))
TEXT = skeleton_text([{'1': BODY}, {'1': BODY}])
POSE = np.ones((3, 2))

BAD_ARRAYS = [
    (POINTS.astype(complex), 'has values that are not numbers'),
    (POINTS > 0, 'has values that are not numbers'),
    (np.array(['x']), 'has values that are not numbers'),
    (np.float32(3), 'has an array of shape ()'),
    (POINTS[0, 0], 'has an array of shape (5, 3), which is not (T, V, C)'),
    (POINTS[None], 'has an array of shape (1, 2, 4, 5, 3)'),
    (POINTS[..., :1], 'persons x frames x joints x coordinates (2 or 3)'),
    (np.ones((3, 300, 25, 1)), 'likely --axes CTVM'),
    (np.ones((4, 5, 7)), 'name the order of its axes, with --axes'),
    (POINTS[:0], 'has no persons'),
    (POINTS[:, :0], 'has no frames'),
    (POINTS[0, :, :0], 'has no joints'),
    (np.ones((4, 5, 0)), 'has no coordinates'),
    (POINTS * 0, 'has only zeros'),
    (NAN, 'has NaN or infinite coordinates in 1 of 4 frames, the first being '
          'frame 2'),
    (POINTS.astype(np.float64) * 1e300, 'infinite coordinates in 4 of 4'),
    (b'', 'is empty'),
    (b'not NumPy', 'is not a .npy file of numbers'),
    (b'\x93NUMPY\x01\x00', 'is not a .npy file of numbers'),
]


@pytest.mark.parametrize('content, reason', BAD_ARRAYS)
def test_invalid_npy_files_raise(tmp_path, content, reason):
    assert_raises(save(tmp_path / 'a.npy', np.asarray(content) if isinstance(
        content, np.generic) else content), reason)


def test_truncated_and_oversized_npy_files_raise(tmp_path):
    path = tmp_path / 'a.npy'
    save(path, POINTS)
    full = path.read_bytes()
    save(path, full[:-10])
    assert_raises(path, 'is not a .npy file of numbers')
    save(path, full.replace(b'(2, 4, 5, 3)', b'(2,4000000000000,5,3)'))
    assert_raises(path, 'is not a .npy file of numbers')
    with zipfile.ZipFile(path, 'w') as archive:  # an .npz
        archive.writestr('keypoint.npy', full)
    assert_raises(path, 'is not a .npy file of numbers')


@pytest.mark.parametrize('content, reason', [
    ('', 'is empty'),
    ('{"keypoint": [[[1, 2', 'is not JSON'),
    (b'\xff\xfe\x00', 'is not text in UTF-16'),
    ('[' * 200000, 'is not JSON'),
    ('5', 'holds the value 5, which is in none of the formats of .json files '
     '(PoseDataset annotation'),
    ({}, 'holds an empty object'),
    (dict(frames=1), "holds an object with the keys 'frames', which is in "),
    ([], 'has no frames'),
    ([[]], 'has no joints'),
    (dict(skeletons=[]), 'has no frames'),
    (dict(skeletons=5), 'has key points of shape (), not (T, V, C)'),
    (dict(keypoint={}), 'has values that are not numbers'),
    (dict(keypoint=[[['x', 'y']]]), 'has values that are not numbers'),
    (dict(keypoint=[[[1, None]]]), 'has values that are not numbers'),
    ([[[1, 2], [3, 4]], 5], 'has 0 joints in frame 1, not 2 as in the first'),
    (LATE, 'has 4 joints in frame 3, not 5 as in the first'),
    ([LATE[:3], LATE[:2]], 'has 2 frames in person 1, not 3 as in the first'),
    ([LATE[:3], LATE[1:]], 'has 4 joints in frame 2 of person 1, not 5'),
    ([[[1, 2, 3], [1, 2]]], 'has 2 coordinates in joint 1 of frame 0, not 3'),
    ('{"keypoint": [[[NaN, 1]]]}',
     'has NaN or infinite coordinates in 1 of 1 frames'),
    ([[[0, 0]] * 4], 'has only zeros'),
    ([[[1, 1]]], 'has an array of shape (1, 1, 2), which does not look like'),
    (dict(keypoint=POINTS.tolist(), keypoint_score=SCORES[0].tolist()),
     'has scores of shape (4, 5), which do not fit key points of shape (2, '),
    (dict(keypoint=POINTS.tolist(), keypoint_score=[[1], [1, 2]]),
     'has 2 joints in frame 1, not 1 as in the first, in "keypoint_score"'),
    ('{"keypoint": [[[1, 1]]], "keypoint_score": [[Infinity]]}',
     'has NaN or infinite scores'),
    (dict(keypoint=[[[1, 1]]], img_shape=[640]), 'has img_shape [640]'),
    (dict(keypoint=[[[1, 1]]], img_shape=[0, 640]), 'has img_shape [0, 640]'),
    (dict(data=[]), 'has no frames'),
    (dict(data=[5]), 'has no list "skeleton" in entry 0'),
    (kinetics([(1, []), (2, [])]), 'has no person in any frame'),
    (kinetics([(1, [(POSE, [1, 1, 1])]), (1, [])]), 'a frame_index twice'),
    (kinetics([('1', [(POSE, [1, 1, 1])])]), "has frame_index '1'"),
    (kinetics([(1, [(POSE, [1, 1, 1])]), (10**9, [])]),
     'has frames 1 to 1000000000, more than 100000'),
    (kinetics([(1, [(POSE, [1] * 4)])]), 'has 4 scores for 3 joints in entry'),
    (kinetics([(1, [(POSE, [1, 1, 1]), (POSE[:2], [1, 1])])]),
     'has poses of 3 and of 2 joints'),
    (kinetics([(1, [(np.ones(5), [1, 1])])]), 'has no list "pose" of x and y'),
    (dict(data=[dict(skeleton=[dict(pose=[1, 1], score=[1]),
                               dict(pose=[1, 1])])]),
     'has scores for 1 of 2 poses'),
])
def test_invalid_json_files_raise(tmp_path, content, reason):
    assert_raises(save(tmp_path / 'a.json', content), reason)


def changed(line, text, original=TEXT):
    """The text with one line, counted from 1, replaced."""
    lines = original.split('\n')
    return '\n'.join([*lines[:line - 1], text, *lines[line:]])


@pytest.mark.parametrize('content, reason', [
    ('', 'is empty'),
    ('0\n', 'has no frames'),
    ('2\n0\n0\n', 'has no person in any frame'),
    (b'\x80\xff', 'is not text in UTF-8'),
    ('\n'.join(TEXT.split('\n')[:9]),
     'ends after line 9, where the number of joints is expected'),
    ('\n'.join(TEXT.split('\n')[:6]),
     'ends after line 6, where joint 2 is expected'),
    ('3' + TEXT[1:],
     'ends after line 13, where the number of bodies of frame 2 is expected'),
    ('1' + TEXT[1:], 'continues after the last of 1 frames, in line 8'),
    (changed(1, 'two'), "has 'two' in line 1 instead of the number of fr"),
    (changed(2, '1 1'), "has '1 1' in line 2 instead of the number of bod"),
    (changed(3, ''), 'has nothing in line 3 instead of a body of frame 0'),
    (changed(4, '-3'), "has '-3' in line 4 instead of the number of"),
    (changed(4, '0'), 'has a body without joints in line 4'),
    (changed(4, '9' * 5000), "in line 4 instead of the number of joints"),
    (changed(5, '1 2'), "has '1 2' in line 5 instead of x, y and z of"),
    (changed(6, 'nan 2 3'), 'has NaN or infinity in line 6 instead of joint'),
    (TEXT[:-6], 'has 9 numbers in line 13 instead of 12 for joint 2'),
    (skeleton_text([{'1': BODY}, {'1': BODY[:2]}]),
     'has persons of 2 and of 3 joints'),
    (skeleton_text([{'7': BODY, '8': BODY}]).replace('8 ', '7 '),
     'has body 7 twice in frame 0, again in line 8'),
    (skeleton_text([{'1': BODY * 0}]), 'has only zeros'),
])
def test_invalid_skeleton_files_raise(tmp_path, content, reason):
    assert_raises(save(tmp_path / 'a.skeleton', content), reason)


@pytest.mark.parametrize('data, name, reason', [
    ([dict(keypoint=POINTS)] * 2, None, 'contains 2 clips: append the name'),
    ([dict(frame_dir='x', keypoint=POINTS)] * 2, None, 'such as #x'),
    ([dict(frame_dir='x')] * 2, 'x', 'contains 2 clips of this name among 2'),
    ([dict(frame_dir='x')], 'y', 'contains 0 clips of this name among 1'),
    ([dict(frame_dir='x', label=3)], 'x', 'has no "keypoint"'),
    ([dict(frame_dir='x', keypoint='abc')], 'x', 'are not numbers'),
    ([dict(frame_dir='x', keypoint=NAN)], 'x', 'has NaN or infinite'),
    ('text', 'x', "holds text that starts with 'text', which is in none"),
    ([1, 2], 'x', 'holds a list of 2 items, the first the value 1'),
    (dict(split={}), None, "holds an object with the keys 'split'"),
])
def test_invalid_pickles_raise(tmp_path, data, name, reason):
    path = save(tmp_path / 'a.pkl', pickle.dumps(data))
    assert_raises(f'{path}#{name}' if name else path, reason)


def test_damaged_pickle_raises(tmp_path):
    assert_raises(save(tmp_path / 'a.pkl', b'no pickle'), 'is not a pickle')
    assert_raises(save(tmp_path / 'b.pkl', b''), 'is empty')


def test_missing_files_and_other_formats_raise(tmp_path):
    assert_raises(tmp_path / 'absent.npy', 'does not exist')
    assert_raises(f'{tmp_path / "absent.pkl"}#x', 'does not exist')
    (tmp_path / 'folder.npy').mkdir()
    assert_raises(tmp_path / 'folder.npy', 'is a folder, but not of one ')
    assert_raises(save(tmp_path / 'a.avi', 'x'), 'is not one of .pkl, .json, ')


@pytest.mark.parametrize('content, reason', [
    (dict(keypoint=POINTS[..., :2].tolist()),
     'has 2 channels, neither of which can be the score'),
    (dict(keypoint=POINTS.tolist(), keypoint_score=SCORES.tolist()),
     'has scores in addition to key points of 3 channels'),
    ([[[0, 0, 0.5]] * 4], 'has only zeros'),
    ('{"keypoint": [[[1, 1, NaN]]]}', 'has NaN or infinite scores'),
])
def test_invalid_scores_raise(tmp_path, content, reason):
    name = 'a.npy' if isinstance(content, np.ndarray) else 'a.json'
    assert_raises(save(tmp_path / name, content), reason, scored=True)


def test_error_can_be_pickled(tmp_path):
    error = RecordingError('a.npy', 'is empty')
    assert str(pickle.loads(pickle.dumps(error))) == 'a.npy is empty'


def test_real_json_files(nwucla_zip, tmp_path):
    with zipfile.ZipFile(nwucla_zip) as archive:
        names = [n for n in archive.namelist() if n.endswith('.json')][:3]
        archive.extractall(tmp_path, names)
    for name in names:
        clip = read_recording(str(tmp_path / name))
        expected = json.loads((tmp_path / name).read_text())['skeletons']
        assert clip['keypoint'].shape == (1, len(expected), 20, 3)
        np.testing.assert_array_equal(clip['keypoint'][0],
                                      np.float32(expected))


def test_clips_of_an_array_are_read_by_the_name_that_is_shown(tmp_path):
    rng = np.random.default_rng(0)
    many = rng.normal(size=(3, 3, 9, 17, 1)) + np.arange(3)[:, None, None,
                                                            None, None]
    np.save(tmp_path / 'many.npy', many)
    path, options = str(tmp_path / 'many.npy'), ReadOptions(axes='NCTVM')
    with pytest.raises(RecordingError, match='3 clips: .* such as #many_0'):
        read_recording(path, options=options)
    clip = read_recording(f'{path}#many_2', options=options)
    np.testing.assert_array_equal(
        clip['keypoint'], np.float32(many[2].transpose(3, 1, 2, 0)))
    with pytest.raises(RecordingError, match='0 clips of this name among 3'):
        read_recording(f'{path}#many_3', options=options)


def test_file_of_invalid_clips_only(tmp_path):
    path = save(tmp_path / 'a.pkl', pickle.dumps(
        [dict(frame_dir=name, keypoint=np.zeros((1, 4, 5, 3)))
         for name in 'ab']))
    assert_raises(path, "has no valid clip: 'a', the first of 2, has only "
                        'zeros')
