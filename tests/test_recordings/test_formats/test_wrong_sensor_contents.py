"""Wrong contents of sensors', data sets' and motion capture files.

Whatever a file has, its format reads it or raises InvalidRecording.
"""
import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psp_plugin.recordings.formats import (
    bvh,
    kinect,
    npz,
    pku_mmd,
    text,
    utd_mhad,
)
from psp_plugin.recordings.recording import InvalidRecording

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats()
    | st.text(max_size=3), lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(['x', 'bodies', 'joints', 'frames']),
                      inner, max_size=3), max_leaves=6)
JOINTS = np.arange(96.).reshape(32, 3)
AZURE = dict(
    k4abt_sdk_version='1', joint_names=list(kinect.AZURE_JOINTS), frames=[
        dict(frame_id=t, timestamp_usec=t, bodies=[dict(
            body_id=1, joint_positions=JOINTS.tolist())]) for t in range(2)])
KINECT = dict(frames=[dict(timestamp_ms=t, bodies=[dict(
    TrackingId=1, joints={name: dict(x=1., y=2., z=3.) for name
                          in kinect.JOINT_TYPES['nturgb+d']})])
    for t in range(2)])
BVH = '''HIERARCHY
ROOT hip
{
OFFSET 0 0 0
CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
JOINT left
{
OFFSET 1 0 0
CHANNELS 3 Zrotation Xrotation Yrotation
End Site
{
OFFSET 1 0 0
}
}
}
MOTION
Frames: 1
Frame Time: 0.1
1 2 3 4 5 6 7 8 9
'''
TEXTS = {
    'BVH': (bvh, BVH), 'PKU-MMD': (pku_mmd, ('1 ' * 150 + '\n') * 2),
    'label file': (pku_mmd, '1,2,3,4\n2,3,4,5\n'),
    'table with names': (text, 'frame,a_x,a_y,b_x,b_y\n0,1,2,3,4\n'),
    'table without': (text, ('1;' * 33 + '1\n') * 2),
}


def places(content, path=()):
    """Iterates over the paths to all values of a JSON content."""
    yield path
    items = content.items() if isinstance(content, dict) else enumerate(
        content) if isinstance(content, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


def changed(content, path, value):
    """A copy of a JSON content with another value at a path."""
    if not path:
        return value
    content = copy.deepcopy(content)
    inner = content
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return content


def check(module, content):
    """Reads with every format that matches."""
    for form in module.FORMATS:
        if form.matches(content):
            try:
                recordings = form.read(content)
            except InvalidRecording as problem:
                assert '\n' not in str(problem)
            else:
                assert recordings
                assert all(recording.frames is not None
                           or recording.points is not None
                           for recording in recordings)


@pytest.mark.parametrize('content', [AZURE, KINECT], ids=['azure', 'v2'])
@settings(deadline=None, max_examples=40, derandomize=True)
@given(data=st.data())
def test_json(content, data):
    path = data.draw(st.sampled_from(list(places(content))))
    check(kinect, changed(content, path, data.draw(VALUES)))


@pytest.mark.parametrize('module, content', TEXTS.values(), ids=TEXTS)
@settings(deadline=None, max_examples=30, derandomize=True)
@given(data=st.data())
def test_text(module, content, data):
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(start + 9, len(content))))
    new = data.draw(st.text('0-.,;\n {}xnJé"', max_size=6))
    check(module, content[:start] + new + content[end:])


ARRAYS = st.sampled_from([
    np.array(1), np.array('a'), np.array(np.nan), np.zeros(0), np.zeros(3),
    np.full((3, 4), .5), np.zeros((2, 3, 150)), np.zeros((0, 3, 150)),
    np.zeros((20, 3, 2)), np.zeros((20, 3, 0)), np.array([None])])


@settings(deadline=None, max_examples=100, derandomize=True)
@given(content=st.dictionaries(st.sampled_from([
    'x_train', 'y_train', 'x_', 'keypoint', 'keypoints', 'scores', 'label',
    'img_shape', 'fps', 'd_skel', 'arr_0', 'b']), ARRAYS, max_size=4))
def test_arrays(content):
    check(npz, content)
    check(utd_mhad, content)
