"""Imports the patched toolbox; fixtures of the real data, if present."""
import os
from pathlib import Path

import pytest

# One core per pytest-xdist process; PyTorch reads this on import.
if 'PYTEST_XDIST_WORKER' in os.environ:
    os.environ.setdefault('OMP_NUM_THREADS', '1')

import plain_configs  # noqa: E402, F401
from mmengine.registry import init_default_scope  # noqa: E402
from mmengine.runner import Runner  # noqa: E402

# The plugin patches the toolbox, so it is imported first.
import psp_plugin  # noqa: E402, F401

# Like a runner: transforms are looked up in the toolbox's scope.
init_default_scope('mmaction')

REPOSITORY = Path(__file__).resolve().parents[1]
DEFAULT_ZIP = REPOSITORY.parent / 'shared/data/nw_ucla_all_sqe.zip'


@pytest.fixture(scope='session')
def nwucla_zip() -> str:
    """The NW-UCLA ``all_sqe`` zip: ``NWUCLA_ZIP``, or next to the checkout.

    The repository must not contain this research data. Tests that need it are
    skipped if it is missing, but fail if ``NWUCLA_ZIP`` names a missing file.
    """
    named = os.environ.get('NWUCLA_ZIP')
    if named and not os.path.exists(named):
        pytest.fail(f'NWUCLA_ZIP names {named}, which does not exist')
    path = named or str(DEFAULT_ZIP)
    if not os.path.exists(path):
        pytest.skip('needs the NW-UCLA skeletons: set NWUCLA_ZIP to the '
                    'all_sqe zip')
    return path


@pytest.fixture(scope='session')
def nwucla_pkl(nwucla_zip: str, tmp_path_factory) -> str:
    """The annotation file of the real skeletons, converted once."""
    from psp_plugin.recordings import nwucla
    path = str(tmp_path_factory.mktemp('nwucla') / 'nwucla_3d.pkl')
    nwucla.convert(nwucla_zip, path)
    return path


@pytest.fixture
def no_checkpoints(monkeypatch):
    """The checkpoint hook is called as configured, but writes no model."""
    monkeypatch.setattr(Runner, 'save_checkpoint',
                        lambda *args, **kwargs: None)
