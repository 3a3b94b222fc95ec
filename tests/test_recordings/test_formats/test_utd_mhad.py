"""Skeleton files of UTD-MHAD."""
import io

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from psp_plugin.recordings.formats.utd_mhad import FORMATS
from psp_plugin.recordings.recording import InvalidRecording
from psp_plugin.skeletons import get_pyramid

UTD, = FORMATS
SKELETON = np.random.default_rng(0).normal(size=(20, 3, 4))  # V, C, T


def saved(**variables):
    stream = io.BytesIO()
    savemat(stream, variables)
    stream.seek(0)
    return loadmat(stream)


def test_joints_are_those_of_nwucla():
    content = saved(d_skel=SKELETON)
    assert UTD.matches(content)
    recording, = UTD.read(content)
    assert recording.points.shape == (4, 20, 3)
    assert recording.layout == 'nwucla'
    names = get_pyramid('nwucla').joint_names
    # Places in the table of UTD-MHAD's documentation, from 1.
    for name, place in {'head': 1, 'spine': 3, 'hip center': 4,
                        'left shoulder': 5, 'right hand': 12, 'left hip': 13,
                        'right foot': 20}.items():
        np.testing.assert_array_equal(
            recording.points[:, names.index(name)], SKELETON[place - 1].T)


@pytest.mark.parametrize('skeleton', [
    SKELETON[:19], SKELETON.transpose(1, 0, 2), SKELETON[..., 0], 'text'])
def test_other_shapes_are_refused(skeleton):
    content = saved(d_skel=skeleton)
    with pytest.raises(InvalidRecording, match='"d_skel" of'):
        UTD.read(content)


@pytest.mark.parametrize('content', [None, {}, {'d_depth': 1}, 'd_skel'])
def test_other_variables_are_left_to_other_formats(content):
    assert not UTD.matches(content)
