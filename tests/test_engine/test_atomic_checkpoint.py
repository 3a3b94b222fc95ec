"""Truncated checkpoints, and what a run resumes from instead."""
import logging
import os
import shutil
import signal
import time
import zipfile
from types import SimpleNamespace

import pytest
from mmengine.fileio import get_file_backend
from mmengine.runner import Runner
from resumable_runs import (
    assert_as_uninterrupted,
    assert_same,
    load_state,
    resumable_config,
    train,
    train_killed_and_resumed,
)

from psp_plugin.engine.hooks.atomic_checkpoint import (
    AtomicCheckpointHook,
    is_complete,
)

NAMES = ('epoch_1.pth', 'epoch_2.pth', 'epoch_3.pth')


@pytest.fixture
def folder(reference, tmp_path):
    """The run's three checkpoints, oldest first, and the pointer."""
    for age, name in enumerate(reversed(NAMES)):
        shutil.copy(reference / name, tmp_path)
        os.utime(tmp_path / name, (1e9 - age, 1e9 - age))
    (tmp_path / 'last_checkpoint').write_text(str(tmp_path / NAMES[-1]))
    return tmp_path


def truncate(path, size=1000):
    os.truncate(path, size)


# Saved are epoch 1, epoch 2, the best weights, which are those of epoch 2, and
# epoch 2 again, with the best score.
@pytest.mark.parametrize('save, latest', [(2, 'epoch_1.pth'),
                                          (3, 'epoch_2.pth'),
                                          (4, 'epoch_2.pth')])
def test_killed_while_writing(ann_file, tmp_path, reference, save, latest):
    train_killed_and_resumed(resumable_config(ann_file, tmp_path), save=save)
    printed = (tmp_path / 'printed.txt').read_text()
    assert f'Auto resumed from the latest checkpoint {tmp_path}/{latest}' in (
        printed)
    assert_as_uninterrupted(reference, tmp_path)
    # Incomplete files were written again.
    checkpoints = [sorted(path.name for path in folder.glob('*.pth*'))
                   for folder in (reference, tmp_path)]
    assert checkpoints[0] == checkpoints[1]
    assert all(is_complete(tmp_path / name) for name in checkpoints[1])
    for name in checkpoints[0]:
        assert_same(load_state(reference / name), load_state(tmp_path / name))


def test_resume_after_a_truncated_checkpoint_of_the_plain_hook(
        ann_file, tmp_path, reference):
    """MMEngine's hook leaves it; the run resumes from another, and warns."""
    cfg = resumable_config(ann_file, tmp_path)
    cfg.custom_hooks.append(dict(type='KillRun', save=4))
    cfg.default_hooks.checkpoint.type = 'CheckpointHook'
    assert train(cfg) == -signal.SIGXFSZ
    damaged = tmp_path / 'epoch_2.pth'
    assert damaged.stat().st_size == 100_000
    assert (tmp_path / 'last_checkpoint').read_text() == str(damaged)
    time.sleep(1 - time.time() % 1)  # log folders are named by the second
    assert train(cfg, '--resume', '--cfg-options',
                 'default_hooks.checkpoint.type=AtomicCheckpointHook') == 0
    assert (f"last_checkpoint names '{damaged}', which is not a complete "
            f'checkpoint: resuming from {tmp_path}/epoch_1.pth'
            ) in (tmp_path / 'printed.txt').read_text()
    assert_as_uninterrupted(reference, tmp_path)


def warnings_of(folder, load_from=None, resume=True, **arguments):
    """Calls the hook before a run; returns the warnings."""
    warnings = []
    logger = logging.getLogger(str(folder))
    logger.handlers = [SimpleNamespace(
        level=0, handle=lambda record: warnings.append(record.getMessage()))]
    AtomicCheckpointHook(**arguments).before_run(
        SimpleNamespace(work_dir=str(folder), _resume=resume, logger=logger,
                        _load_from=load_from and str(load_from)))
    return warnings


def test_complete_checkpoint_is_kept(folder):
    (folder / 'last_checkpoint').write_text(str(folder / NAMES[1]))
    assert warnings_of(folder) == []
    assert (folder / 'last_checkpoint').read_text() == str(folder / NAMES[1])


@pytest.mark.parametrize('damage, state, newest', [
    (lambda f: truncate(f / NAMES[2]), 'names', 1),
    (lambda f: (f / NAMES[2]).unlink(), 'names', 1),
    (lambda f: [truncate(f / name) for name in NAMES[1:]], 'names', 0),
    (lambda f: truncate(f / 'last_checkpoint', 0), 'is empty', 2),
    (lambda f: truncate(f / 'last_checkpoint', 20), 'names', 2),
    (lambda f: (f / 'last_checkpoint').unlink(), 'is missing', 2),
], ids=['truncated', 'removed', 'two truncated', 'empty pointer',
        'truncated pointer', 'no pointer'])
def test_newest_complete_checkpoint_is_used(folder, damage, state, newest):
    damage(folder)
    message, = warnings_of(folder)
    assert message.startswith(f'{folder}/last_checkpoint {state}')
    assert message.endswith(f'resuming from {folder}/{NAMES[newest]}, the '
                            'newest complete one')
    assert (folder / 'last_checkpoint').read_text() == str(
        folder / NAMES[newest])


def test_checkpoints_in_out_dir(folder, tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('other') / folder.name
    message, = warnings_of(work_dir, out_dir=str(folder.parent))
    assert message.endswith(f'{NAMES[2]}, the newest complete one')


def test_remote_checkpoints_are_not_changed(tmp_path):
    (tmp_path / 'last_checkpoint').write_text('s3://bucket/run/epoch_1.pth')
    assert warnings_of(tmp_path, out_dir='s3://bucket') == []
    hooks = [AtomicCheckpointHook(out_dir=folder)
             for folder in ('s3://bucket', str(tmp_path), None)]
    assert [hook.backend_args for hook in hooks] == [
        None, dict(backend='atomic'), dict(backend='atomic')]


def test_nothing_to_resume_from(tmp_path):
    assert warnings_of(tmp_path) == []  # MMEngine starts from scratch
    (tmp_path / NAMES[0]).write_bytes(b'no checkpoint')
    with pytest.raises(ValueError, match='is missing, and none of the 1 '
                       'checkpoints next to it is complete: start again '
                       'without --resume'):
        warnings_of(tmp_path)
    assert warnings_of(tmp_path, resume=False) == []


def test_truncated_file_in_load_from(folder):
    assert warnings_of(folder, load_from=folder / NAMES[0]) == []
    truncate(folder / NAMES[2])
    with pytest.raises(ValueError) as error:
        warnings_of(folder, load_from=folder / NAMES[2])
    assert str(error.value) == (
        f'{folder}/{NAMES[2]} is truncated or damaged: the newest complete '
        f'checkpoint here is {folder}/{NAMES[1]}')
    assert warnings_of(folder, load_from='https://somewhere/epoch_1.pth') == []


@pytest.mark.parametrize('size', [0, 1, 1000, 100_000, -22, -1])
def test_truncated_files_are_not_complete(folder, size):
    path = folder / NAMES[0]
    assert is_complete(path)
    truncate(path, size if size >= 0 else path.stat().st_size + size)
    assert not is_complete(path)


def test_changed_byte_is_detected(folder):
    path = folder / NAMES[0]
    with zipfile.ZipFile(path) as archive:
        largest = max(archive.infolist(), key=lambda part: part.file_size)
        numbers = archive.read(largest)
    content = path.read_bytes()
    assert content.count(numbers) == 1
    path.write_bytes(content.replace(numbers, numbers[::-1]))
    assert not is_complete(path)


def test_max_keep_ckpts_of_1_raises():
    with pytest.raises(ValueError, match='would remove the only checkpoint'):
        AtomicCheckpointHook(max_keep_ckpts=1)


def test_old_checkpoints_are_removed(ann_file, tmp_path):
    cfg = resumable_config(ann_file, tmp_path)
    cfg.default_hooks.checkpoint.max_keep_ckpts = 2
    Runner.from_cfg(cfg).train()
    assert sorted(path.name for path in tmp_path.glob('epoch_*')) == list(
        NAMES[1:])


def test_backend_keeps_the_old_file_until_the_new_one_is_complete(tmp_path):
    backend = get_file_backend(backend_args=dict(backend='atomic'))
    path = tmp_path / 'new folder/file'
    backend.put(b'first', str(path))
    with pytest.raises(TypeError):
        backend.put('no bytes', str(path))
    assert path.read_bytes() == b'first'
    backend.put(b'second', str(path))
    assert [p.read_bytes() for p in path.parent.iterdir()] == [b'second']
