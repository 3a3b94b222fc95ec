"""JSON files of Azure Kinect, Kinect v2 and Kinect v1."""
import numpy as np
import pytest
from foreign import azure, kinect_joints

from psp_plugin.recordings.formats.kinect import (
    AZURE_JOINTS,
    FORMATS,
    JOINT_TYPES,
)
from psp_plugin.recordings.formats.values import same_name
from psp_plugin.recordings.recording import InvalidRecording
from psp_plugin.skeletons import get_pyramid

AZURE, KINECT = FORMATS
RNG = np.random.default_rng(0)
POINTS = RNG.uniform(0.5, 2, (4, 32, 3))  # T, V, C in metres
V2 = JOINT_TYPES['nturgb+d']


def read(content):
    """Reads with the only format that matches."""
    form, = [form for form in FORMATS if form.matches(content)]
    recording, = form.read(content)
    return recording


def test_azure_millimetres_become_metres_by_body():
    recording = read(azure([{1: POINTS[0], 2: POINTS[1]}, {}, {2: POINTS[2]}]))
    assert [[body.number for body in frame]
            for frame in recording.frames] == [[1, 2], [], [2]]
    np.testing.assert_allclose(recording.frames[0][1].points, POINTS[1])
    np.testing.assert_allclose(recording.frames[2][0].points, POINTS[2])
    assert recording.layout == 'azure_kinect'
    assert recording.fps == 30
    assert not recording.notes


def test_azure_joints_are_read_by_name():
    content = azure([{1: POINTS[0]}])
    order = RNG.permutation(32)
    content['joint_names'] = [
        AZURE_JOINTS[i].replace('NAVEL', 'NAVAL') for i in order]
    body = content['frames'][0]['bodies'][0]
    body['joint_positions'] = [body['joint_positions'][i] for i in order]
    np.testing.assert_allclose(read(content).frames[0][0].points, POINTS[0])
    content['joint_names'][3] = 'TAIL'
    with pytest.raises(InvalidRecording, match='not the 32 joints'):
        read(content)


def test_azure_file_in_metres_is_noted():
    content = azure([{1: POINTS[0]}])
    content['frames'][0]['bodies'][0]['joint_positions'] = POINTS[0].tolist()
    recording = read(content)
    np.testing.assert_allclose(recording.frames[0][0].points, POINTS[0])
    assert 'metres' in recording.notes[0]


def test_azure_frames_have_gaps_and_invalid_bodies_no_number():
    content = azure([{0xFFFFFFFF: POINTS[0]}, {3: POINTS[1]}, {3: POINTS[2]}])
    content['frames'][2]['frame_id'] = 3
    recording = read(content)
    assert list(map(len, recording.frames)) == [1, 1, 0, 1]
    assert recording.frames[0][0].number is None
    content['frames'][2]['frame_id'] = 1
    with pytest.raises(InvalidRecording, match='frame 1 after frame 1'):
        read(content)


def test_azure_refuses_other_shapes():
    content = azure([{1: POINTS[0]}])
    content['frames'][0]['bodies'][0]['joint_positions'].pop()
    with pytest.raises(InvalidRecording, match=r'\(31, 3\) in frame 0'):
        read(content)
    content['frames'][0]['bodies'][0]['joint_positions'] = [['1', 2, 3]] * 32
    with pytest.raises(InvalidRecording, match='not made of numbers'):
        read(content)


def xyz(point):
    return dict(zip('xyz', map(float, point)))


JOINTS = POINTS[0, :25]
SPELLINGS = {
    'names': {name: xyz(p) for name, p in zip(V2, JOINTS)},
    'names in another order': {
        f'JointType_{name}': xyz(p)
        for name, p in reversed(list(zip(V2, JOINTS)))},
    'numbers': {str(i): p.tolist() for i, p in enumerate(JOINTS)},
    'list of triples': JOINTS.tolist(),
    'Json.NET': kinect_joints(V2, JOINTS),
    'list with types': [
        dict(JointType=i, Position=xyz(p))
        for i, p in reversed(list(enumerate(JOINTS)))],
    'list with names': [
        dict(name=name, position=p.tolist())
        for name, p in reversed(list(zip(V2, JOINTS)))],
    'node-kinect2': [
        dict(cameraX=float(p[0]), cameraY=float(p[1]), cameraZ=float(p[2]),
             depthX=0.5, colorX=0.5, trackingState=2) for p in JOINTS],
}


@pytest.mark.parametrize('joints', SPELLINGS.values(), ids=SPELLINGS)
def test_kinect_v2_joints_by_name_number_or_order(joints):
    body = dict(TrackingId='72057594037927936', joints=joints)
    for content in (dict(frames=[dict(bodies=[body])]),
                    [dict(Bodies=[body])], [[body]],
                    dict(bodyFrames=[dict(bodies=[
                        body, dict(tracked=False), None])])):
        recording = read(content)
        (person, ), = recording.frames
        np.testing.assert_array_equal(person.points, JOINTS)
        assert person.number == '72057594037927936'
        assert recording.layout == 'nturgb+d'


def test_kinect_v1_is_the_layout_of_nwucla():
    names = JOINT_TYPES['nwucla']
    recording = read([[dict(joints=dict(zip(names, JOINTS[:20].tolist())))]])
    assert recording.layout == 'nwucla'
    np.testing.assert_array_equal(recording.frames[0][0].points, JOINTS[:20])


@pytest.mark.parametrize('layout', JOINT_TYPES)
def test_kinect_orders_are_those_of_the_layouts(layout):
    other = {'SpineBase': 'hip center', 'SpineMid': 'spine',
             'SpineShoulder': 'shoulder center'}
    assert [same_name(other.get(name, name))
            for name in JOINT_TYPES[layout]] == [
        same_name(name) for name in get_pyramid(layout).joint_names]


def test_kinect_times_and_absent_bodies():
    body = dict(trackingId=7, joints=JOINTS.tolist())
    absent = dict(trackingId=0, joints=np.zeros((25, 3)).tolist())
    recording = read(dict(frames=[
        dict(timestamp_ms=40 * t, bodies=[absent, body] if t else [body])
        for t in range(3)]))
    assert list(map(len, recording.frames)) == [1, 1, 1]
    assert recording.fps == 25


@pytest.mark.parametrize('joints, reason', [
    (JOINTS[:24].tolist(), 'body of 24 joints in frame 0'),
    ({**SPELLINGS['names'], 'Tail': 0}, 'body of 26 joints'),
    ({'Tail' if name == 'Neck' else name: point for name, point
      in SPELLINGS['names'].items()}, "joint 'Tail' in frame 0"),
    ({**SPELLINGS['names'], 'Neck': dict(x=1, y=2)}, 'joint Neck in frame 0'),
    ({**SPELLINGS['names'], 'Neck': [1, 2]}, 'not the numbers x, y and z'),
    ({**SPELLINGS['names'], 'Neck': 'here'}, 'not the numbers.*: here'),
    ({**SPELLINGS['names'], 'Neck': [1, 2, 10**400]}, 'not made of numbers'),
])
def test_kinect_refuses(joints, reason):
    with pytest.raises(InvalidRecording, match=reason):
        read([[dict(joints=joints)]])


@pytest.mark.parametrize('content', [
    None, [], {}, 3, 'text', [[]], {'frames': 3}, {'frames': []}, [1, 2],
    {'frames': [{'bodies': [3]}]}, [[[0.5, 1.0]]],
    {'frames': [{'bodies': [{'joints': 3}]}]}])
def test_other_json_is_left_to_other_formats(content):
    assert not any(form.matches(content) for form in FORMATS)
