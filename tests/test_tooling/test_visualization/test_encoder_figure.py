"""The figure of the encoder's attention."""
import numpy as np
import pytest
from matplotlib.collections import PathCollection

from psp_plugin.skeletons import SkeletonPyramid
from psp_plugin.tooling.visualization import (
    EncoderAttention,
    draw_encoder_attention,
)
from psp_plugin.tooling.visualization.attention_figure import PALETTE

LAYOUT = SkeletonPyramid(
    'square', 4, parts=((0, 1), (2, ), (3, )), bodies=((0, ), (1, 2)),
    bones=((0, 1), (1, 2)), inner=(1, ))
SQUARE = np.array([[[[10., 10.], [110., 10.], [110., 110.], [10., 110.]]]])
JOINT = np.array([[.1, .3, .6], [.2, .3, .5], [.3, .3, .4]], np.float32)
PATCH = np.array([[.6, .4], [.1, .9]], np.float32)
ATTENTION = EncoderAttention(JOINT, PATCH, (0, 2, 3), 4, 1, 3, 5, ())


def draw(**changes):
    figure = draw_encoder_attention(
        ATTENTION._replace(**changes), SQUARE, LAYOUT, 'a clip')
    joint, patch = figure.subfigs[0].axes[:2]
    return figure, joint, patch, figure.subfigs[1].axes[0]


def texts(labels):
    return [label.get_text() for label in labels]


def test_maps_are_shown_as_they_are():
    _, joint, patch, _ = draw()
    for axes, values in ((joint, JOINT), (patch, PATCH)):
        image, = axes.images
        np.testing.assert_array_equal(image.get_array(), values)
        assert image.origin == 'upper'
        assert (image.norm.vmin, image.norm.vmax) == pytest.approx(
            (values.min(), values.max()))
    assert joint.get_title() == 'Joint to joint, block 2 of 3'
    assert patch.get_ylabel() == 'query: the patch of 5 frames that attends'


def test_labels_are_the_numbers_of_joints_with_tokens():
    _, joint, patch, _ = draw()
    for axis in (joint.xaxis, joint.yaxis):
        labels = axis.get_ticklabels()
        assert texts(labels) == ['0', '2', '3']
        assert [label.get_color() for label in labels] == [
            PALETTE[body] for body in (0, 1, 1)]
    assert texts(patch.get_xticklabels()) == ['1', '2']
    many = np.full((60, 60), 1 / 60, np.float32)
    _, _, patch, _ = draw(patch=many)
    assert texts(patch.get_yticklabels()) == list(map(str, range(1, 61, 3)))
    assert patch.images[0].norm.vmax > 1 / 60  # equal, thus not dark


def test_dots_grow_with_the_mean_of_the_column():
    figure, _, _, axes = draw()
    dots, = (c for c in axes.collections if isinstance(c, PathCollection))
    sizes = dots.get_sizes()
    without, (low, middle, high) = sizes[1], sizes[[0, 2, 3]]
    assert without < low < middle < high
    # .2, .3 and .5 are received
    assert (high - low) / (middle - low) == pytest.approx(3, rel=1e-5)
    assert texts(axes.get_legend().get_texts()) == [
        '0.200', '0.300', '0.400', '0.500']
    assert axes.get_legend().get_title().get_text() == (
        'attention that the joint receives')
    assert texts(axes.texts) == ['0', '1', '2', '3']
    assert 'Small grey joints' in figure.get_supxlabel()


def test_the_caption_explains_the_averages():
    full = draw(joints=(0, 1, 2, 3), joint=np.full((4, 4), .25))[0]
    assert 'no token' not in full.get_supxlabel()
    for streams, words in (((), 'sampled clips. A row'),
                           (('motion', ), 'clips of the motion stream. A'),
                           (('joint', 'motion'), 'clips of both streams.')):
        caption = ' '.join(draw(streams=streams)[0].get_supxlabel().split())
        assert words in caption and 'the mean of its column' in caption


def test_maps_of_other_joints_are_an_error():
    with pytest.raises(ValueError, match='of 5 joints, but the clip has 4'):
        draw(num_joints=5)
