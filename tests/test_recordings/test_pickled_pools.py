"""Conversion of a pickle of the toolbox with the labels of a table."""
import json
import pickle

import numpy as np
import pytest

from psp_plugin.commands.find_clips import find_pool
from psp_plugin.recordings import classes_in, convert_folder, read_labels


def write_labeled_pool(path):
    """A pickle of three classes, whose second person moves more."""
    keypoint = np.random.default_rng(0).normal(size=(3, 6, 20, 3))
    keypoint[0, 3:] = 0
    clips = [dict(frame_dir=name, keypoint=keypoint.astype('f4'), label=label,
                  total_frames=6) for label, name in enumerate('abc')]
    path.write_bytes(pickle.dumps(dict(
        split=dict(train=list('abc')), annotations=clips, metainfo=dict(
            classes=['walk', 'sit', 'fall'], layout='nwucla', fps=15))))
    return str(path), keypoint.astype('f4')


@pytest.mark.parametrize('rows, classes, labels', [
    (('fall', 'walk'), ['walk', 'sit', 'fall'], [2, 0]),
    (('jump', 'fall'), ['walk', 'sit', 'fall', 'jump'], [3, 2]),
    (('2', '0'), ['walk', 'sit', 'fall'], [2, 0]),
    (('jump', 'bow'), ['bow', 'jump'], [1, 0]), (('3', '0'), None, [3, 0])])
def test_pickle_keeps_classes_and_persons(tmp_path, rows, classes, labels):
    path, keypoint = write_labeled_pool(tmp_path / 'pool.pkl')
    (tmp_path / 'labels.csv').write_text(
        'name,label\na,{}\nc,{}\n'.format(*rows))
    table = read_labels(str(tmp_path / 'labels.csv'), None, classes_in(path))
    made = convert_folder(path, table, val_ratio=0)
    named = {} if classes is None else dict(classes=classes)
    assert made.metainfo == dict(named, layout='nwucla', fps=15)
    a, b, c = made.annotations
    assert [a['label'], c['label']] == labels and 'label' not in b
    np.testing.assert_array_equal(a['keypoint'], keypoint[:2])
    assert any('has 3 persons, of whom the first 2 in the order of the file'
               in remark.reason for remark in made.remarks)


def test_classes_of_labels_inside_a_pickle(tmp_path):
    path, _ = write_labeled_pool(tmp_path / 'pool.pkl')
    made = convert_folder(path, labels='inside')
    assert made.metainfo['classes'] == ['walk', 'sit', 'fall']
    assert not classes_in(str(tmp_path / 'absent.pkl'))


def test_row_of_a_file_of_several_clips_is_reported(tmp_path):
    clips = [dict(frame_dir=name, keypoint=np.ones((1, 2, 5, 3)).tolist())
             for name in ('all', 'all_1')]
    folder = tmp_path / 'recordings'
    folder.mkdir()
    (folder / 'all.json').write_text(json.dumps(dict(annotations=clips)))
    table = tmp_path / 'labels.csv'
    table.write_text('name,label\nall,walk\nall/all_1,walk\n')
    made = convert_folder(str(folder), read_labels(str(table)))
    (item, ) = made.skipped
    assert item.kind == 'missing' and item.reason.endswith(
        'line 2 of {}, but the clips of this file have names such as '
        'all/all_1'.format(table))
    assert list(find_pool(str(folder))) == ['all/all', 'all/all_1']
    assert list(find_pool(str(folder / 'all.json'))) == ['all', 'all_1']
