"""Data and a run that several tests of the engine use."""
import pytest
from resumable_runs import resumable_config, train
from toy import write_ntu


@pytest.fixture(scope='module')
def ann_file(tmp_path_factory):
    return write_ntu(tmp_path_factory.mktemp('ntu') / 'ntu60_3d.pkl')


@pytest.fixture(scope='module')
def reference(ann_file, tmp_path_factory):
    """An uninterrupted epoch-based run without workers."""
    folder = tmp_path_factory.mktemp('reference')
    assert train(resumable_config(ann_file, folder)) == 0
    return folder
