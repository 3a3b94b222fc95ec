"""Conversion of folders: splits, labels and skipped recordings."""
import json
import os
import pickle

import numpy as np
import pytest

from psp_plugin import recordings
from psp_plugin.recordings import (
    ConvertError,
    ReadOptions,
    convert_folder,
)
from psp_plugin.recordings.converter import in_processes
from psp_plugin.recordings.folder import check_layout_names
from psp_plugin.recordings.labels import LabelTable

RNG = np.random.default_rng(0)


def clip(frames=4, joints=5, channels=3, persons=1):
    return RNG.normal(size=(persons, frames, joints, channels))


def save_all(folder, **clips):
    for name, points in clips.items():
        path = folder / f'{name.replace("__", "/")}.npy'
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, points)
    return str(folder)


def table(splits=None, classes=None, **labels):
    labels = {name.replace('__', '/'): label
              for name, label in labels.items()}
    lines = {name: line for line, name in enumerate(labels, 2)}
    return LabelTable('labels.csv', labels, lines, splits, classes)


def skipped(made):
    return {item.name: (item.kind, item.reason) for item in made.skipped}


def test_labels_splits_and_the_unlabelled_rest(tmp_path):
    folder = save_all(tmp_path, a=clip(), deep__b=clip(9), c=clip(),
                      deep__er__d=clip())
    made = convert_folder(folder, table({'a': 'train', 'deep/b': 'val'},
                                        a=1, deep__b=0))
    assert made.failure == '' and made.skipped == [] and made.notes == [
        'classes without a clip in train: 0']
    assert made.split == dict(train=['a'], val=['deep/b'],
                              unlabeled=['c', 'deep/er/d'])
    names = [item['frame_dir'] for item in made.annotations]
    assert names == ['a', 'c', 'deep/b', 'deep/er/d']
    assert [item.get('label') for item in made.annotations] == [
        1, None, 0, None]
    assert 'label' not in made.annotations[1]
    assert made.annotations[2]['total_frames'] == 9


def test_drawn_splits(tmp_path):
    names = [f'clip{i}' for i in range(12)]
    folder = save_all(tmp_path, **{name: clip() for name in names})
    labels = table(**{name: i % 2 for i, name in enumerate(names[:11])},
                   clip11=2)
    made = convert_folder(folder, labels, val_ratio=0.4, seed=1)
    assert {s: len(n) for s, n in made.split.items()} == dict(train=8, val=4)
    assert 'clip11' in made.split['train']
    assert made.notes == ['classes of a single clip, which is in train: 2']
    assert convert_folder(folder, labels, 0.4, 2).split != made.split


def test_unlabelled_pool(tmp_path):
    made = convert_folder(save_all(tmp_path, a=clip(), b=clip()))
    assert made.split == dict(unlabeled=['a', 'b'])
    assert not any('label' in item for item in made.annotations)


def test_invalid_recordings_are_listed(tmp_path):
    folder = save_all(tmp_path, a=clip(), b=clip(), c=clip(), joints=clip(
        joints=7), flat=clip(channels=2), deep__zero=clip() * 0)
    (tmp_path / 'deep/bad.json').write_text('{')
    (tmp_path / 'same.json').write_text('[[[1, 2, 3]]]')
    (tmp_path / 'same.skeleton').write_text('1')
    (tmp_path / 'notes.MD').write_text('')
    made = convert_folder(folder, table(a=0, b=0, c=1, gone=1, same=0,
                                        deep__bad=0))
    assert [item['frame_dir'] for item in made.annotations] == ['a', 'b', 'c']
    found = skipped(made)
    assert {name: kind for name, (kind, _) in found.items()} == {
        'gone': 'missing', 'same.json': 'name', 'same.skeleton': 'name',
        'deep/bad.json': 'unreadable', 'deep/zero.npy': 'unreadable',
        'joints.npy': 'joints', 'flat.npy': 'coordinates'}
    assert found['gone'][1] == (
        f'is in line 5 of labels.csv but not in {folder}')
    assert found['same.json'][1] == "is one of 2 files named 'same'"
    assert found['deep/zero.npy'][1] == 'has only zeros'
    assert found['joints.npy'][1] == (
        'has 7 joints of 3 coordinates without scores, not 5 joints of 3 '
        'coordinates without scores')
    assert 'files of other formats, ignored: 1 .md' in made.notes


def test_scores_are_all_or_none(tmp_path):
    """Otherwise clips of a batch would differ in channels."""
    save_all(tmp_path, b=clip(channels=2))
    for name in 'ac':
        (tmp_path / f'{name}.json').write_text(
            '{"keypoint": [[[1, 2], [3, 4]]], "keypoint_score": [[1, 1]]}')
    (tmp_path / 'd.json').write_text('{"keypoint": [[[1, 2], [3, 4]]]}')
    made = convert_folder(str(tmp_path))
    assert [item['frame_dir'] for item in made.annotations] == ['a', 'c']
    assert {name: kind for name, (kind, _) in skipped(made).items()} == {
        'b.npy': 'joints', 'd.json': 'scores'}


def test_joints_may_be_chosen(tmp_path):
    folder = save_all(tmp_path, a=clip(), b=clip(), c=clip(joints=7))
    made = convert_folder(folder, joints=7)
    assert [item['frame_dir'] for item in made.annotations] == ['c']
    assert set(skipped(made)) == {'a.npy', 'b.npy'}
    made = convert_folder(folder, joints=9)
    assert made.failure.startswith('no recording could be used; the first of '
                                   '3 skipped: a.npy has 5 joints')


def test_equally_frequent_layouts_raise(tmp_path):
    folder = save_all(tmp_path, a=clip(), b=clip(joints=7))
    with pytest.raises(ConvertError, match=r'as many recordings \(1\) have 5 '
                       'joints.*as have 7.*--joints'):
        convert_folder(folder)
    assert len(convert_folder(folder, joints=5).annotations) == 1


def test_persons_are_limited_with_a_note(tmp_path):
    folder = save_all(tmp_path, a=clip(persons=3), b=clip(persons=1))
    made = convert_folder(folder, options=ReadOptions(axes='MTVC'))
    assert [len(item['keypoint']) for item in made.annotations] == [2, 1]
    assert made.remarks == [('a', 'note', (
        'has 3 persons, of whom the first 2 by presence, motion and score are '
        'kept; dropped were those seen in 4 of 4 frames'))]
    every = ReadOptions(axes='MTVC', max_persons=3)
    made = convert_folder(folder, options=every)
    assert len(made.annotations[0]['keypoint']) == 3


def test_scored_is_passed_to_the_reader(tmp_path):
    made = convert_folder(save_all(tmp_path, a=clip()), scored=True)
    assert made.annotations[0]['keypoint'].shape == (1, 4, 5, 2)
    assert made.annotations[0]['keypoint_score'].shape == (1, 4, 5)


def test_earlier_output_is_ignored(tmp_path):
    output = str(tmp_path / 'out.pkl')
    for _ in range(2):
        made = convert_folder(save_all(tmp_path, a=clip()), output=output)
        assert made.write(output) == [output]
        assert made.skipped == []


def test_table_without_matching_names_is_a_failure(tmp_path):
    folder = save_all(tmp_path / 'in', a=clip())
    made = convert_folder(folder, table(b=0))
    assert made.failure.startswith(
        'no row of labels.csv has a usable recording; the first of 1 skipped: '
        'b is in line 2 of labels.csv')
    with pytest.raises(ConvertError, match='no row of labels.csv'):
        made.write(str(tmp_path / 'out.pkl'))
    assert os.listdir(tmp_path) == ['in']


def test_empty_folder(tmp_path):
    assert convert_folder(str(tmp_path)).failure.startswith(
        'no recording could be used: there are no files, but recordings are '
        '.pkl, .json, ')
    (tmp_path / 'a.avi').touch()
    assert 'there are 1 .avi, but' in convert_folder(str(tmp_path)).failure


@pytest.mark.parametrize('options, message', [
    (dict(val_ratio=1), r'val_ratio must be in \[0, 1\), not 1'),
    (dict(val_ratio=float('nan')), 'not nan'),
    (dict(persons=0), 'persons must be at least 1, not 0'),
    (dict(joints=-2), 'joints must be at least 1, not -2'),
])
def test_arguments_out_of_range_raise(tmp_path, options, message):
    with pytest.raises(ConvertError, match=message):
        convert_folder(save_all(tmp_path, a=clip()), **options)


def test_very_large_label(tmp_path):
    made = convert_folder(save_all(tmp_path, a=clip()), table(a=10**8))
    assert made.notes[-1].endswith('18, 19, and more')
    assert 'num_classes=100000001' in recordings.summarize(made)


def test_files(tmp_path):
    made = convert_folder(save_all(tmp_path / 'in', a=clip(), b=clip()),
                          table(a=1, b=1, classes=['sit', 'gehen für zwei']))
    output = tmp_path / 'new/mine.v2.pkl'
    label_map = tmp_path / 'new/mine.v2.classes.txt'
    assert made.write(str(output)) == [str(output), str(label_map)]
    assert recordings.read_classes(str(label_map)) == made.table.classes
    with open(output, 'rb') as stream:
        data = pickle.load(stream)
    assert set(data) == {'split', 'annotations', 'metainfo'}
    assert data['metainfo'] == dict(classes=['sit', 'gehen für zwei'])
    assert data['split'] == made.split
    assert data['annotations'][0]['keypoint'].dtype == np.float32
    assert sorted(os.listdir(output.parent)) == [label_map.name, output.name]


def test_summary(tmp_path):
    folder = save_all(tmp_path, a=clip(), b=clip(9), c=clip(), d=clip())
    made = convert_folder(folder, table(a=1, b=1, c=0, classes=['x', 'y']))
    lines = recordings.summarize(made).split('\n')
    assert lines[0] == ('4 clips: 5 joints of 3 coordinates without scores, '
                        '1 to 1 persons, 4 to 9 frames')
    rows = [line.split() for line in lines]
    assert ['label', 'train', 'val', 'class'] in rows
    assert ['0', '1', '0', 'x'] in rows and ['1', '1', '1', 'y'] in rows
    assert 'split unlabeled: 1 clips' in lines and 'num_classes=2' in lines
    assert 'note: classes of a single clip, which is in train: x' in lines


def test_long_tables_are_truncated_when_printed_only(tmp_path):
    items = [recordings.Skipped(f'{i}.npy', 'unreadable', f'is "{i}", so')
             for i in range(50)]
    same = [recordings.Skipped(f'{i}', 'name', 'is old') for i in range(3)]
    assert recordings.skipped_table(same).split('\n') == [
        'skipped: 3 (3 name)', '  0  is old (the same for 2 more)']
    text = recordings.skipped_table(items).split('\n')
    assert text[0] == 'skipped: 50 (50 unreadable)'
    assert text[-1] == '  and 10 more (--report FILE.csv lists all)'
    path = tmp_path / 'report.csv'
    recordings.write_report(str(path), items)
    lines = path.read_text(encoding='utf-8').splitlines()
    assert lines[0] == 'name,kind,reason' and len(lines) == 51
    assert lines[50] == '49.npy,unreadable,"is ""49"", so"'


@pytest.mark.parametrize('persons', [1, 2])
def test_bytes_do_not_depend_on_the_number_of_processes(tmp_path, persons):
    folder = save_all(tmp_path / 'in', **{
        f'c{i % 2}__{i}': clip(persons=persons) for i in range(120)})
    outputs = []
    for jobs in (1, 2):
        made = convert_folder(folder, labels='folders', jobs=jobs)
        output = tmp_path / f'{jobs}.pkl'
        made.write(str(output))
        outputs.append(output.read_bytes())
    assert outputs[0] == outputs[1]


def test_copies_are_noted(tmp_path):
    """Such as those of an earlier result, which is a recording as well."""
    folder = save_all(tmp_path, a=clip(), b=clip(8), c=clip(8))
    convert_folder(folder).write(str(tmp_path / 'earlier.pkl'))
    _, note = convert_folder(folder).notes  # the first is of its splits
    assert 'another one: 3, such as earlier/a and a;' in note
    assert convert_folder(folder, output=str(
        tmp_path / 'earlier.pkl')).notes == []


def test_linked_folders_are_listed(tmp_path):
    folder = save_all(tmp_path / 'in', a=clip())
    save_all(tmp_path / 'other', b=clip())
    os.symlink(tmp_path / 'other', tmp_path / 'in' / 'more')
    made = convert_folder(folder)
    assert skipped(made)['more'][0] == 'link'
    assert [item['frame_dir'] for item in made.annotations] == ['a']


def test_damaged_or_repeated_frames_are_named(tmp_path):
    person = dict(pose_keypoints_2d=list(range(1, 76)))
    for folder in ('damaged', 'twice'):
        (tmp_path / folder).mkdir()
        for frame in range(4):
            (tmp_path / folder / f'v_{frame:012d}_keypoints.json').write_text(
                json.dumps(dict(people=[person])))
    (tmp_path / 'damaged/v_000000000000_keypoints.json').write_text('{')
    (tmp_path / 'twice/v_2_keypoints.json').write_text(
        json.dumps(dict(people=[person])))
    made = convert_folder(str(tmp_path))
    assert [item['frame_dir'] for item in made.annotations] == ['twice/v']
    reasons = skipped(made)
    assert reasons['damaged/v_000000000000_keypoints.json'][1].startswith(
        'has v_000000000000_keypoints.json among its frames, which is not '
        'JSON')
    assert 'or that of another file of the clip' in reasons[
        'twice/v_2_keypoints.json'][1]


def end_process(task):
    os._exit(9)


def test_a_process_that_ends_is_an_error_of_one_sentence():
    with pytest.raises(ConvertError, match='one of 2 processes was ended'):
        list(in_processes(end_process, list(range(100)), 2))


def one_person():
    """Joints (T, V, 3) of someone who hardly moves."""
    return (RNG.normal(size=(1, 5, 3))
            + 0.01 * RNG.normal(size=(4, 5, 3))).round(3)


def write_table(path, names, points, step=1 / 30):
    """Writes a table (T, V, C) with the joints' names and times."""
    header = ['time_s', *(f'{name}_{axis}' for name in names
                          for axis in 'xyz')]
    rows = [[round(t * step, 6), *map(float, frame.ravel())]
            for t, frame in enumerate(points)]
    path.write_text('\n'.join(','.join(map(str, row))
                              for row in [header, *rows]))


def test_joints_of_tables_are_put_in_one_order_by_name(tmp_path):
    points = one_person()
    names = ['hip', 'knee', 'head', 'hand', 'foot']
    order = [3, 1, 0, 4, 2]
    write_table(tmp_path / 'a.csv', names, points)
    write_table(tmp_path / 'b.csv', names, points)
    write_table(tmp_path / 'c.csv', [names[i] for i in order],
                points[:, order])
    write_table(tmp_path / 'd.csv', [*names[:4], 'toe'], points)
    made = convert_folder(str(tmp_path))
    assert made.metainfo == dict(joint_names=names, fps=30)
    assert [item['frame_dir'] for item in made.annotations] == ['a', 'b', 'c']
    for item in made.annotations:
        np.testing.assert_array_equal(item['keypoint'][0], np.float32(points))
    assert skipped(made)['d.csv'] == (
        'joints', "has joints of other names than most clips: 'foot' is only "
        'in one of the two')
    assert any(item.name == 'c' and 'another order' in item.reason
               for item in made.remarks)


def test_frame_rates_that_differ_are_noted(tmp_path):
    for name, step in (('a', 1 / 30), ('b', 1 / 60)):
        write_table(tmp_path / f'{name}.csv', 'vwxyz', one_person(), step)
    note, = convert_folder(str(tmp_path)).notes
    assert note == ('clips have 30 to 60 frames per second: --fps resamples '
                    'them to one rate')
    made = convert_folder(str(tmp_path), options=ReadOptions(fps=30))
    assert made.notes == [] and made.metainfo['fps'] == 30


def test_frame_rates_that_hardly_differ_are_one(tmp_path):
    for name, rate in (('a', 30), ('b', 29.97), ('c', 30)):
        np.savez(tmp_path / f'{name}.npz', keypoint=clip(), fps=rate)
    made = convert_folder(str(tmp_path))
    assert made.notes == [] and made.metainfo == dict(fps=30)


def test_clips_of_one_name_are_left_out(tmp_path):
    """Of several files, or in one."""
    pickled = [dict(frame_dir=name, keypoint=clip()) for name in 'aabc']
    (tmp_path / 'x.pkl').write_bytes(pickle.dumps(pickled))
    save_all(tmp_path, x__b=clip())
    made = convert_folder(str(tmp_path), table(x__a=0, x__b=0, x__c=1))
    assert [item['frame_dir'] for item in made.annotations] == ['x/c']
    assert skipped(made) == {
        'x/a': ('name', 'is the name of 2 clips, in x.pkl: rename all but '
                'one'),
        'x/b': ('name', 'is the name of 2 clips, in x.pkl and x/b.npy: rename '
                'all but one')}


def test_values_too_large_for_float32_are_left_out(tmp_path):
    person = dict(pose_keypoints_2d=[1e39] * 75)
    (tmp_path / 'v_1_keypoints.json').write_text(
        json.dumps(dict(people=[person])))
    made = convert_folder(str(tmp_path))
    assert 'NaN or infinite coordinates in 1 of 1 frames' in made.failure


def test_files_of_other_formats_are_named_if_nothing_is_usable(tmp_path):
    (tmp_path / 'a.fbx').touch()
    (tmp_path / 'b.json').write_text('[]')
    failure = convert_folder(str(tmp_path)).failure
    assert 'the first of 1 skipped: b.json' in failure
    assert failure.endswith('; there are also 1 .fbx files, which are not '
                            'read')


def test_one_recording_in_each_folder_is_no_folder_per_class(tmp_path):
    """Such as that of YOLO-pose, walk/labels."""
    folder = save_all(tmp_path, a__x=clip(), b__x=clip())
    assert convert_folder(folder).notes == []
    save_all(tmp_path, b__y=clip())
    assert '--labels folders' in convert_folder(folder).notes[0]


def test_invalid_clip_of_an_array_of_several_is_named(tmp_path):
    clips = np.stack([clip(), clip() * 0])
    folder = save_all(tmp_path, a=clips)
    made = convert_folder(folder, options=ReadOptions(axes='NMTVC'))
    assert skipped(made)['a.npy'][1] == (
        'has only zeros, in clip 1 (from 0) of 2')


def test_no_validation_clip_is_noted(tmp_path):
    folder = save_all(tmp_path, a=clip(), b=clip())
    made = convert_folder(folder, table(a=0, b=1))
    assert any(note.startswith('no clip is in val') for note in made.notes)


def test_equally_frequent_joint_layouts_raise():
    layouts = dict(a='coco', b='openpose', c=None)
    with pytest.raises(ConvertError, match=r'as many recordings \(1\) have '
                       'the joints of coco as have those of openpose'):
        check_layout_names(layouts)
    left_out, = check_layout_names(dict(layouts, d='coco'))
    assert left_out.name == 'b'
