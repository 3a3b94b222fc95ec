"""Tables of numbers."""
import numpy as np
import pytest
from foreign import table_of

from psp_plugin.recordings.formats.text import FORMATS, read_table
from psp_plugin.recordings.recording import InvalidRecording
from psp_plugin.skeletons import get_pyramid

TABLE, = FORMATS
RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(3, 17, 2)).round(3)  # T, V, C
COCO = get_pyramid('coco').joint_names


def read(text, **options):
    assert TABLE.matches(text)
    recording, = read_table(text, **options)
    return recording


def points_of(recording):
    """The points (T, V, C) of the only person."""
    return np.stack([frame[0].points for frame in recording.frames])


@pytest.mark.parametrize('mark', [',', ';', '\t', ' '])
def test_known_number_of_joints_without_names(mark):
    recording = read(table_of(POINTS.reshape(3, 34), mark=mark))
    np.testing.assert_array_equal(points_of(recording), POINTS)
    assert recording.layout is None


def test_unknown_number_of_joints_is_asked_for():
    points = np.random.default_rng(0).normal(size=(3, 21, 2))
    text = table_of(points.reshape(3, 42))
    with pytest.raises(InvalidRecording, match=(
            '42 columns.*14 joints of 3 coordinates or 21 joints of 2 '
            'coordinates.*--joints')):
        read(text)
    np.testing.assert_allclose(points_of(read(text, joints=21)), points,
                               rtol=1e-5)
    assert points_of(read(text, joints=14)).shape == (3, 14, 3)
    with pytest.raises(InvalidRecording, match='of 12 joints'):
        read(text, joints=12)


@pytest.mark.parametrize('style', [
    '{joint}_{axis}', '{axis}_{joint}', '{joint}.{axis}', '"{joint} {axis}"'])
def test_known_names_are_put_in_the_order_of_their_layout(style):
    order = RNG.permutation(17)
    header = [style.format(joint=COCO[i].replace(' ', '_'), axis=axis)
              for i in order for axis in 'xy']
    recording = read(table_of(POINTS[:, order].reshape(3, 34), header))
    np.testing.assert_array_equal(points_of(recording), POINTS)
    assert recording.layout == 'coco' and not recording.notes


def test_sides_are_read_in_any_spelling():
    header = [f'{"".join(w.title() for w in reversed(name.split()))}{axis}'
              for name in COCO for axis in 'XY']
    assert header[2] == 'EyeLeftX'
    assert read(table_of(POINTS.reshape(3, 34), header)).layout == 'coco'


def test_numbered_joints_are_sorted_by_number():
    joints = [10, 2, 1]
    header = [f'{axis}{joint}' for axis in 'xyz' for joint in joints]
    values = RNG.normal(size=(4, 3, 3)).round(3)  # T, C, V
    recording = read(table_of(values.reshape(4, 9), header))
    np.testing.assert_array_equal(points_of(recording),
                                  values.transpose(0, 2, 1)[:, ::-1])


def test_other_names_are_noted_in_their_order():
    recording = read('nose_x,nose_y,tail_x,tail_y,nose_angle\n1,2,3,4,5\n')
    assert recording.notes == [
        'has 2 joints by name, in this order: nose, tail',
        'has columns that are not used: nose_angle']


def test_frames_times_and_scores():
    header = ['frame', 'time_ms', *(f'{joint}_{axis}' for joint in 'ab'
                                    for axis in ('x', 'y', 'score'))]
    recording = read(table_of([
        [5, 200, 1, 2, .9, 3, 4, .8], [6, 240, 1, 2, .7, 3, 4, .6],
        [8, 280, 1, 2, .5, 3, 4, .4]], header))
    assert list(map(len, recording.frames)) == [1, 1, 0, 1]
    np.testing.assert_array_equal(recording.frames[1][0].scores, [.7, .6])
    np.testing.assert_array_equal(recording.frames[3][0].points,
                                  [[1, 2], [3, 4]])
    assert recording.fps == 25


def test_a_time_without_unit_gives_no_frame_rate():
    text = 'timestamp,a_x,a_y,b_x,b_y\n0,1,1,1,1\n1,1,1,1,1\n'
    assert read(text).fps is None


def test_persons_class_and_empty_lines():
    header = 'frame,person_id,action,a_x,a_y,b_x,b_y\n'
    recording = read(header + '0,7,wave,1,2,3,4\n0,9,wave,5,6,7,8\n'
                     '1,9,wave,,,,\n2,9,wave,1,1,1,1\n')
    assert [[person.number for person in frame]
            for frame in recording.frames] == [[7, 9], [], [9]]
    assert recording.label == 'wave'
    recording = read(header + '0,7,3,1,2,3,4\n1,7,4,5,6,7,8\n')
    assert recording.label is None
    assert 'action (which changes)' in recording.notes[-1]


@pytest.mark.parametrize('mark', [';', '\t'])
def test_decimal_commas(mark):
    text = table_of(POINTS.reshape(3, 34), mark=mark).replace('.', ',')
    np.testing.assert_array_equal(points_of(read(text)), POINTS)


@pytest.mark.parametrize('text, reason', [
    ('a_x,a_y,b_x,b_y\n1,2,3\n', '3 cells in line 2, not 4'),
    ('\n\na_x,a_y,b_x,b_y\n1,2,3,four\n', "'four' in line 4, column 4"),
    ('a_x,a_y,b_x,b_y\n', 'no line of numbers'),
    ('a_x,a_y,b_x,b_z\n1,2,3,4\n', "for x, z of joint 'b'"),
    ('a_x,a_y,a_x,b_y\n1,2,3,4\n', "two columns for x of joint 'a'"),
    ('frame,joint,x,y,z\n0,1,2,3,4\n', 'one joint per line'),
    ('frame,a_x,a_y,b_x,b_y\n0,1,2,3,4\n0,1,2,3,4\n', 'frame 0 in two lines'),
    ('frame,person,a_x,a_y,b_x,b_y\n0,1,1,2,3,4\n0,1,1,2,3,4\n',
     'person 1 twice in frame 0'),
    ('frame,a_x,a_y,b_x,b_y\n0.5,1,2,3,4\n', 'not an integer'),
    ('person,a_x,a_y,b_x,b_y\n0,1,2,3,4\n', 'add the column "frame"'),
    ('frame,a_x,a_y,b_x,b_y\n0,1,2,3,4\n900000,1,2,3,4\n', 'more than'),
    ('a_x,a_y,a_score,b_x,b_y\n1,2,3,4,5\n', 'scores of some joints'),
    ('1 2 3 4 5 6 7\n', 'no number of joints'),
])
def test_refusals(text, reason):
    with pytest.raises(InvalidRecording, match=reason):
        read(text)


@pytest.mark.parametrize('content', [
    None, '', 'name,label\na,1\nb,2\n', 'a 1\nb 2\n', '1,2\n3,4\n',
    'Some words.\nAnd more.', 'a_x,b\n1,2\n', b'1,2,3,4,5,6'])
def test_other_texts_are_no_tables(content):
    assert not TABLE.matches(content)


@pytest.mark.parametrize('who, persons', [(['P1'] * 3, 1),
                                          (['P1', 'P2', 'P1'], 2)])
def test_persons_may_have_names(who, persons):
    lines = ['subject,frame,a_x,a_y,b_x,b_y,c_x,c_y']
    lines += [f'{name},{frame},1,2,3,4,5,6'
              for name, frame in zip(who, (0, 0, 1) if persons > 1 else
                                     (0, 1, 2))]
    recording = read('\n'.join(lines))
    assert len(recording.frames[0]) == persons
    assert len({person.number for frame in recording.frames
                for person in frame}) == persons
    assert any('not used: subject' in note
               for note in recording.notes) == (persons == 1)
