"""The choice of the clips of a dataset."""
from collections import Counter

import pytest

from psp_plugin.errors import InputError
from psp_plugin.tooling.visualization import choose_clips, find_classes

NAMES = ['walk', 'sit down', '0', 'throw']


class Clips:
    """A dataset with annotations only."""

    def __init__(self, infos):
        self.infos = infos

    def __len__(self):
        return len(self.infos)

    def get_data_info(self, index):
        return dict(self.infos[index])


@pytest.fixture
def dataset():
    return Clips([dict(frame_dir=f'c{i}', label=i % 3) for i in range(30)])


def test_classes_by_name_and_number():
    assert find_classes(NAMES, ['throw', 'sit down', '1']) == [3, 1]
    assert find_classes(NAMES, ['0']) == [2]  # names go before numbers
    for wrong in ('4', '-1', 'run'):
        with pytest.raises(InputError, match=f"no class '{wrong}': give "
                                             'numbers from 0 to 3 or names'):
            find_classes(NAMES, [wrong])


def test_clips_of_the_classes_in_order(dataset):
    chosen = choose_clips(dataset, [2, 0])
    assert [index for index, *_ in chosen] == [
        i for i in range(30) if i % 3 != 1]
    assert all(name == f'c{index}' and label == index % 3
               for index, name, label in chosen)


def test_max_clips_chooses_by_seed(dataset):
    first = choose_clips(dataset, max_clips=12, seed=1)
    assert len(set(first)) == 12 and first == sorted(first)
    assert choose_clips(dataset, [0, 1, 2], 12, seed=1) == first
    assert choose_clips(dataset, [0, 1, 2], 12, seed=2) != first
    assert len(Counter(label for *_, label in first)) == 3
    assert choose_clips(dataset, [0], 11) == choose_clips(dataset, [0])
    assert choose_clips(dataset) == choose_clips(dataset, [0, 1, 2])


def test_invalid_choices_raise(dataset):
    with pytest.raises(InputError, match='no clip of class 7'):
        choose_clips(dataset, [0, 7])
    with pytest.raises(InputError, match='max_clips must be at least 1, not '
                                         '0'):
        choose_clips(dataset, [0], 0)
    for label, problem in ((None, 'no label'), ([1, 2], 'several labels')):
        odd = Clips([dict(filename='x', label=label)])
        with pytest.raises(InputError, match=f"clip 'x' .* has {problem}"):
            choose_clips(odd, [0])
