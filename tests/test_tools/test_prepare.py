"""tools/data/prepare.py, and commands that read its files."""
import pickle

import numpy as np
import pytest
from toy import load_tool, write_ntu

from psp_plugin.annotations import read_annotations
from psp_plugin.commands.find_clips import find_clips
from psp_plugin.errors import InputError


@pytest.fixture(scope='module')
def main():
    tool = load_tool('data/prepare')
    return lambda *args: tool.main(list(map(str, args)))


@pytest.fixture(scope='module')
def pkl(tmp_path_factory):
    return write_ntu(tmp_path_factory.mktemp('ntu') / 'ntu.pkl', 24)


def test_prepares_and_names_what_is_left_out(main, tmp_path, capsys):
    path = tmp_path / 'a.pkl'
    with open(write_ntu(path), 'rb') as stream:
        data = pickle.load(stream)
    for clip in data['annotations'][:25]:
        clip['keypoint'] = np.zeros_like(clip['keypoint'])
    path.write_bytes(pickle.dumps(data))
    with pytest.raises(SystemExit) as error:
        main(path, '-o', tmp_path / 'a.clips')
    assert "'S001C001P001R001A000' has key points that are all zero" in str(
        error.value)
    main(path, '-o', tmp_path / 'a.clips', '--invalid-clips', 'skip')
    printed = capsys.readouterr().out
    assert printed.count('left out') == 21 and 'left out 5 more' in printed
    assert printed.splitlines()[-1].startswith('35 clips in 0.')
    assert len(read_annotations(str(tmp_path / 'a.clips')).clips) == 35


def test_drop_labels(main, tmp_path):
    path = write_ntu(tmp_path / 'a.pkl', 6, labels=['?', None, 1.5, -7, 0, 1])
    main(path, '-o', tmp_path / 'a.clips', '--drop-labels')
    assert list(read_annotations(str(tmp_path / 'a.clips')).labels) == (
        [None] * 6)


def test_other_commands_take_it(main, pkl, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    main(pkl, '-o', 'ntu.clips')
    capsys.readouterr()
    outputs = []
    for path in (pkl, 'ntu.clips'):
        load_tool('data/check_dataset').main([path, '--num-classes', '6'])
        load_tool('data/make_split').main([
            path, 'split.txt', '--split', 'xsub_train', '--ratio', '0.5'])
        load_tool('new_config').main([
            path, '-o', f'{path}.py', '--labeled-ratio', '0.5',
            '--layout', 'nturgb+d'])
        outputs.append(capsys.readouterr().out.replace(path, 'FILE'))
        found = find_clips([path], 'xsub_val')
        assert [clip.name[-3:] for clip in found] == [
            f'{i:03}' for i in range(16, 24)]
        assert found[0].label == 4 and found[0].clip['keypoint'].ndim == 4
    assert outputs[0] == outputs[1]


def test_one_clip_of_a_prepared_file(main, pkl, tmp_path):
    path = str(tmp_path / 'a.clips')
    main(pkl, '-o', path)
    third = find_clips([path])[3]
    one, = find_clips([f'{path}#{third.name}'])
    assert (one.name, one.label) == (third.name, third.label)
    np.testing.assert_array_equal(one.clip['keypoint'],
                                  third.clip['keypoint'])
    with pytest.raises(InputError, match="has no clip 'none': name one of"):
        find_clips([f'{path}#none'])
