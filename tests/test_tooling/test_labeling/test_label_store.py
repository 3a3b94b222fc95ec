"""The labels of clips: compare-and-set writes, classes, and one store."""
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psp_plugin.errors import InputError
from psp_plugin.recordings import LabelError
from psp_plugin.tooling.labeling import ConflictError, LabelStore

LABELS = st.sampled_from([None, '', 'sit', 'walk'])


@pytest.fixture
def open_store(tmp_path):
    """Opens a store of the clips a, b and c on a table with this text."""
    stores = []

    def open_it(text=None, classes=None, names='abc', pool=()):
        path, given = tmp_path / 'labels.csv', None
        if text is not None:
            path.write_text(text)
        if classes is not None:
            given = tmp_path / 'classes.txt'
            given.write_text(classes)
        stores.append(LabelStore(str(path), list(names),
                                 given and str(given), pool))
        return stores[-1]

    yield open_it
    for store in stores:
        store.close()


def read(store):
    with open(store.table.path) as stream:
        return stream.read()


def counts(store):
    return {each['title']: each['count']
            for each in store.progress()['classes']}


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from('abc'), LABELS, LABELS),
                max_size=12))
def test_writes_take_effect_once_and_only_as_expected(tmp_path_factory,
                                                      writes):
    path = str(tmp_path_factory.mktemp('store') / 'labels.csv')
    store, expected = LabelStore(path, list('abc')), dict.fromkeys('abc')
    for name, label, seen in writes:
        if expected[name] not in (label, seen):
            with pytest.raises(ConflictError) as error:
                store.write(name, label, seen)
            assert error.value.label == expected[name]
            continue
        for _ in range(2):  # a repeated request changes nothing
            store.write(name, label, seen)
        expected[name] = label
    progress = store.progress()
    store.close()
    store = LabelStore(path, list('abc'))
    assert {name: store.label_of(name) for name in 'abc'} == expected
    assert progress['labeled'] == sum(map(bool, expected.values()))
    assert progress['skipped'] == list(expected.values()).count('')
    store.close()


def test_table_without_a_label_is_continued(open_store):
    store = open_store('name,label\nb,\n')
    assert store.progress() == dict(total=3, labeled=0, skipped=1, classes=[])
    store.write('a', 'walk', None)
    assert read(store) == 'name,label\nb,\na,walk\n'


def test_integers_stay_integers_with_the_names_of_a_label_map(open_store):
    store = open_store('name,label\nother,+1\na,01\n', 'walk\nsit\nrun\n')
    assert counts(store) == dict(walk=0, sit=1, run=0)
    store.write('a', '2', '1')
    assert read(store) == 'name,label\nother,+1\na,2\n'
    with pytest.raises(InputError, match="no class '3': the classes are thos"):
        store.write('b', '3', None)


def test_integers_without_names(open_store):
    store = open_store('name,label\na,1\n')
    assert counts(store) == {'0': 0, '1': 1}
    assert store.add_class(' 07 ') == '7'
    with pytest.raises(InputError, match="'walk' is not an integer from 0"):
        store.write('b', 'walk', None)


def test_large_integer_does_not_stand_for_as_many_classes(open_store):
    assert counts(open_store('name,label\na,1\nb,900000000\n')) == {
        '1': 1, '900000000': 1}


def test_names_of_the_pool_can_be_added_to(open_store):
    store = open_store(pool=['walk', 'sit'])
    store.write('a', ' hop ', None)
    assert counts(store) == dict(walk=0, sit=0, hop=1)
    for name in ('3', '1.5', '-1', ' ', 'a\nb', 'x' * 201, '\ud800'):
        with pytest.raises(InputError):
            store.add_class(name)
    assert list(counts(store)) == ['walk', 'sit', 'hop']


def test_numbers_of_the_classes_of_the_pool(open_store):
    store = open_store('name,label\na,0\n', pool=['walk', 'sit'])
    assert counts(store) == dict(walk=1, sit=0)
    assert 'classes of the pool' in store.classes.closed


def test_classes_that_look_like_numbers_are_numbered(open_store):
    store = open_store(classes='10\n20\n')
    assert counts(store) == {'10': 0, '20': 0}
    store.write('a', '1', None)
    assert read(store).endswith('a,1\n')


@pytest.mark.parametrize('text, classes, message', [
    ('name\na\n', None, 'line 1, must be name,label'),
    ('name,label\na,0\nb,x\n', None, 'use only integers or only names'),
    ('name,label\na,hop\n', 'walk\n', 'not one of the 1 classes'),
    ('name,label\n', 'walk\nwalk\n', "names 'walk' again")])
def test_invalid_table_is_refused_and_unlocked(open_store, text, classes,
                                               message):
    with pytest.raises(LabelError, match=message):
        open_store(text, classes)
    open_store('name,label\n')


def test_clip_that_no_table_can_name(open_store):
    with pytest.raises(InputError, match=r"clip 'a\\n' cannot be named"):
        open_store(names=['a\n'])


def test_second_store_of_a_table_is_refused(open_store, tmp_path):
    store = open_store('name,label\n')
    link = tmp_path / 'link.csv'
    link.symlink_to(tmp_path / 'labels.csv')
    with pytest.raises(InputError, match='by another tools/label.py'):
        LabelStore(str(link), ['a'])
    store.close()
    LabelStore(str(link), ['a']).close()
    assert sorted(os.listdir(tmp_path)) == ['labels.csv', 'link.csv']


def test_missing_folder(tmp_path):
    with pytest.raises(InputError, match='there is no folder .*: create it'):
        LabelStore(str(tmp_path / 'no/labels.csv'), ['a'])


def test_folder_that_is_not_synced_is_synced_by_the_repeated_write(
        open_store, monkeypatch):
    store, synced = open_store(), []

    def fail():
        raise OSError(5, 'Input/output error')

    with monkeypatch.context() as patch:
        patch.setattr(store.table, 'sync', fail)
        with pytest.raises(OSError, match='Input/output'):
            store.write('a', 'walk', None)
    assert store.progress()['labeled'] == 1 and not store.table.synced
    monkeypatch.setattr(os, 'fsync', synced.append)
    store.write('a', 'walk', None)
    assert len(synced) == 1 and store.table.synced


def test_closed_store_does_not_write(open_store):
    store = open_store('name,label\na,walk\n')
    store.close()
    with pytest.raises(InputError, match='is closed'):
        store.write('b', 'walk', None)
    assert read(store) == 'name,label\na,walk\n'
