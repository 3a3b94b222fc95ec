"""Files of NTU RGB+D are read as by the toolbox's own converter.

``NTU_SKELETONS=/path/to/nturgb+d_skeletons`` checks all files of a folder;
without it, files of the same format are written here.
"""
import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
from commands import TOOLBOX
from foreign import skeleton_text

from psp_plugin.recordings import RecordingError, read_recording
from psp_plugin.recordings.formats.ntu import read_skeleton
from psp_plugin.recordings.text_files import read_text

FOLDER = os.environ.get('NTU_SKELETONS')
FILES = sorted(Path(FOLDER).glob('**/*.skeleton')) if FOLDER else []


def toolbox():
    """The toolbox's converter of NTU RGB+D as a module."""
    path = TOOLBOX / 'data/skeleton/gen_ntu_rgbd_raw.py'
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


READ_SKELETON = toolbox().read_skeleton_filter


def toolbox_frames(path):
    """[[(number, joints (V, 3)), ...], ...] as the toolbox reads them."""
    return [[(body['bodyID'], np.array([
        [joint[axis] for axis in 'xyz'] for joint in body['jointInfo']]))
        for body in frame['bodyInfo']]
        for frame in READ_SKELETON(str(path))['frameInfo']]


def check(path):
    """Compares a file's frames, bodies and clip with the toolbox's."""
    expected = toolbox_frames(path)
    recording, = read_skeleton(read_text(path))
    assert len(recording.frames) == len(expected)
    for frame, (ours, theirs) in enumerate(zip(recording.frames, expected)):
        assert [float(body.number) for body in ours] == [
            number for number, _ in theirs], f'bodies of frame {frame}'
        for body, (_, joints) in zip(ours, theirs):
            np.testing.assert_array_equal(body.points, joints)
    if not any(expected):
        with pytest.raises(RecordingError, match='no person'):
            read_recording(str(path))
        return
    check_clip(read_recording(str(path), max_persons=None), expected)
    check_clip(read_recording(str(path)), expected, dropped=True)


def check_clip(clip, expected, dropped=False):
    """Each pose of a clip must be that of one body of the same frame.

    Without dropped persons, each body must be in the clip.
    """
    assert clip['total_frames'] == len(expected)
    for frame, bodies in enumerate(expected):
        ours = [pose.tobytes() for pose in clip['keypoint'][:, frame]
                if pose.any()]
        theirs = [joints.astype(np.float32).tobytes()
                  for _, joints in bodies if joints.any()]
        if dropped:
            assert len(ours) <= 2
            for pose in ours:
                theirs.remove(pose)  # each body is one person at most
        else:
            assert sorted(ours) == sorted(theirs), f'frame {frame}'


@pytest.mark.skipif(not FOLDER, reason='needs NTU RGB+D: set NTU_SKELETONS')
def test_the_folder_has_files():
    assert FILES, f'{FOLDER} has no .skeleton file'


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.stem)
def test_original_file(path):
    check(path)


def written(path, frames):
    """Writes [{number: joints (V, 3)}, ...] in the format of NTU RGB+D."""
    path.write_bytes(skeleton_text(frames).replace('\n', '\r\n').encode())
    return path


# Numbers of bodies of Kinect v2, which a float cannot tell apart.
ACTOR, OTHER, LATER = (72057594037944738 + i for i in range(3))
RNG = np.random.default_rng(0)
POSES = (RNG.normal(size=(25, 3))
         + RNG.normal(size=(6, 25, 3)) / 50)  # the same person in 6 frames
AWAY = POSES + (3, 0, 0)


@pytest.mark.parametrize('frames', [
    [{ACTOR: pose} for pose in POSES],
    [{ACTOR: a, OTHER: b} for a, b in zip(POSES, AWAY)],
    [{OTHER: b, ACTOR: a} if t % 2 else {ACTOR: a, OTHER: b}
     for t, (a, b) in enumerate(zip(POSES, AWAY))],
    [{}, {ACTOR: POSES[1]}, {}, {LATER: POSES[3], OTHER: AWAY[3]}, {}],
    [{number: POSES[t] + 3 * number for number in range(4)}
     for t in range(3)],
    [{}, {}],
], ids=['one', 'two', 'swapped', 'renumbered', 'four', 'none'])
def test_written_file(tmp_path, frames):
    check(written(tmp_path / 'S001C001P001R001A001.skeleton', frames))


@pytest.mark.parametrize('change', [
    lambda clip: clip['keypoint'].__setitem__((0, 1, 3, 2), 9),
    lambda clip: clip.update(total_frames=5),
    lambda clip: clip.update(keypoint=clip['keypoint'][:, ::-1])])
def test_the_comparison_can_fail(tmp_path, change):
    path = written(tmp_path / 'a.skeleton', [{ACTOR: p} for p in POSES])
    clip = read_recording(str(path), max_persons=None)
    change(clip)
    with pytest.raises(AssertionError):
        check_clip(clip, toolbox_frames(path))
