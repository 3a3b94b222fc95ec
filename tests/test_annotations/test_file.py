"""Annotation files of a config, and errors for missing ones."""
import pytest
from mmengine.config import ConfigDict

from psp_plugin.annotations.file import check_annotation_file
from psp_plugin.commands.run_checks import annotation_paths


def test_every_annotation_file_of_a_nested_config_is_found():
    cfg = ConfigDict(
        train=dict(dataset=dict(times=2, dataset=dict(ann_file='a.pkl'))),
        hooks=[dict(loader=dict(dataset=dict(ann_file='b.pkl',
                                             data_root='root')))],
        val=None, test=dict(dataset=dict(ann_file='')))
    assert list(annotation_paths(cfg)) == ['a.pkl', 'root/b.pkl']


def test_remote_root_stays_remote():
    cfg = dict(ann_file='a.pkl', data_root='s3://bucket/x')
    assert list(annotation_paths(cfg)) == ['s3://bucket/x/a.pkl']


def test_present_and_remote_files_pass(tmp_path):
    path = tmp_path / 'a.pkl'
    path.touch()
    check_annotation_file(str(path))
    check_annotation_file('s3://bucket/a.pkl')


@pytest.mark.parametrize('name, advice', [
    ('nwucla_3d.pkl', 'make it with `python tools/data/convert_nwucla.py'),
    ('ntu60_3d.pkl', 'download https://download.openmmlab.com/'),
    ('mine.pkl', 'set ann_file to your annotation pickle'),
])
def test_missing_file_error_names_the_remedy(tmp_path, name, advice):
    path = str(tmp_path / name)
    with pytest.raises(FileNotFoundError) as error:
        check_annotation_file(path)
    assert str(error.value).startswith(
        f'annotation file {path} does not exist: {advice}')


def test_folder_in_place_of_a_file_raises(tmp_path):
    with pytest.raises(FileNotFoundError, match=f'{tmp_path} is a folder: '):
        check_annotation_file(str(tmp_path))
