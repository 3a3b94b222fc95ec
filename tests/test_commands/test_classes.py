"""Sources of class names and their order."""
import pytest

from psp_plugin.commands.classes import class_names

META = dict(dataset_meta=dict(classes=('walk', 'sit')))
DATASET = dict(type='PoseDataset', metainfo=dict(classes=['gehen', 'sitzen']))


@pytest.mark.parametrize('given, meta, dataset, expected', [
    (['a', 'b'], META, DATASET, ['a', 'b']),
    (None, META, DATASET, ['walk', 'sit']),
    (None, dict(dataset_meta={}), DATASET, ['gehen', 'sitzen']),
    (None, {}, dict(type='PoseDataset'), ['class 0', 'class 1']),
    (None, None, None, ['class 0', 'class 1']),
    # Names of other data: a config that inherits one with sixty classes.
    (None, {}, dict(metainfo=dict(classes=['x'] * 60)),
     ['class 0', 'class 1']),
    (None, dict(dataset_meta=dict(classes=['x'] * 3)), DATASET,
     ['gehen', 'sitzen']),
])
def test_first_source_with_matching_names(given, meta, dataset, expected):
    assert class_names(2, given, meta, dataset) == expected


def test_names_from_a_file(tmp_path):
    path = tmp_path / 'names.txt'
    path.write_text('put on jacket\r\nÜberholen \n\n', encoding='utf-8')
    assert class_names(2, str(path), META) == ['put on jacket', 'Überholen']


def test_wrong_names_raise(tmp_path):
    path = tmp_path / 'names.txt'
    path.write_text('one\n')
    with pytest.raises(ValueError, match='names.txt names 1 classes, but the '
                                         'model has 2'):
        class_names(2, str(path))
    with pytest.raises(ValueError, match='classes names 3 classes, but'):
        class_names(2, ['a', 'b', 'c'])
    for content in (b'\xff\xfe\x00', b'', b'one\none\n'):
        path.write_bytes(content)
        with pytest.raises(ValueError, match='names.txt'):
            class_names(2, str(path))
    with pytest.raises(ValueError, match='absent.txt'):
        class_names(2, str(tmp_path / 'absent.txt'))
