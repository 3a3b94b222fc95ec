"""The frames of the video: positions and colours."""
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from psp_plugin.datasets.synthetic import make_clip
from psp_plugin.tooling.visualization import draw_frames
from psp_plugin.tooling.visualization.frames import (
    COLORS,
    LIMBS,
    PLAIN,
    project,
)

HIP, HEAD, LEFT_SHOULDER, RIGHT_SHOULDER = 0, 3, 4, 8
# One person of four joints in pixels: a square, (M, T, V, C).
SQUARE = np.array([[[[10., 10.], [110., 10.], [110., 110.], [10., 110.]]]])


@pytest.fixture(scope='module')
def clip():
    """A person of 25 joints who roughly faces the camera."""
    return make_clip(2, split='val')['keypoint']


def has(picture, color):
    """How many pixels have a colour, up to rounding."""
    wanted = np.round(255 * np.array(to_rgb(color)))
    return int((np.abs(picture - wanted).max(-1) <= 2).sum())


def test_kinect_is_seen_upright_and_not_mirrored(clip):
    points = project(clip)[0]
    assert (points[:, HEAD, 1] > points[:, HIP, 1]).all()
    # The right side of a person who faces the camera is on the left.
    assert (points[:, RIGHT_SHOULDER, 0] < points[:, LEFT_SHOULDER, 0]).all()


def test_other_axes_give_the_same_picture(clip):
    """The clip turned so that z, or minus y, points up looks as before."""
    x, y, z = np.moveaxis(clip, -1, 0)
    expected = project(clip, 'y')
    np.testing.assert_array_equal(
        project(np.stack([-x, z, y], -1), 'z'), expected)
    np.testing.assert_array_equal(
        project(np.stack([-x, -y, z], -1), '-y'), expected)


def test_images_have_y_down():
    points = project(SQUARE)[0, 0]
    assert points[0, 1] > points[3, 1] and points[0, 0] < points[1, 0]


def test_missing_joints_and_their_bones_are_not_drawn():
    bones = [(0, 1), (2, 3)]
    complete, = draw_frames(SQUARE, bones)
    for missing in (0, np.nan):
        part = np.concatenate([SQUARE, SQUARE], 1)
        part[0, 1, 1] = missing
        _, second = draw_frames(part, bones)
        # Three of four joints, one of two bones.
        assert has(second, PLAIN) == pytest.approx(
            .75 * has(complete, PLAIN), rel=.1)
        assert has(second, LIMBS[0]) == pytest.approx(
            .5 * has(complete, LIMBS[0]), rel=.1)


def test_every_person_is_drawn():
    two = np.concatenate([SQUARE, SQUARE + 300])
    picture, = draw_frames(two, [(0, 1)])
    assert has(picture, LIMBS[0]) > 100 and has(picture, LIMBS[1]) > 100
    absent = np.concatenate([SQUARE, 0 * SQUARE])
    picture, = draw_frames(absent, [(0, 1)])
    # Text and edges have a few pixels of any grey.
    assert has(picture, LIMBS[0]) > 100 and has(picture, LIMBS[1]) < 20


def test_importance_is_colour_and_size():
    importance = np.array([1., .5, .5, .5])
    picture, = draw_frames(SQUARE, [], importance)
    # Within the joints: the colour bar is to the right of them.
    joints = picture[:, :350]
    assert not has(joints, PLAIN)
    most, least = has(joints, COLORS(1.)[:3]), has(joints, COLORS(0.)[:3])
    assert most > 1.5 * least > 0
    middle, = draw_frames(SQUARE, [], np.array([1., .5, .75, .5]))
    assert has(middle[:, :350], COLORS(.5)[:3])


def test_nearly_equal_joints_look_the_same():
    picture, = draw_frames(SQUARE, [], np.array([1, .999, .999, .999]))
    assert not has(picture[:, :350], COLORS(0.)[:3])


def test_axes_are_equal_and_contain_all_joints():
    """A square stays one, however far someone walks."""
    walk = np.concatenate([SQUARE, SQUARE + [300., 0.]], 1)
    first, last = (np.argwhere(np.abs(
        picture - np.round(255 * np.array(to_rgb(PLAIN)))).max(-1) <= 2)
        for picture in draw_frames(walk, []))
    for corners in (first, last):
        height, width = np.ptp(corners, axis=0)
        assert height == pytest.approx(width, abs=2)
    assert first[:, 1].max() < last[:, 1].min()
