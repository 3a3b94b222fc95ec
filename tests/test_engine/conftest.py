"""Data and a run that several tests of the engine begin with."""
import pytest
from lives import life_config, train
from toy import write_ntu


@pytest.fixture(scope='module')
def ann_file(tmp_path_factory):
    return write_ntu(tmp_path_factory.mktemp('ntu') / 'ntu60_3d.pkl')


@pytest.fixture(scope='module')
def whole(ann_file, tmp_path_factory):
    """An epoch-based run without workers that nothing has interrupted."""
    folder = tmp_path_factory.mktemp('whole')
    assert train(life_config(ann_file, folder)) == 0
    return folder
