"""The code and the machine that a table names."""
from fake_tools import git, write_repository

from psp_plugin.tooling.experiments import provenance
from psp_plugin.version import __version__


def test_commit_is_that_of_the_moment(tmp_path, monkeypatch):
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


def test_what_is_no_checkout_gives_its_version(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, 'PACKAGE', tmp_path)
    assert provenance.commit() == f'version {__version__}'


def test_machine_is_named():
    text = provenance.machine()
    assert f'{provenance.cores()} cores, ' in text and 'PyTorch' in text
