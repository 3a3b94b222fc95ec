"""Label tables, label maps, and sampling of the validation clips."""
import random
from collections import Counter

import pytest

from psp_plugin.recordings import LabelError, read_classes, read_labels
from psp_plugin.recordings.converter import draw_splits


@pytest.fixture
def table(tmp_path):
    """Reads a table with this text, and a label map with that."""

    def read(text, classes=None):
        path = tmp_path / 'labels.csv'
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        if classes is None:
            return read_labels(str(path))
        (tmp_path / 'classes.txt').write_text(classes)
        return read_labels(str(path), str(tmp_path / 'classes.txt'))

    return read


def test_integers(table):
    read = table('name,label\na,2\nb/c.npy,0\n./d,+1\n e , 02 \n\n')
    assert read.labels == {'a': 2, 'b/c': 0, 'd': 1, 'e': 2}
    assert read.lines == {'a': 2, 'b/c': 3, 'd': 4, 'e': 5}
    assert read.classes is None and read.splits is None
    assert read.num_classes == 3


def test_names_are_numbered_alphabetically(table):
    read = table('label,name\r\nwalk,a\r\n"sit, down",b\r\nwalk,c\r\n')
    assert read.classes == ['sit, down', 'walk']
    assert read.labels == {'a': 1, 'b': 0, 'c': 1}


def test_label_map_determines_the_order(table):
    read = table('name,label\na,walk\nb,sit\n', 'walk\nrun\nsit\n\n')
    assert read.labels == {'a': 0, 'b': 2}
    assert read.classes == ['walk', 'run', 'sit']
    assert read.num_classes == 3
    read = table('name,label\na,1\n', 'walk\nrun\nsit')
    assert read.labels == {'a': 1} and read.num_classes == 3


def test_splits(table):
    read = table('name,label,split\na,0,train\nb,0,test\n')
    assert read.splits == {'a': 'train', 'b': 'test'}


@pytest.mark.parametrize('separator', ',;\t')
def test_separators_and_names_of_videos(table, separator):
    rows = ['name,label', 'walk.MP4,1', 'more/sit.avi,0']
    read = table('\r\n'.join(rows).replace(',', separator))
    assert read.labels == {'walk': 1, 'more/sit': 0}


def test_excel_and_other_scripts(table):
    read = table('\ufeffname,label\nJörg\\1.SKELETON,gehen\n')
    assert read.labels == {'Jörg/1': 0}


@pytest.mark.parametrize('text, message', [
    ('', 'line 1, must be name,label or name,label,split, separated by '
     "commas, semicolons or tabs, not ''"),
    ('a,0\n', "or tabs, not 'a,0'"),
    ('name label\na 0\n', "not 'name label'"),
    ('name,label,label\n', "not 'name,label,label'"),
    ('name,label,splits\na,0,train\n', "not 'name,label,splits'"),
    ('name,label\n', 'has no row below its header'),
    ('name,label\na,0\nb\n', 'line 3, has 1 cells, not 2'),
    ('name,label\na,0,1\n', 'line 2, has 3 cells, not 2'),
    ('name,label\na,\nb,-1\n', 'has no label in any of its 2 rows'),
    ('name,label\n ,0\n', 'line 2, has an empty name'),
    ('name,label,split\na,0,\n', 'line 2, has an empty split'),
    ('name,label\na,"x\ny"\n', 'line 3, has a label of several lines'),
    ('name,label\na,0\nb,0\na,1\n', "line 4, names 'a' again after line 2"),
    ('name,label\na,0\na.npy,0\n', "line 3, names 'a.npy' again after"),
    ('name,label\na,0\nb,-2\n', "line 3, has the label '-2', but labels"),
    ('name,label\na,0\nb,walk\n', "line 3, has the label 'walk', but line 2 "
                                  "has '0': use only integers or on"),
    ('name,label\na,walk\nb,7\n', "line 3, has the label '7', but line 2"),
    ('name,label\na,0\nb,1.0\n', "line 3, has the label '1.0', which is"),
    ('name,label\na,1e\nb,99999999999\n', "line 3, has the label '99999999"),
    ('name,label,split\na,0,unlabeled\n', "line 2, has the split 'unlabel"),
    ('name,label\na,"x\n', 'line 2, is not CSV'),
    (b'name,label\na,0\nb\xff,0\n', 'is not text in UTF-8 (byte 16'),
])
def test_invalid_tables_raise_one_sentence(table, text, message):
    with pytest.raises(LabelError) as error:
        table(text)
    assert message in str(error.value)
    assert '\n' not in str(error.value)
    assert 'labels.csv' in str(error.value)


@pytest.mark.parametrize('label', ['2', 'run'])
def test_labels_beyond_the_label_map_raise(table, label):
    with pytest.raises(LabelError, match=f"line 2, has the label '{label}', "
                       'which is not one of the 2 classes of the label map'):
        table(f'name,label\na,{label}\n', 'walk\nsit\n')


@pytest.mark.parametrize('text, message', [
    ('', 'names no class'),
    ('\n\n', 'names no class'),
    ('a\n\nb\n', 'line 2, is empty'),
    ('a\nb\na\n', "line 3, names 'a' again"),
])
def test_invalid_label_maps_raise(tmp_path, text, message):
    path = tmp_path / 'classes.txt'
    path.write_text(text)
    with pytest.raises(LabelError, match=message):
        read_classes(str(path))


def test_missing_tables_raise(tmp_path):
    for read in (read_labels, read_classes):
        with pytest.raises(LabelError, match='absent cannot be read'):
            read(str(tmp_path / 'absent'))


LABELS = {f'clip {i:02}': i % 3 for i in range(30)}


def test_draw_depends_on_class_name_and_seed_only():
    splits, single = draw_splits(LABELS, 0.2, seed=0)
    assert Counter(LABELS[n] for n in splits['val']) == {0: 2, 1: 2, 2: 2}
    assert sorted(splits['train'] + splits['val']) == sorted(LABELS)
    assert single == []
    shuffled = list(LABELS.items())
    random.Random(0).shuffle(shuffled)
    assert draw_splits(dict(shuffled), 0.2, 0)[0] == splits
    assert draw_splits(LABELS, 0.2, 1)[0] != splits


@pytest.mark.parametrize('clips, ratio, count', [
    (2, 0.2, 1),  # every class is validated
    (10, 0.25, 3),  # half up
    (10, 0.24, 2),
    (100, 0.29, 29),  # 28.999... in floating point
    (3, 0.99, 2),  # every class is trained
])
def test_size_of_the_validation_split(clips, ratio, count):
    splits, _ = draw_splits({str(i): 5 for i in range(clips)}, ratio, 0)
    assert len(splits['val']) == count


def test_single_clip_of_a_class_is_in_train():
    splits, single = draw_splits(dict(LABELS, lonely=7), 0.2, 0)
    assert 'lonely' in splits['train'] and single == [7]


def test_no_empty_splits():
    assert draw_splits({}, 0.2, 0)[0] == {}
    assert list(draw_splits(LABELS, 0, 0)[0]) == ['train']
    assert list(draw_splits({'a': 0}, 0.5, 0)[0]) == ['train']
