"""tools/data/check_dataset.py: problems, summary, status."""
import json
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bad_inputs import make_clips, write
from toy import load_tool, write_ntu

TOOL = Path(__file__).resolve().parents[2] / 'tools/data/check_dataset.py'


@pytest.fixture(scope='module')
def tool():
    return load_tool('data/check_dataset')


@pytest.fixture
def check(tool, capsys):
    """Runs the tool in this process; returns status and output."""

    def run(*args):
        try:
            tool.main(list(map(str, args)))
        except SystemExit as end:
            if isinstance(end.code, str):
                return 1, end.code
            return end.code, capsys.readouterr().out
        return 0, capsys.readouterr().out

    return run


def test_as_a_command(tmp_path):
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', str(TOOL), str(write_bad(tmp_path))],
        capture_output=True, text=True, check=False)
    assert done.returncode == 1 and not done.stderr
    assert done.stdout.startswith('problems: 7 in 5 clips\n')


def test_missing_file_exits_with_one_sentence(check, tmp_path):
    status, text = check(tmp_path / 'b.pkl')
    assert status == 1 and re.fullmatch(
        r'annotation file \S+b\.pkl does not exist: .*\.', text)


def test_summary_of_a_clean_file(check, tmp_path):
    path = write_ntu(tmp_path / 'a.pkl', 60)
    status, text = check(path, '--layout', 'nturgb+d', '--num-classes', 6)
    assert status == 0 and text.startswith('problems: none\n')
    with open(path, 'rb') as stream:
        frames = [clip['total_frames']
                  for clip in pickle.load(stream)['annotations']]
    for line in ('60 clips', 'dtype: float16', 'joints: 25',
                 'persons: 1 (30 clips), 2 (30 clips)',
                 'no second person in 50.0% of the clips',
                 f'frames: {min(frames)} to {max(frames)}, '
                 f'median {np.median(frames):g}'):
        assert line in text
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines()
            if line}
    assert rows['label'][:2] == ['xsub_train', 'xsub_val']
    assert rows['total'][:2] == ['40', '20'] and rows['5'][:2] == ['6', '4']


def test_second_person_of_zeros_is_absent(check, tmp_path):
    clips = make_clips()
    for clip in clips[:3]:
        clip['keypoint'] = np.concatenate(
            [clip['keypoint'], np.zeros_like(clip['keypoint'])])
    clips[0]['keypoint'][1, 2] = 1
    _, text = check(write(tmp_path, clips))
    assert 'no second person in 91.7% of the clips' in text


def write_bad(folder):
    """Writes a file with eight problems in five clips."""
    clips = make_clips()
    clips[1]['keypoint'][0, 2, 5] = np.nan
    clips[2]['keypoint'][0, 2, 5] = np.nan
    clips[2].update(label=-2)
    clips[3].update(label=7, total_frames=3,
                    keypoint=np.zeros_like(clips[3]['keypoint']))
    del clips[4]['label']
    clips.append(dict(clips[5]))
    names = [clip['frame_dir'] for clip in clips]
    return write(folder, clips, split=dict(
        train=names[:6], val=names[6:] + ['clip99'], test=names[4:8]))


def test_all_problems_at_once(check, tmp_path):
    out = tmp_path / 'out.json'
    status, text = check(write_bad(tmp_path), '--num-classes', 3,
                         '--json', out)
    assert status == 1
    assert 'problems: 8 in 5 clips' in text
    found = json.loads(out.read_text())
    assert {kind: [item['clip'] for item in items]
            for kind, items in found['problems'].items()} == {
        'NaN key points': ['clip01', 'clip02'],
        'negative label': ['clip02'],
        'label beyond num_classes': ['clip03'],
        'wrong total_frames': ['clip03'],
        'all-zero key points': ['clip03'],
        'name not unique': ['clip05'],
        'in a split only': ['clip99'],
    }
    for kind, items in found['problems'].items():
        line = next(line for line in text.splitlines() if kind in line)
        assert line.split(kind)[1].split() == [
            str(len(items)),
            *', '.join(item['clip'] for item in items).split()]
        assert f'{items[0]["clip"]!r} {items[0]["problem"]}' in text
    assert "note: clips without a label in split 'train': 1" in text


def test_one_split_only(check, tmp_path):
    path = write_bad(tmp_path)
    status, text = check(path, '--split', 'test')
    assert status == 1 and 'problems: 1 in 1 clips' in text  # repeated name
    assert '5 clips\n' in text and 'val' not in text
    status, text = check(path, '--split', 'xsub')
    assert status == 1
    assert text == (f"{path} has no split 'xsub', only 'train', 'val', "
                    "'test': set split to one of its splits.")


@pytest.mark.parametrize('option', [('--layout', 'nwucla'), ('--joints', 20)])
def test_joints_of_the_model(check, tmp_path, option):
    status, text = check(write(tmp_path), *option)
    assert status == 1 and 'has 25 joints, not 20' in text
    assert 'other joints     12' in text


def test_unknown_layout(check, tmp_path):
    status, text = check(write(tmp_path), '--layout', 'kinect')
    assert status == 1 and text.startswith("unknown skeleton layout 'kinect'")


def test_shared_clips_and_duplicates(check, tmp_path):
    """Clips, or copies of them, that are in training and validation."""
    clips = make_clips()
    for copy, original in ((10, 1), (11, 2)):
        clips[copy]['keypoint'] = clips[original]['keypoint'].copy()
    names = [clip['frame_dir'] for clip in clips]
    status, text = check(write(tmp_path, clips, split=dict(
        train=names[:6], val=names[6:], mix_val=names[6:],
        mix_train=names[:8])))
    assert status == 0
    assert ('duplicates in train, val: 2 clips of the second, clip10, '
            'clip11\n') in text
    assert ('in both splits of mix_val, mix_train: 2 clips, clip06, '
            'clip07') in text
    assert 'duplicates in mix_' not in text


def test_several_labels_and_separate_key_points(check, tmp_path):
    """As CheckedPoseDataset accepts them."""
    clips = make_clips()
    for clip in clips:
        clip['label'] = [clip['label'], 3]
        del clip['keypoint']
    path = write(tmp_path, clips)
    status, text = check(path)
    assert status == 1
    assert 'no keypoint' in text and 'label not an integer' in text
    status, text = check(path, '--multi-class', '--points-apart')
    assert status == 0, text


def test_duplicates_of_nwucla(check, nwucla_pkl):
    status, text = check(nwucla_pkl, '--layout', 'nwucla', '--num-classes', 10)
    assert status == 0
    assert 'duplicates in xview_train, xview_val: 95 clips' in text
    assert 'duplicates in xview_val, view2: 95 clips' in text
    assert text.count('duplicates in') == 2
    assert 'frames: 1 to 201' in text
    assert 'note: clips of a single frame, thus without motion: 2' in text


def test_list_without_splits(check, tmp_path):
    path = tmp_path / 'a.pkl'
    path.write_bytes(pickle.dumps(make_clips()))
    status, text = check(path)
    assert status == 0 and 'total     12' in text


def test_unwritable_report_exits_with_one_sentence(check, tmp_path):
    status, text = check(write(tmp_path), '--json', tmp_path)
    assert status == 1 and f'{tmp_path}: Is a directory.' in text
