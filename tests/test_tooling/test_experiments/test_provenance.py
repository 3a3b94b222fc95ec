"""The commit and the machine of a run."""
from fake_tools import git, write_repository

from psp_plugin.tooling.experiments import provenance
from psp_plugin.version import __version__


def test_commit_is_the_current_one(tmp_path, monkeypatch):
    repository = write_repository(tmp_path / 'package')
    monkeypatch.setattr(provenance, 'PACKAGE', repository)
    first = git(repository, 'rev-parse', '--short=7', 'HEAD')
    assert provenance.commit() == first
    (repository / 'notes.txt').touch()  # not tracked
    assert provenance.commit() == first
    (repository / '__init__.py').write_text('a = 1')
    assert provenance.commit() == f'{first}-dirty'
    git(repository, 'commit', '--all', '--quiet', '--message', 'second')
    second = git(repository, 'rev-parse', '--short=7', 'HEAD')
    assert provenance.commit() == second != first


def test_version_outside_a_checkout(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, 'PACKAGE', tmp_path)
    assert provenance.commit() == f'version {__version__}'


def test_machine_is_described():
    text = provenance.machine()
    assert f'{provenance.cores()} cores, ' in text and 'PyTorch' in text
