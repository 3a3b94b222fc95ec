"""The attention figure: maps, names, sizes and the chosen frame."""
import numpy as np
import pytest
from matplotlib.collections import PathCollection

from psp_plugin.errors import InputError
from psp_plugin.skeletons import SkeletonPyramid
from psp_plugin.tooling.visualization import draw_attention
from psp_plugin.tooling.visualization.attention_figure import (
    PALETTE,
    choose_frame,
)

PYRAMID = SkeletonPyramid(
    'square', 4, parts=((0, 1), (2, ), (3, )), bodies=((0, ), (1, 2)),
    part_names=('low', 'right', 'left'), body_names=('feet', 'head'))
SQUARE = np.array([[[[10., 10.], [110., 10.], [110., 110.], [10., 110.]]]])
IMPORTANCE = np.array([.2, .4, .6, 1.])
MAPS = {level: np.random.default_rng(count).uniform(.1, 1, (count, count))
        for level, count in dict(body=2, part=3, joint=4).items()}


def draw(**changes):
    arguments = dict(maps=MAPS, keypoint=SQUARE, bones=[(0, 1)],
                     importance=IMPORTANCE, pyramid=PYRAMID, title='a clip')
    return draw_attention(**{**arguments, **changes})


def axes_of(figure):
    *maps, bar = figure.subfigs[0].axes
    return maps, bar, figure.subfigs[1].axes[0]


def test_maps_are_shown_as_they_are_on_one_scale():
    maps, bar, _ = axes_of(draw())
    low = min(values.min() for values in MAPS.values())
    high = max(values.max() for values in MAPS.values())
    for axes, values in zip(maps, MAPS.values()):
        image, = axes.images
        np.testing.assert_array_equal(image.get_array(), values)
        assert image.origin == 'upper'  # the first row is that of node 0
        assert (image.norm.vmin, image.norm.vmax) == (low, high)
    assert bar.get_xlim() == pytest.approx((low, high))


def test_rows_and_columns_have_names_in_the_colours_of_bodies():
    names = [('feet', 'head'), PYRAMID.part_names, '0123']
    bodies = [(0, 1), (0, 1, 1), (0, 0, 1, 1)]
    for axes, words, owners in zip(axes_of(draw())[0], names, bodies):
        for axis in (axes.xaxis, axes.yaxis):
            labels = axis.get_ticklabels()
            assert [label.get_text() for label in labels] == list(words)
            assert [label.get_color() for label in labels] == [
                PALETTE[body] for body in owners]


def test_without_a_layout_there_are_numbers():
    maps, _, _ = axes_of(draw(pyramid=None))
    assert [label.get_text() for label in maps[1].get_yticklabels()] == [
        '0', '1', '2']


def test_dots_grow_with_importance_and_the_legend_shows_sizes():
    *_, axes = axes_of(draw())
    dots, = (c for c in axes.collections if isinstance(c, PathCollection))
    sizes = dots.get_sizes()
    assert (np.diff(sizes) > 0).all()
    assert np.diff(sizes)[2] == pytest.approx(2 * np.diff(sizes)[0])
    legend = axes.get_legend()
    values = [float(text.get_text()) for text in legend.get_texts()]
    assert values[0] == .2 and values[-1] == 1
    areas = [handle.get_markersize()**2 for handle in legend.legend_handles]
    assert areas[0] == pytest.approx(sizes[0])
    assert areas[-1] == pytest.approx(sizes[-1])


def test_absent_persons_and_joints_are_not_drawn():
    two = np.concatenate([SQUARE, 0 * SQUARE])
    two[0, 0, 2] = 0
    *_, axes = axes_of(draw(keypoint=two))
    assert [text.get_text() for text in axes.texts] == ['0', '1', '3']


def test_title_and_caption():
    figure = draw(stream='motion', frame=0)
    assert figure.get_suptitle() == 'a clip'
    assert 'the motion stream' in ' '.join(figure.get_supxlabel().split())
    assert 'both streams' in ' '.join(draw().get_supxlabel().split())
    assert axes_of(figure)[2].get_title() == 'Frame 1 of 1'


def test_the_middle_one_of_the_frames_with_a_person():
    clip = np.zeros((2, 9, 4, 3))
    clip[1, 4:9] = 1
    assert choose_frame(clip) == 6
    clip[0, 0] = np.nan
    assert choose_frame(clip) == 6
    assert choose_frame(clip, 4) == 4
    with pytest.raises(InputError, match='frame 4 has no joint to draw: '
                                         'choose another one, such as 5'):
        choose_frame(clip, 3)
    for frame in (-1, 9):
        with pytest.raises(InputError, match=f'no frame {frame + 1}: the clip '
                                             'has frames 1 to 9'):
            choose_frame(clip, frame)
    with pytest.raises(InputError, match='the clip has no joint'):
        choose_frame(0 * clip)


def test_importance_of_other_joints_is_an_error():
    with pytest.raises(ValueError, match=r'\(4,\), one per joint, not \(5,\)'):
        draw(importance=np.ones(5))
