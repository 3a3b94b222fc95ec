"""Checkpoints that are cut off, and what a run resumes from then."""
import logging
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from types import SimpleNamespace

import pytest
from lives import (
    ROOT,
    assert_as_uninterrupted,
    assert_same,
    life_config,
    live_twice,
    load_state,
)
from mmengine.fileio import get_file_backend
from mmengine.runner import Runner

from psp_plugin.engine.hooks.atomic_checkpoint import (
    AtomicCheckpointHook,
    is_complete,
)

NAMES = ('epoch_1.pth', 'epoch_2.pth', 'epoch_3.pth')


@pytest.fixture
def folder(whole, tmp_path):
    """The three checkpoints of that run, oldest first, and the pointer."""
    for age, name in enumerate(reversed(NAMES)):
        shutil.copy(whole / name, tmp_path)
        os.utime(tmp_path / name, (1e9 - age, 1e9 - age))
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / NAMES[-1]))
    return tmp_path


def cut(path, size=1000):
    os.truncate(path, size)


# The saves are those of epoch 1 and of epoch 2, of the best weights, which
# epoch 2 has, and of epoch 2 once more, with the best score in it.
@pytest.mark.parametrize('save, latest', [(2, 'epoch_1.pth'),
                                          (3, 'epoch_2.pth'),
                                          (4, 'epoch_2.pth')])
def test_killed_while_it_writes(ann_file, tmp_path, whole, save, latest):
    live_twice(life_config(ann_file, tmp_path), save=save)
    printed = (tmp_path / 'printed.txt').read_text()
    assert f'Auto resumed from the latest checkpoint {tmp_path}/{latest}' in (
        printed)
    assert_as_uninterrupted(whole, tmp_path)
    # The parts that it left were written again, and are whole.
    checkpoints = [sorted(path.name for path in folder.glob('*.pth*'))
                   for folder in (whole, tmp_path)]
    assert checkpoints[0] == checkpoints[1]
    assert all(is_complete(tmp_path / name) for name in checkpoints[1])
    for name in checkpoints[0]:
        assert_same(load_state(whole / name), load_state(tmp_path / name))


def test_the_command_after_a_plain_hook_left_a_cut_one(ann_file, tmp_path,
                                                       whole):
    """MMEngine's hook spoils the latest one; another is taken, and told."""
    cfg = life_config(ann_file, tmp_path)
    cfg.custom_hooks.append(dict(type='Die', save=4))
    cfg.default_hooks.checkpoint.type = 'CheckpointHook'
    cfg.dump(str(tmp_path / 'config.py'))

    def command(*args):
        return subprocess.run(
            [sys.executable, '-W', 'ignore', str(ROOT / 'tools/train.py'),
             str(tmp_path / 'config.py'), *args],
            env=dict(os.environ, PYTHONPATH=str(ROOT / 'tests'),
                     OMP_NUM_THREADS='1'),
            capture_output=True, text=True, check=False)

    assert command().returncode == -signal.SIGXFSZ
    spoilt = tmp_path / 'epoch_2.pth'
    assert spoilt.stat().st_size == 100_000
    assert (tmp_path / 'last_checkpoint').read_text() == str(spoilt)
    resumed = command(
        '--resume', '--cfg-options',
        'default_hooks.checkpoint.type=AtomicCheckpointHook')
    assert resumed.returncode == 0, resumed.stderr
    assert (f"last_checkpoint names '{spoilt}', which is not a whole "
            f'checkpoint: resuming from {tmp_path}/epoch_1.pth'
            ) in resumed.stdout
    assert_as_uninterrupted(whole, tmp_path)


def ask(folder, load_from=None, resume=True, **arguments):
    """What the hook does before a run; returns the warnings."""
    told = []
    logger = logging.getLogger(str(folder))
    logger.handlers = [SimpleNamespace(
        level=0, handle=lambda record: told.append(record.getMessage()))]
    AtomicCheckpointHook(**arguments).before_run(
        SimpleNamespace(work_dir=str(folder), _resume=resume, logger=logger,
                        _load_from=load_from and str(load_from)))
    return told


def test_a_whole_one_is_left_alone(folder):
    (folder / 'last_checkpoint').write_text(str(folder / NAMES[1]))
    assert ask(folder) == []
    assert (folder / 'last_checkpoint').read_text() == str(folder / NAMES[1])


@pytest.mark.parametrize('spoil, state, newest', [
    (lambda f: cut(f / NAMES[2]), 'names', 1),
    (lambda f: (f / NAMES[2]).unlink(), 'names', 1),
    (lambda f: [cut(f / name) for name in NAMES[1:]], 'names', 0),
    (lambda f: cut(f / 'last_checkpoint', 0), 'is empty', 2),
    (lambda f: cut(f / 'last_checkpoint', 20), 'names', 2),
    (lambda f: (f / 'last_checkpoint').unlink(), 'is missing', 2),
], ids=['cut', 'removed', 'two cut', 'empty', 'half a name', 'no pointer'])
def test_the_newest_whole_one_is_taken(folder, spoil, state, newest):
    spoil(folder)
    message, = ask(folder)
    assert message.startswith(f'{folder}/last_checkpoint {state}')
    assert message.endswith(f'resuming from {folder}/{NAMES[newest]}, the '
                            'newest that is')
    assert (folder / 'last_checkpoint').read_text() == str(
        folder / NAMES[newest])


def test_checkpoints_elsewhere(folder, tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('other') / folder.name
    message, = ask(work_dir, out_dir=str(folder.parent))
    assert message.endswith(f'{NAMES[2]}, the newest that is')


def test_other_stores_are_left_alone(tmp_path):
    (tmp_path / 'last_checkpoint').write_text('s3://bucket/run/epoch_1.pth')
    assert ask(tmp_path, out_dir='s3://bucket') == []
    hooks = [AtomicCheckpointHook(out_dir=folder)
             for folder in ('s3://bucket', str(tmp_path), None)]
    assert [hook.backend_args for hook in hooks] == [
        None, dict(backend='atomic'), dict(backend='atomic')]


def test_nothing_to_resume_from(tmp_path):
    assert ask(tmp_path) == []  # MMEngine starts anew
    (tmp_path / NAMES[0]).write_bytes(b'no checkpoint')
    with pytest.raises(ValueError, match='is missing, and 1 checkpoints beside'
                       ' it are none either: start anew without --resume'):
        ask(tmp_path)
    assert ask(tmp_path, resume=False) == []


def test_a_cut_file_that_is_named(folder):
    assert ask(folder, load_from=folder / NAMES[0]) == []
    cut(folder / NAMES[2])
    with pytest.raises(ValueError) as error:
        ask(folder, load_from=folder / NAMES[2])
    assert str(error.value) == (
        f'{folder}/{NAMES[2]} is cut off or damaged: the newest whole '
        f'checkpoint here is {folder}/{NAMES[1]}')
    assert ask(folder, load_from='https://somewhere/epoch_1.pth') == []


@pytest.mark.parametrize('size', [0, 1, 1000, 100_000, -22, -1])
def test_every_cut_is_seen(folder, size):
    path = folder / NAMES[0]
    assert is_complete(path)
    cut(path, size if size >= 0 else path.stat().st_size + size)
    assert not is_complete(path)


def test_a_changed_byte_is_seen(folder):
    path = folder / NAMES[0]
    with zipfile.ZipFile(path) as archive:
        largest = max(archive.infolist(), key=lambda part: part.file_size)
        numbers = archive.read(largest)
    content = path.read_bytes()
    assert content.count(numbers) == 1
    path.write_bytes(content.replace(numbers, numbers[::-1]))
    assert not is_complete(path)


def test_one_checkpoint_is_too_few():
    with pytest.raises(ValueError, match='would remove the only checkpoint'):
        AtomicCheckpointHook(max_keep_ckpts=1)


def test_old_ones_are_removed(ann_file, tmp_path):
    cfg = life_config(ann_file, tmp_path)
    cfg.default_hooks.checkpoint.max_keep_ckpts = 2
    Runner.from_cfg(cfg).train()
    assert sorted(path.name for path in tmp_path.glob('epoch_*')) == list(
        NAMES[1:])


def test_backend_keeps_the_old_file_until_the_new_one_is_there(tmp_path):
    backend = get_file_backend(backend_args=dict(backend='atomic'))
    path = tmp_path / 'new folder/file'
    backend.put(b'first', str(path))
    with pytest.raises(TypeError):
        backend.put('no bytes', str(path))
    assert path.read_bytes() == b'first'
    backend.put(b'second', str(path))
    assert [p.read_bytes() for p in path.parent.iterdir()] == [b'second']
