"""The selection of labelled clips, and split files."""
import hashlib
import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from psp_plugin.datasets.split import (
    choose_labeled,
    choose_over_all,
    choose_proportional,
    clips_over_all,
    clips_per_class,
    read_split,
    write_split,
)

NAMES = [f'clip{i:03}' for i in range(100)]
LABELS = [i % 5 for i in range(100)]


@pytest.mark.parametrize('ratio, clips, classes, count', [
    (0.05, 40091, 60, 33),
    (0.05, 37646, 60, 31),
    (0.05, 1018, 10, 5),
    (0.05, 1020, 10, 5),
    (0.29, 100, 1, 29),  # 28.999... in floating point
    (1, 100, 10, 10),
])
def test_clips_per_class_equals_the_paper(ratio, clips, classes, count):
    assert clips_per_class(ratio, clips, classes) == count


@pytest.mark.parametrize('ratio', [0, -0.1, 1.01, True, '0.5', float('nan')])
def test_ratio_out_of_range_raises(ratio):
    with pytest.raises(ValueError, match=f'not {ratio!r}'):
        clips_per_class(ratio, 100, 10)


def test_ratio_without_clips_raises():
    with pytest.raises(ValueError, match='no labelled clip per class'):
        clips_per_class(0.01, 100, 10)


def test_split_is_balanced():
    labeled = choose_labeled(NAMES, LABELS, 4, seed=0)
    counts = [LABELS[NAMES.index(name)] for name in labeled]
    assert sorted(counts) == sorted(list(range(5)) * 4)


def test_split_depends_on_names_labels_and_seed_only():
    order = list(range(100))
    random.Random(3).shuffle(order)
    shuffled = choose_labeled([NAMES[i] for i in order],
                              [LABELS[i] for i in order], 4, seed=0)
    assert shuffled == choose_labeled(NAMES, LABELS, 4, seed=0)
    assert shuffled != choose_labeled(NAMES, LABELS, 4, seed=1)


def test_split_is_the_same_in_another_process():
    code = ('from psp_plugin.datasets.split import choose_labeled;'
            f'print(choose_labeled({NAMES}, {LABELS}, 4, 0))')
    out = subprocess.run([sys.executable, '-W', 'ignore', '-c', code],
                         capture_output=True, text=True, check=True).stdout
    assert out.strip().split('\n')[-1] == str(
        choose_labeled(NAMES, LABELS, 4, 0))


def test_smaller_splits_are_subsets_of_larger_ones():
    small, large = (choose_labeled(NAMES, LABELS, k, 0) for k in (2, 7))
    assert set(small) < set(large)


UNEVEN = [0] * 70 + [1] * 25 + [2] * 4 + [3]


def test_proportional_split_keeps_the_shares_of_the_classes():
    labeled = choose_proportional(NAMES, UNEVEN, 0.29, seed=0)
    counts = Counter(UNEVEN[NAMES.index(name)] for name in labeled)
    assert counts == {0: 20, 1: 7, 2: 1, 3: 1}  # of 20.3, 7.25, 1.16, 0.29
    assert choose_proportional(NAMES, UNEVEN, 1, 0) == NAMES


def test_proportional_split_depends_on_names_labels_and_seed_only():
    order = list(range(100))
    random.Random(3).shuffle(order)
    names, labels = ([some[i] for i in order] for some in (NAMES, UNEVEN))
    shuffled = choose_proportional(names, labels, 0.3, 0)
    assert shuffled == choose_proportional(NAMES, UNEVEN, 0.3, 0)
    assert shuffled != choose_proportional(NAMES, UNEVEN, 0.3, 1)


def test_proportional_splits_of_growing_ratios_are_nested():
    splits = [set(choose_proportional(NAMES, UNEVEN, percent / 100, 5))
              for percent in range(1, 101)]
    assert all(a <= b for a, b in zip(splits, splits[1:]))


@pytest.mark.parametrize('names, ratio, message', [
    (NAMES, 0, 'not 0'), ([], 0.1, 'no clip'),
    (['a'] * 100, 0.1, "'a' occurs 100 times"),
])
def test_impossible_proportional_splits_raise(names, ratio, message):
    with pytest.raises(ValueError, match=message):
        choose_proportional(names, UNEVEN, ratio, 0)


@pytest.mark.parametrize('names, labels, count, message', [
    (NAMES, LABELS, 0, 'at least 1, not 0'),
    (NAMES, LABELS, 1.5, 'an integer of at least 1, not 1.5'),
    (NAMES, LABELS, True, 'an integer of at least 1, not True'),
    (NAMES, LABELS, 21, 'class 0 has 20 clips, fewer than the 21'),
    (['a', 'b', 'a'], [0, 0, 0], 1, "clip 'a' occurs 2 times"),
])
def test_impossible_splits_raise(names, labels, count, message):
    with pytest.raises(ValueError, match=message):
        choose_labeled(names, labels, count, 0)


@pytest.mark.parametrize('ratio, clips, count', [
    (0.01, 40091, 400),  # NTU-60 x-sub, as in MAMP, CMD and HA-CM
    (0.1, 40091, 4009),
    (0.29, 100, 29),  # 28.999... in floating point
    (1, 7, 7),
])
def test_clips_over_all_equals_published_numbers(ratio, clips, count):
    assert clips_over_all(ratio, clips) == count
    names = [f'S001C001P001R001A{i:05}' for i in range(clips)]
    assert len(set(choose_over_all(names, count, 0))) == count


@pytest.mark.parametrize('ratio, clips, message', [
    (0.01, 99, 'labeled_ratio=0.01 of 99 clips gives no labelled clip: raise'),
    (0.5, 0, 'no clip to draw'),
    (0, 100, r'in \(0, 1\], not 0'),
    ('0.5', 100, "not '0.5'"),
    (True, 100, 'not True'),
])
def test_impossible_ratios_over_all_raise(ratio, clips, message):
    with pytest.raises(ValueError, match=message):
        clips_over_all(ratio, clips)


def test_draw_over_all_is_the_first_by_hash():
    def rank(name):
        return hashlib.sha256(f'5/{name}'.encode()).hexdigest()

    chosen = choose_over_all(NAMES, 20, seed=5)
    last = max(map(rank, chosen))
    assert chosen == [name for name in NAMES if rank(name) <= last]
    assert len(chosen) == 20


def test_draw_over_all_depends_on_names_and_seed_only():
    shuffled = random.Random(3).sample(NAMES, 100)
    assert choose_over_all(shuffled, 20, 0) == choose_over_all(NAMES, 20, 0)
    assert choose_over_all(NAMES, 20, 0) != choose_over_all(NAMES, 20, 1)


def test_draw_over_all_is_not_balanced():
    """With seed 0 it is balanced by chance."""
    drawn = choose_over_all(NAMES, 20, seed=1)
    assert drawn != choose_labeled(NAMES, LABELS, 4, seed=1)
    counts = Counter(LABELS[NAMES.index(name)] for name in drawn)
    assert len(set(counts.values())) > 1


def test_smaller_draws_over_all_are_subsets_of_larger_ones():
    draws = [set(choose_over_all(NAMES, count, 0)) for count in range(1, 101)]
    assert all(small < large for small, large in zip(draws, draws[1:]))


def test_draw_of_one_class_equals_that_over_all():
    assert choose_over_all(NAMES, 20, 0) == choose_labeled(
        NAMES, [0] * 100, 20, 0)


@pytest.mark.parametrize('names, count, message', [
    (NAMES, 0, 'at least 1, not 0'),
    (NAMES, 1.5, 'an integer of at least 1, not 1.5'),
    (NAMES, True, 'an integer of at least 1, not True'),
    (NAMES, 101, '100 clips, fewer than the 101'),
    ([], 1, '0 clips, fewer than the 1'),
    (['a', 'b', 'a'], 1, "clip 'a' occurs 2 times"),
])
def test_impossible_draws_over_all_raise(names, count, message):
    with pytest.raises(ValueError, match=message):
        choose_over_all(names, count, 0)


@pytest.mark.parametrize('suffix', ['json', 'txt'])
def test_split_file_round_trip(tmp_path, suffix):
    path = str(tmp_path / f'new/split.{suffix}')
    write_split(path, ['b', 'a'], seed=3)
    assert read_split(path) == ['b', 'a']
    assert 'seed' in Path(path).read_text()


@pytest.mark.parametrize('name, text, message', [
    ('s.json', '{', 'is not a JSON object'),
    ('s.json', '[1]', 'is not a JSON object'),
    ('s.json', json.dumps(dict(labelled=['a'])), 'is not a JSON object'),
    ('s.json', json.dumps(dict(labeled=[])), 'names no labelled clip'),
    ('s.txt', '# only a note\n\n', 'names no labelled clip'),
    ('s.json', json.dumps(dict(labeled='ab')), 'a list "labeled" of clip'),
    ('s.json', json.dumps(dict(labeled=[1])), 'a list "labeled" of clip'),
    ('s.txt', 'a\nb\na\n', "names clip 'a' 2 times"),
])
def test_invalid_split_files_raise(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as error:
        read_split(str(path))
    assert str(path) in str(error.value)


@pytest.mark.parametrize('name', ['#1', ' a', 'a\u2028b', 'a\x1e'])
def test_names_that_are_not_one_line_raise(tmp_path, name):
    """They would be read back as other names."""
    with pytest.raises(ValueError, match='write a .json file'):
        write_split(str(tmp_path / 's.txt'), [name])
    write_split(str(tmp_path / 's.json'), [name])
    assert read_split(str(tmp_path / 's.json')) == [name]


def test_no_clips_raise():
    with pytest.raises(ValueError, match='no clip to draw'):
        clips_per_class(0.5, 0, 0)


def test_missing_split_file_raises():
    with pytest.raises(ValueError, match='tools/data/make_split.py'):
        read_split('nowhere.txt')
