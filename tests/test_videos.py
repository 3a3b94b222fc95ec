"""The commands of docs/guides/videos.md, on key points of OpenPose."""
import csv
import json

import numpy as np
import pytest
from forked import run_forked
from toy import CONFIGS, load_tool

from psp_plugin.annotations.pickles import load_pickle, write_pickle
from psp_plugin.datasets.synthetic import make_clip

# The joint of a synthetic body for each of BODY_25's.
JOINTS = [3, 20, 8, 9, 10, 4, 5, 6, 0, 16, 17, 18, 12, 13, 14, 3, 3, 3, 3, 15,
          15, 14, 19, 19, 18]
ROOT = CONFIGS.parent
NAMES = ('wave', 'kick')


def write_video(folder, name, label):
    """Writes what OpenPose writes for a video, every second frame."""
    path = folder / name
    path.mkdir(parents=True)
    points = make_clip(label, split='train')['keypoint'][0, ::2, JOINTS]
    pixels = np.moveaxis(points, 0, 1)[..., :2] * (150, -150) + (320, 240)
    for frame, pose in enumerate(pixels):
        person = dict(person_id=[-1], pose_keypoints_2d=np.insert(
            pose.round(3), 2, 0.9, 1).ravel().tolist())
        (path / f'{name}_{frame:012d}_keypoints.json').write_text(
            json.dumps(dict(version=1.3, people=[person])))
    return len(pixels)


def write_coco(path):
    """Writes key points of another estimator."""
    pose = np.insert(np.arange(34.).reshape(17, 2) + 1, 2, 0.9, 1)
    path.write_text(json.dumps([
        dict(image_id=frame, category_id=1, keypoints=pose.ravel().tolist(),
             score=1.) for frame in range(9)]))


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """24 labelled clips, 12 without a label, and two new ones."""
    root = tmp_path_factory.mktemp('videos')
    rows = []
    for i in range(36):
        write_video(root / 'poses', f'clip{i:02}', i % 2)
        rows.append((f'clip{i:02}', NAMES[i % 2] if i < 24 else ''))
    for i in range(2):
        write_video(root / 'new_poses', f'new{i}', i)
    with open(root / 'labels.csv', 'w', newline='') as stream:
        csv.writer(stream).writerows([('name', 'label'), *rows])
    return root


def test_page_of_videos(folder, monkeypatch, capsys):
    page = (ROOT / 'docs/guides/videos.md').read_text(encoding='utf-8')
    monkeypatch.chdir(folder)
    for command in ('convert_skeletons.py poses -o data/mine.pkl --labels '
                    'labels.csv --report report.csv',
                    'new_config.py data/mine.pkl -o CONFIG --img-shape',
                    'train.py CONFIG', 'infer.py CONFIG CHECKPOINT new_poses '
                    '--json scores.json'):
        assert command in page
    convert = load_tool('data/convert_skeletons').main
    convert(['--explain', 'poses/clip00/clip00_000000000003_keypoints.json'])
    assert 'OpenPose, ' in capsys.readouterr().out
    convert(['poses', '-o', 'data/mine.pkl', '--labels', 'labels.csv',
             '--report', 'report.csv'])
    out = capsys.readouterr().out
    assert 'skipped: none' in out and 'openpose_body25' in out
    split = load_pickle('data/mine.pkl')['split']
    assert {name: len(clips) for name, clips in split.items()} == dict(
        train=20, val=4, unlabeled=12)
    load_tool('new_config').main(['data/mine.pkl', '-o', 'mine.py',
                                  '--img-shape', '480', '640'])
    done = run_forked(
        ROOT / 'tools/train.py', 'mine.py', '--cfg-options',
        'train_cfg.max_epochs=1', 'train_cfg.val_interval=1',
        'train_dataloader.dataset.times=2', cwd=folder)
    assert done.returncode == 0, done.stderr
    capsys.readouterr()
    load_tool('infer').main(['mine.py', 'work_dirs/mine/epoch_1.pth',
                             'new_poses', '--json', 'scores.json'])
    results = json.loads((folder / 'scores.json').read_text())
    assert len(results) == 2
    for result in results:
        assert {best['class'] for best in result['top']} == set(NAMES)
    other = load_pickle('data/mine.pkl')
    other['metainfo']['layout'] = 'nturgb+d'
    write_pickle(other, 'other.pkl')
    with pytest.raises(SystemExit) as stop:
        load_tool('infer').main(['mine.py', 'work_dirs/mine/epoch_1.pth',
                                 'other.pkl'])
    assert stop.value.code == (
        "other.pkl has the joints of 'nturgb+d', but the model was trained on "
        "those of 'openpose_body25'.")
    write_coco(folder / 'coco.json')
    with pytest.raises(SystemExit):
        load_tool('infer').main(['mine.py', 'work_dirs/mine/epoch_1.pth',
                                 'coco.json'])
    assert ("coco.json has the joints of 'coco', but the model was trained on "
            "those of 'openpose_body25'") in capsys.readouterr().err
