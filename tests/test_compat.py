"""Each patch: the problem without it, the fix, and when it is not applied."""
import subprocess
import sys
import textwrap

import pytest
import torch
from mmengine.logging import HistoryBuffer

from psp_plugin import compat

# Loads only compat.py: importing the package would apply every patch.
ALONE = '''
import importlib.util, sys
spec = importlib.util.spec_from_file_location('compat', {path!r})
compat = importlib.util.module_from_spec(spec)
spec.loader.exec_module(compat)
'''.format(path=compat.__file__)

CHECKPOINT = '''
import numpy, torch
from mmengine.logging import MessageHub
hub = MessageHub.get_instance('hub')
hub.update_scalar('train/loss', 1.5)
hub.update_info('best', numpy.float64(0.75))
torch.save(dict(message_hub=hub.state_dict()), {path!r})
'''


def run(*parts: str) -> str:
    """Runs code in a separate process; returns the last line of its output."""
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c',
         ALONE + '\n'.join(map(textwrap.dedent, parts))],
        capture_output=True, text=True, check=False)
    lines = (done.stdout if done.returncode == 0 else done.stderr).split('\n')
    return [line for line in lines if line.strip()][-1]


def test_missing_drn_is_the_problem():
    assert "No module named 'mmaction.models.localizers.drn'" in run(
        'compat.patch_importlib_metadata()', 'import mmaction.models')


def test_missing_drn_is_patched():
    assert run('compat.patch_importlib_metadata()',
               'print(compat.patch_missing_drn())',
               'import mmaction.models; print(mmaction.models.STGCN.__name__)'
               ) == 'STGCN'


def test_placeholder_for_drn_raises():
    assert 'install MMAction2 from source' in run(
        'compat.patch_importlib_metadata()', 'compat.patch_missing_drn()',
        'from mmaction.models import DRN', 'DRN()')


def test_complete_toolbox_is_not_patched(tmp_path):
    drn = tmp_path / 'mmaction/models/localizers/drn'
    drn.mkdir(parents=True)
    (tmp_path / 'mmaction/__init__.py').touch()
    assert run(f'sys.path.insert(0, {str(tmp_path)!r})',
               'print(compat.patch_missing_drn())') == 'False'


def test_missing_toolbox_raises():
    assert run("sys.modules['mmaction'] = None",
               'compat.patch_missing_drn()').endswith(
                   'run `pip install mmaction2`')


ABSENT = "sys.modules['importlib_metadata'] = None"


def test_undeclared_importlib_metadata_is_the_problem():
    assert 'importlib_metadata' in run(
        ABSENT, 'compat.patch_missing_drn()', 'import mmaction.models')


def test_undeclared_importlib_metadata_is_patched():
    assert run(ABSENT, 'compat.patch_missing_drn()',
               'print(compat.patch_importlib_metadata())',
               'from mmaction.utils.dependency import satisfy_requirement',
               "print(satisfy_requirement('mmaction2>=1.0'))") == 'True'


def test_installed_importlib_metadata_is_not_patched(tmp_path):
    (tmp_path / 'importlib_metadata.py').touch()
    assert run(f'sys.path.insert(0, {str(tmp_path)!r})',
               'print(compat.patch_importlib_metadata())') == 'False'


def write_transformers(folder, source):
    """Writes a package `transformers` 5 with this modeling_utils.py."""
    package = folder / 'transformers'
    info = folder / 'transformers-5.0.dist-info'
    package.mkdir(), info.mkdir()
    (package / '__init__.py').touch()
    (package / 'modeling_utils.py').write_text(source)
    (info / 'METADATA').write_text(
        'Metadata-Version: 2.1\nName: transformers\nVersion: 5.0\n')
    return f'sys.path.insert(0, {str(folder)!r})'


PATCHES = ('compat.patch_importlib_metadata()', 'compat.patch_missing_drn()')


def test_new_transformers_are_the_problem(tmp_path):
    assert "'transformers.models'" in run(
        write_transformers(tmp_path, ''), *PATCHES, 'import mmaction.models')


def test_new_transformers_are_patched(tmp_path):
    assert run(write_transformers(tmp_path, ''), *PATCHES,
               'print(compat.patch_new_transformers())',
               'import mmaction.models; print(mmaction.models.STGCN.__name__)'
               ) == 'STGCN'


def test_compatible_transformers_are_not_patched(tmp_path):
    assert run(write_transformers(tmp_path, 'apply_chunking_to_forward = 1'),
               *PATCHES, 'print(compat.patch_new_transformers())') == 'False'


def test_missing_mmcv_raises():
    message = run("sys.modules['mmcv'] = None", 'compat.require_mmcv()')
    assert message == f'ImportError: {compat.MISSING_MMCV}'


def test_safe_loading_is_the_problem(tmp_path):
    path = str(tmp_path / 'c.pth')
    assert 'weights_only' in run(CHECKPOINT.format(path=path), f'''
        try:
            torch.load({path!r})
        except Exception as error:
            print(str(error).replace(chr(10), ' '))
        ''')


def test_safe_loading_is_patched(tmp_path):
    path = str(tmp_path / 'c.pth')
    assert run(CHECKPOINT.format(path=path), f'''
        compat.patch_checkpoint_loading()
        hub = torch.load({path!r}, weights_only=True)['message_hub']
        print(hub['log_scalars']['train/loss'].mean(),
              hub['runtime_info']['best'])
        ''') == '1.5 0.75'


class Evil:
    """Calls a function when it is unpickled."""

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize('evil', [
    Evil(print, 'code ran'),
    Evil(getattr, HistoryBuffer, '__init__'),
    Evil(getattr, subprocess.Popen, 'mean'),
], ids=['print', 'getattr of an allowed type', 'getattr of another type'])
def test_checkpoints_never_run_code(tmp_path, capsys, evil):
    path = tmp_path / 'evil.pth'
    torch.save(dict(state_dict=evil), path)
    with pytest.raises(Exception, match='[Ww]eights'):
        torch.load(path)
    assert 'code ran' not in capsys.readouterr().out
