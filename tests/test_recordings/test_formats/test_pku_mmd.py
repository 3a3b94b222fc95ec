"""Skeleton files of PKU-MMD."""
import numpy as np
import pytest
from foreign import pku_mmd

from psp_plugin.recordings.formats.pku_mmd import FORMATS
from psp_plugin.recordings.recording import InvalidRecording

PKU, = FORMATS
POINTS = np.random.default_rng(0).normal(size=(3, 2, 25, 3))  # T, M, V, C
POINTS[1:, 1] = 0
POINTS[2] = 0


def test_two_persons_and_absent_ones():
    text = pku_mmd(POINTS)
    assert PKU.matches(text)
    recording, = PKU.read(text)
    assert [len(frame) for frame in recording.frames] == [2, 1, 0]
    np.testing.assert_array_equal(recording.frames[0][1].points, POINTS[0, 1])
    np.testing.assert_array_equal(recording.frames[1][0].points, POINTS[1, 0])
    assert recording.layout == 'nturgb+d' and recording.fps == 30
    assert '3 frames' in recording.notes[0]


@pytest.mark.parametrize('text', [
    '26,1052,1100,2\n3,1200,1300,1\n', '26, 1052, 1100\n'])
def test_label_files_are_named(text):
    assert PKU.matches(text)
    with pytest.raises(InvalidRecording, match='label file of PKU-MMD'):
        PKU.read(text)


@pytest.mark.parametrize('change, reason', [
    (lambda text: text.replace('\n', ' 1\n'), '151 numbers in line 1'),
    (lambda text: text + '1 2\n', '2 numbers in line 4'),
    (lambda text: text + 'end\n', 'line 4 that is not a number')])
def test_other_lines_are_refused(change, reason):
    with pytest.raises(InvalidRecording, match=reason):
        PKU.read(change(pku_mmd(POINTS)))


@pytest.mark.parametrize('content', [
    None, '', '\n \n', 'name,label\na,1', '1 2 3', '1,2\n', '1,2,3\na,b,c',
    'a ' * 150])
def test_other_texts_are_left_to_other_formats(content):
    assert not PKU.matches(content)
