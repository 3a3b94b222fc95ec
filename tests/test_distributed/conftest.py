"""Real gloo ranks, started once per world size for all tests."""
import pytest
from pretrained import write_clips
from ranks import run_ranks
from toy import write_ntu


@pytest.fixture(scope='session')
def two_ranks(tmp_path_factory):
    """Results of two ranks, see :func:`ranks.run_rank`."""
    folder = tmp_path_factory.mktemp('two')
    write_ntu(folder / 'ntu60_3d.pkl')
    write_clips(folder / 'nwucla.pkl')
    return run_ranks(2, folder)


@pytest.fixture(scope='session')
def four_ranks(tmp_path_factory):
    """Results of four ranks."""
    return run_ranks(4, tmp_path_factory.mktemp('four'))


@pytest.fixture(params=[2, 4])
def ranks(request):
    """Results of two and of four ranks."""
    name = {2: 'two_ranks', 4: 'four_ranks'}[request.param]
    return list(request.getfixturevalue(name).values())
