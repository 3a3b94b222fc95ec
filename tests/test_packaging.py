"""The wheel contains everything to train, and the model index is correct."""
import functools
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml
from mmaction.registry import MODELS
from mmengine.config import Config

import psp_plugin

ROOT = Path(__file__).resolve().parents[1]
# Without the second names of some in the toolbox's pattern, configs/skeleton.
CONFIGS = sorted(
    path.relative_to(ROOT).as_posix() for path in ROOT.glob('configs/**/*.py')
    if not {'_base_', 'skeleton'} & set(path.relative_to(ROOT).parts))
PIP = (sys.executable, '-m', 'pip', '--disable-pip-version-check', '-q')
BUILD = ('from setuptools import build_meta; import sys; '
         'getattr(build_meta, sys.argv[1])(sys.argv[2])')
# Files in a working tree that must not be shipped.
JUNK = ('configs/__pycache__/psp.cpython-311.pyc', 'configs/mix/clips.pkl',
        'data/skeleton/ntu60_3d.pkl', 'psp_plugin/__pycache__/a.pyc',
        'tools/__pycache__/train.cpython-311.pyc', 'tools/data/all_sqe.zip',
        'work_dirs/psp_synthetic_5p/psp_synthetic_5p.py')
# The demo at the smallest size, in one process.
SHRUNK = (
    'model.backbone.blocks=[(8,8,2,2),(8,16,4,2)]',
    *(f'model.{part}.in_channels=16'
      for part in ('neck', 'projector', 'cls_head')),
    'train_cfg.max_epochs=1', 'default_hooks.checkpoint.interval=1',
    'train_dataloader.dataset.times=1',
    'train_dataloader.dataset.dataset.labeled_ratio=0.1',
    'train_dataloader.dataset.dataset.dataset.num_clips=100',
    'val_dataloader.dataset.num_clips=20',
    'test_dataloader.dataset.num_clips=20',
    *(f'{loader}.{key}' for loader in (
        'train_dataloader', 'val_dataloader', 'test_dataloader',
        'custom_hooks.0.unlabeled_dataloader')
      for key in ('num_workers=0', 'persistent_workers=False',
                  'batch_size=10')))


def run(*command, cwd, **env):
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=dict(os.environ, **env),
        capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def listing(folder):
    return {path.relative_to(folder).as_posix()
            for path in Path(folder).rglob('*') if not path.is_dir()}


@pytest.fixture(scope='module')
def tracked():
    """The files that are or will be under version control."""
    names = run('git', 'ls-files', '--cached', '--others',
                '--exclude-standard', cwd=ROOT).splitlines()
    return {name for name in names if (ROOT / name).is_file()}


@pytest.fixture(scope='module')
def source(tracked, tmp_path_factory):
    """A copy of the tracked files to build in, with some untracked files."""
    folder = tmp_path_factory.mktemp('source')
    for name in tracked:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    for name in JUNK:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text('junk')
    return folder


@pytest.fixture(scope='module')
def wheel(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp('wheel')
    run(*PIP, 'wheel', '--no-deps', '--no-build-isolation', '-w', folder,
        source, cwd=folder)
    path, = folder.iterdir()
    return path


def shipped(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    return {name for name in names if '.dist-info/' not in name}


def expected(tracked):
    code = {name for name in tracked if name.startswith('psp_plugin/')}
    mim = {f'psp_plugin/.mim/{name}' for name in tracked
           if name.startswith(('configs/', 'tools/'))
           or name == 'model-index.yml'}
    return code | mim


def test_wheel_contains_only_code_configs_and_tools(wheel, tracked):
    assert shipped(wheel) == expected(tracked)


def test_wheel_metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        path, = (name for name in archive.namelist()
                 if name.endswith('.dist-info/METADATA'))
        text = archive.read(path).decode()
    assert f'\nVersion: {psp_plugin.__version__}\n' in text
    assert {'docs', 'export', 'tests'} <= {
        line.split(': ')[1] for line in text.splitlines()
        if line.startswith('Provides-Extra')}
    assert (ROOT / 'README.md').read_text(encoding='utf-8') in text


def test_source_archive_gives_the_same_wheel(source, tracked, tmp_path):
    run(sys.executable, '-W', 'ignore', '-c', BUILD, 'build_sdist', tmp_path,
        cwd=source)
    archive, = tmp_path.glob('*.tar.gz')
    with tarfile.open(archive) as stream:
        names = {name.partition('/')[2] for name in stream.getnames()}
    assert 'tests/test_packaging.py' in names
    assert not names & set(JUNK)
    run(*PIP, 'wheel', '--no-deps', '--no-build-isolation', '-w', tmp_path,
        archive, cwd=tmp_path)
    built, = tmp_path.glob('*.whl')
    assert shipped(built) == expected(tracked)


def test_editable_install_does_not_change_the_source_tree(source, tmp_path):
    """Except for the metadata folder of setuptools."""
    before = listing(source)
    run(sys.executable, '-W', 'ignore', '-c', BUILD, 'build_editable',
        tmp_path, cwd=source)
    assert len(list(tmp_path.iterdir())) == 1
    assert all(name.startswith('psp_plugin.egg-info/')
               for name in listing(source) - before)
    assert not [path for path in source.rglob('*') if path.is_symlink()]


def test_installed_wheel_trains_and_tests_the_demo(wheel, tmp_path):
    site, home = tmp_path / 'site', tmp_path / 'home'
    home.mkdir()
    run(*PIP, 'install', '--no-deps', '--target', site, wheel, cwd=home)
    env = dict(PYTHONPATH=str(site), PYTHONWARNINGS='ignore')
    found = run(
        sys.executable, '-c', 'from importlib.util import find_spec; '
        'print(find_spec("psp_plugin").origin)', cwd=home, **env)
    assert Path(found.strip()) == site / 'psp_plugin/__init__.py'
    mim = site / 'psp_plugin/.mim'
    config = mim / 'configs/psp_synthetic_5p.py'
    run(sys.executable, mim / 'tools/train.py', config, '--work-dir', 'run',
        '--cfg-options', *SHRUNK, cwd=home, **env)
    log = run(sys.executable, mim / 'tools/test.py', config,
              'run/epoch_1.pth', '--work-dir', 'run', '--cfg-options',
              *SHRUNK, cwd=home, **env)
    assert 'acc/top1' in log
    assert {path.name for path in home.iterdir()} == {'run'}


def load_yaml(name):
    return yaml.safe_load((ROOT / name).read_text(encoding='utf-8'))


@pytest.fixture(scope='module')
def index():
    """The metafiles that the index lists, which are all metafiles."""
    names = load_yaml('model-index.yml')['Import']
    assert sorted(names) == sorted(
        path.relative_to(ROOT).as_posix()
        for path in ROOT.glob('configs/metafiles/*'))
    return [load_yaml(name) for name in names]


@pytest.fixture(scope='module')
def models(index):
    return [model for metafile in index for model in metafile['Models']]


def test_every_config_is_in_one_metafile(models):
    named = [model['Config'] for model in models]
    missing = sorted(set(CONFIGS) - set(named))
    assert not missing, f'configs/metafiles names no {", ".join(missing)}'
    gone = sorted(set(named) - set(CONFIGS))
    assert not gone, f'configs/metafiles names {gone}, which do not exist'
    assert len(set(named)) == len(named)


def test_names_are_those_of_the_files_and_unique(models):
    """`mim` finds a config only by its file name."""
    for model in models:
        path = Path(model['Config'])
        # The model with the name of the paper's config.
        prefix = 'official_' if path.parent.name == 'official' else ''
        assert model['Name'] == prefix + path.stem
    assert len({model['Name'] for model in models}) == len(models)


def test_collections_are_declared_once(index, models):
    declared = [collection['Name'] for metafile in index
                for collection in metafile.get('Collections', [])]
    assert len(set(declared)) == len(declared)
    assert {model['In Collection'] for model in models} == set(declared)


@functools.lru_cache(maxsize=None)
def count_parameters(model):
    """Most configs share their model with others."""
    parameters = MODELS.build(json.loads(model)).parameters()
    return sum(p.numel() for p in parameters)


@pytest.mark.parametrize('name', CONFIGS)
def test_metadata_is_that_of_the_config(models, name):
    meta, = (model['Metadata'] for model in models if model['Config'] == name)
    cfg = Config.fromfile(str(ROOT / name))
    assert meta['Batch Size'] == cfg.train_dataloader.batch_size
    assert meta.get('Epochs') == cfg.train_cfg.get('max_epochs')
    assert meta.get('Iterations') == cfg.train_cfg.get('max_iters')
    assert meta['Architecture'] and meta['Training Data']
    assert meta['Parameters'] == count_parameters(
        json.dumps(cfg.model, sort_keys=True))


def test_results_are_those_of_the_documentation(models):
    # The model zoo is generated from the metafiles, so it proves nothing.
    pages = sorted(ROOT.glob('docs/results/*.md'))
    lines = [line for page in pages
             for line in page.read_text(encoding='utf-8').splitlines()]
    measured = [model for model in models if 'Results' in model]
    assert measured
    for model in measured:
        result, = model['Results']
        assert result['Task'] == 'Skeleton-based Action Recognition'
        assert result['Dataset'] == model['Metadata']['Training Data']
        top1 = str(result['Metrics']['Top 1 Accuracy'])
        file = Path(model['Config']).name
        assert any(file in line and top1 in line for line in lines), (
            f'no line of {[page.name for page in pages]} has {file} and '
            f'{top1}')
