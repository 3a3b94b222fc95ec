"""The clips of the label page: their names, and drawing them."""
import json
import pickle

import numpy as np
import pytest
from pools import moving, write_pool

from psp_plugin.errors import InputError
from psp_plugin.recordings import (
    ReadOptions,
    RecordingError,
    convert_folder,
    read_labels,
)
from psp_plugin.skeletons import get_pyramid, joints_of
from psp_plugin.tooling.labeling import (
    ClipPool,
    LabelStore,
    UndrawableClipError,
)
from psp_plugin.tooling.pages import up_axis


def test_names_of_a_folder_are_those_of_the_converter(tmp_path):
    root, table = tmp_path / 'recordings', tmp_path / 'labels.csv'
    (root / 'more').mkdir(parents=True)
    rng = np.random.default_rng(0)
    np.save(root / 'a.npy', moving())
    np.save(root / 'more/b.json.npy', moving(1))
    (root / 'c.json').write_text(
        json.dumps(dict(keypoint=moving(2).tolist())))
    write_pool(root / 'more/one.pkl', ['one'])
    write_pool(root / 'two.pkl', ['d', 'e'])
    (root / 'more/bare.pkl').write_bytes(
        pickle.dumps(dict(keypoint=moving(3), frame_dir='x')))
    archive = rng.normal(size=(3, 9, 75))
    archive[2] = 0  # invalid
    np.savez(root / 'ctr.npz', x_train=archive)
    options = ReadOptions(joints=20)
    pool = ClipPool(str(root), options)
    made = convert_folder(str(root), options=ReadOptions())
    names = {clip['frame_dir'] for clip in made.annotations}
    names |= {f'ctr/train_00000{i}' for i in range(3)}  # of other joints
    assert set(pool.names) == names and {'more/one/one', 'more/bare'} <= names
    store = LabelStore(str(table), pool.names)
    for name in pool.names:
        store.write(name, 'walk', None)
    store.close()
    labels = read_labels(str(table)).labels
    assert set(labels) == names
    made = convert_folder(str(root), read_labels(str(table)), options=options)
    assert all(clip['label'] == 0 for clip in made.annotations)
    assert [item.name for item in made.skipped if item.kind == 'missing'] == [
        'ctr/train_000002']


def test_names_of_a_file_are_those_of_the_converter(tmp_path):
    path, table = write_pool(tmp_path / 'pool.pkl'), tmp_path / 'labels.csv'
    store = LabelStore(str(table), ClipPool(path).names)
    store.write('b', 'walk', None)
    store.write('c', '', None)
    store.close()
    made = convert_folder(path, read_labels(str(table)), val_ratio=0)
    assert made.split['train'] == ['b']
    assert made.split['unlabeled'] == ['a', 'c', 'd', 'e', 'f']


def test_names_along_an_axis_of_clips(tmp_path):
    (tmp_path / 'more').mkdir()
    np.save(tmp_path / 'more/a.npy', np.stack([moving(0), moving(1)]))
    options = ReadOptions(axes='NMTVC')
    made = convert_folder(str(tmp_path), options=options)
    assert ClipPool(str(tmp_path), options).names == sorted(
        clip['frame_dir'] for clip in made.annotations)


def test_chosen_clips_in_their_order(tmp_path):
    path = write_pool(tmp_path / 'pool.pkl', classes=['walk', 'sit'])
    (tmp_path / 'list.txt').write_text('# suggested\ne\nb\n')
    pool = ClipPool(path, chosen=str(tmp_path / 'list.txt'))
    assert pool.names == ['e', 'b'] and pool.classes == ['walk', 'sit']
    (tmp_path / 'list.txt').write_text('e\nx\ny\n')
    with pytest.raises(InputError, match="names clip 'x' and 1 more, which"):
        ClipPool(path, chosen=str(tmp_path / 'list.txt'))


def test_names_must_be_unique(tmp_path):
    np.save(tmp_path / 'a.npy', moving())
    (tmp_path / 'a.json').write_text('[]')
    with pytest.raises(InputError, match="several clips .* the name 'a'"):
        ClipPool(str(tmp_path))


def test_file_that_cannot_be_read_stops_before_the_page(tmp_path):
    (tmp_path / 'pool.pkl').write_bytes(b'no pickle')
    for name in ('pool.pkl', 'missing.pkl'):
        with pytest.raises(RecordingError, match=name):
            ClipPool(str(tmp_path / name))


def test_drawing_needs_joints(tmp_path):
    path = write_pool(tmp_path / 'pool.pkl', layout='nwucla', fps=15)
    pool = ClipPool(path)
    clip, persons, frames = pool.draw('a')
    assert (persons, frames, clip['fps']) == (1, 12, 15)
    assert len(clip['bones']) == 19
    pool.clips['a'].clip['keypoint'][:] = np.nan
    pool.clips['b'].clip['keypoint'] = np.zeros((3, 20, 3))
    del pool.clips['c'].clip['keypoint']
    pool.clips['d'].clip['keypoint'] = 'text'
    pool.clips['e'].clip['keypoint'] = np.ones((1, 2, 25, 3))
    for name, message in dict(
            a='zero or not finite', b=r'must have shape .* not \(3, 20, 3\)',
            c='has no keypoint', d='must have shape',
            e="has 25 joints, but the layout 'nwucla' has 20").items():
        with pytest.raises(UndrawableClipError, match=message):
            pool.draw(name)


def test_recordings_are_read_when_they_are_drawn(tmp_path):
    np.save(tmp_path / 'a.npy', moving())
    np.save(tmp_path / 'b.npy', np.full((12, 20, 3), np.nan))
    (tmp_path / 'c.npy').write_bytes(b'no array')
    pool = ClipPool(str(tmp_path))
    assert pool.names == ['a', 'b', 'c'] and pool.draw('a')[2] == 12
    for name, message in dict(b='NaN', c='not a .npy file').items():
        with pytest.raises(UndrawableClipError, match=message):
            pool.draw(name)


def test_frames_without_coordinates_do_not_turn_the_clip():
    pyramid = get_pyramid('nwucla')
    bottom, top = (list(joints_of(point)) for point in pyramid.zaxis)
    clip = moving()
    clip[:, :, bottom], clip[:, :, top] = 0, (0, 1, 5)
    clip[:, :3] = np.nan
    assert up_axis(clip, pyramid) == 'z'
    assert up_axis(np.zeros_like(clip), pyramid) == 'y'


@pytest.mark.parametrize('error', [MemoryError(), ZeroDivisionError('x')])
def test_no_clip_stops_the_page(tmp_path, monkeypatch, error):
    pool = ClipPool(write_pool(tmp_path / 'pool.pkl'))

    def fail(clip):
        raise error

    monkeypatch.setattr(pool, '_read', fail)
    with pytest.raises(UndrawableClipError, match='memory|reading it failed'):
        pool.draw('a')
