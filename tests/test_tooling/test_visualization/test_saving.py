"""Figures are saved as the same bytes each time."""
import pytest
from matplotlib.figure import Figure

from psp_plugin.errors import InputError
from psp_plugin.tooling.visualization import save_figure


def draw():
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0, 1], marker='o')  # a clip path, named by hash
    return figure


@pytest.mark.parametrize('kind, start', [('png', b'\x89PNG'),
                                         ('svg', b'<?xml')])
def test_the_same_figure_is_the_same_file(tmp_path, kind, start):
    first, second = tmp_path / f'new/a.{kind}', tmp_path / f'b.{kind}'
    for path in (first, second):
        save_figure(draw(), path)
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes().startswith(start)
    assert b'date>' not in first.read_bytes()


def test_dots_per_inch(tmp_path):
    from PIL import Image
    save_figure(draw(), tmp_path / 'a.PNG', dpi=50)
    with Image.open(tmp_path / 'a.PNG') as image:
        assert image.size == (100, 50)


def test_other_formats_raise(tmp_path):
    with pytest.raises(InputError, match='a.pdf is neither .png nor .svg'):
        save_figure(draw(), tmp_path / 'a.pdf')
    assert not list(tmp_path.iterdir())
