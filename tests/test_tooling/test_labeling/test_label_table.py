"""The table of the label page: what changes, and what must not."""
import codecs
import errno
import os
import stat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psp_plugin.errors import InputError
from psp_plugin.recordings import clip_name, is_empty, read_columns
from psp_plugin.tooling.labeling.table import (
    TableChangedError,
    TableFile,
    cell_of,
)

WORDS = st.text(st.sampled_from('ab ,;"\'<-é😀'), min_size=1, max_size=6).map(
    str.strip).filter(bool)
NAMES = st.sampled_from(['a', 'b/c', 'd,e', '"f"', 'walk.npy', 'g;h', 'é'])


def write(path, text, encoding='utf-8', mark=b''):
    path.write_bytes(mark + text.encode(encoding))
    return path


def as_labels(path):
    """The labels that the converter reads, '' for unlabelled recordings."""
    columns = read_columns(str(path))
    return {name: columns.texts.get(name, '') for name in columns.lines}


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(NAMES, st.none() | st.just('') | WORDS)),
       st.sampled_from([',', ';', '\t']), st.sampled_from(['\n', '\r\n']),
       st.booleans())
def test_changes_are_those_that_are_read(tmp_path_factory, changes, separator,
                                         end, split):
    path = tmp_path_factory.mktemp('table') / 'labels.csv'
    header = ['label', 'name'] + ['split'] * split
    write(path, separator.join(header) + end)
    table, expected = TableFile(str(path)), {}
    for name, label in changes:
        table.set(name, label)
        if label is None:
            expected.pop(name, None)
        else:
            expected[name] = '' if is_empty(label) else label
        assert as_labels(path) == expected
        assert TableFile(str(path)).labels == expected
    table.sync()
    assert os.listdir(path.parent) == ['labels.csv']


@pytest.mark.parametrize('encoding, mark', [
    ('utf-8', b''), ('utf-8', codecs.BOM_UTF8),
    ('utf-16-be', codecs.BOM_UTF16_BE)])
def test_other_rows_stay_byte_for_byte(tmp_path, encoding, mark):
    text = ('name;label;split\r\n"./a.npy";"sit; down";val\r\n\r\n'
            ' other ;-1;\r\nb;"walk";test')
    path = write(tmp_path / 'labels.csv', text, encoding, mark)
    table = TableFile(str(path))
    assert table.labels == {'a': 'sit; down', 'other': '', 'b': 'walk'}
    table.set('new', 'é')
    table.set('other', 'walk')
    table.set('b', None)
    changed = text.replace(' other ;-1;', ' other ;walk;train').replace(
        'b;"walk";test', 'new;é;train\r\n')
    assert path.read_bytes() == mark + changed.encode(encoding)


def test_missing_table_is_made_with_the_first_label(tmp_path):
    path = tmp_path / 'labels.csv'
    table = TableFile(str(path))
    assert not path.exists()
    table.set('a', 'walk')
    assert path.read_bytes() == b'name,label\na,walk\n'


def test_link_and_permissions_are_kept(tmp_path):
    path = write(tmp_path / 'labels.csv', 'name,label\n')
    path.chmod(0o640)
    link = tmp_path / 'link.csv'
    link.symlink_to(path)
    TableFile(str(link)).set('a', 'walk')
    assert link.is_symlink() and path.read_text().endswith('a,walk\n')
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize('change, message', [
    (lambda path: path.write_text('name,label\na,sit\n'), 'was changed'),
    (lambda path: path.unlink(), 'was removed .* put it back and try again')])
def test_change_of_another_program_is_not_overwritten(tmp_path, change,
                                                      message):
    path = write(tmp_path / 'labels.csv', 'name,label\na,hop\n')
    table = TableFile(str(path))
    before = path.stat()
    change(path)
    if path.exists():  # neither size nor time tell them apart
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    left = path.exists() and path.read_bytes()
    with pytest.raises(TableChangedError, match=message):
        table.set('a', 'walk')
    assert (path.exists() and path.read_bytes()) == left
    assert table.labels == {'a': 'hop'}


@pytest.mark.parametrize('call', ['fsync', 'replace'])
def test_full_disk_leaves_the_table_as_it_was(tmp_path, monkeypatch, call):
    path = write(tmp_path / 'labels.csv', 'name,label\na,sit\n')
    table = TableFile(str(path))

    def fail(*args):
        raise OSError(errno.ENOSPC, 'No space left on device')

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(OSError, match='No space left'):
            table.set('b', 'walk')
    assert os.listdir(tmp_path) == ['labels.csv']
    assert path.read_text() == 'name,label\na,sit\n'
    assert table.labels == {'a': 'sit'}
    table.set('b', 'walk')
    assert path.read_text() == 'name,label\na,sit\nb,walk\n'


@pytest.mark.parametrize('name', ['a', 'b/c', 'walk.npy', 'x.tar.json', 'é'])
def test_cell_of_a_name_is_read_as_the_name(name):
    assert clip_name(cell_of(name)) == name


@pytest.mark.parametrize('name', ['', ' a', 'a\n', 'a\nb', 'a\\b', 'a\0',
                                  '\ud800'])
def test_name_that_no_table_can_hold(name):
    with pytest.raises(InputError, match='cannot be named in a label table'):
        cell_of(name)
