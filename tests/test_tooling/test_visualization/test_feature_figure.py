"""The figure of features."""
import numpy as np
import pytest

from psp_plugin.errors import InputError
from psp_plugin.tooling.visualization import draw_features
from psp_plugin.tooling.visualization.embedding import MAX_CLASSES

POINTS = np.random.default_rng(0).normal(size=(6, 2))


def test_classes_are_named_counted_and_placed():
    labels = [4, 1, 4, 4, 1, 4]
    figure = draw_features(POINTS, labels, {4: 'walk', 1: 'sit down'},
                           'a title', 'a caption')
    axes, = figure.axes
    walk, sit = axes.collections
    np.testing.assert_array_equal(walk.get_offsets(), POINTS[[0, 2, 3, 5]])
    np.testing.assert_array_equal(sit.get_offsets(), POINTS[[1, 4]])
    legend, = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == [
        'walk (4)', 'sit down (2)']
    assert axes.get_title() == 'a title'
    assert figure.get_supxlabel() == 'a caption'


def test_every_class_has_its_own_colour_and_marker():
    count = MAX_CLASSES
    names = {label: f'class {label}' for label in range(count)}
    figure = draw_features(np.zeros((count, 2)), range(count), names)
    looks = {(tuple(dots.get_facecolor()[0]),
              dots.get_paths()[0].vertices.tobytes())
             for dots in figure.axes[0].collections}
    assert len(looks) == count
    with pytest.raises(InputError, match='91 classes cannot be disting'):
        draw_features(np.zeros((91, 2)), range(91),
                      {**names, count: 'one more'})


def test_points_without_label_are_an_error():
    with pytest.raises(ValueError, match=r'shape \(5, 2\), one per label, '
                                         r'not \(6, 2\)'):
        draw_features(POINTS, [0] * 5, {0: 'walk'})
