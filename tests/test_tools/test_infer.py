"""The inference tool: formats, tables, videos and invalid input."""
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from tiny import CLASSES, tiny_config, write_checkpoint, write_model
from toy import load_tool
from user_cases import case

from psp_plugin.apis import SkeletonInferencer, find_clips
from psp_plugin.datasets.synthetic import make_clip
from psp_plugin.recordings import (
    ReadOptions,
    RecordingError,
    read_recording,
)

TOOL = Path(__file__).resolve().parents[2] / 'tools/infer.py'


@pytest.fixture(scope='module')
def main():
    return load_tool('infer').main


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp('model'))


@pytest.fixture
def clips(tmp_path):
    """Three clips of the test set, as .npy files of a folder."""
    folder = tmp_path / 'clips'
    folder.mkdir()
    for index in range(3):
        np.save(folder / f'{index}.npy',
                make_clip(index, split='val')['keypoint'])
    return folder


def write_skeleton(path, keypoint):
    """One body in the text format of NTU RGB+D."""
    lines = [len(keypoint)]
    for frame in keypoint:
        lines += [1, '72057594037927936 0 1 1 1 1 0 0.1 -0.2 2', len(frame)]
        lines += [' '.join(map(str, joint)) + ' 0 0 0 0 0 0 0 0 2'
                  for joint in frame.tolist()]
    path.write_text('\n'.join(map(str, lines)) + '\n')


def write_formats(folder, clip):
    """One clip in every format that is read."""
    keypoint = clip['keypoint']
    np.save(folder / 'a.npy', keypoint)
    (folder / 'b.json').write_text(json.dumps(keypoint.tolist()))
    write_skeleton(folder / 'c.skeleton', keypoint[0])
    others = [make_clip(index) for index in range(2)]
    with open(folder / 'd.pkl', 'wb') as stream:
        pickle.dump(dict(split={}, annotations=[*others, clip]), stream)
    return [str(folder / 'a.npy'), str(folder / 'b.json'),
            str(folder / 'c.skeleton'),
            f'{folder / "d.pkl"}#{clip["frame_dir"]}']


def test_all_formats_give_the_scores_of_the_inferencer(main, model, tmp_path):
    clip = make_clip(7, split='val')
    expected = SkeletonInferencer(*model)(clip)[0]['scores']
    paths = write_formats(tmp_path, clip)
    main([*model, *paths, '--json', str(tmp_path / 'out.json')])
    results = json.loads((tmp_path / 'out.json').read_text())
    assert [result['name'] for result in results] == paths
    for result in results:
        np.testing.assert_allclose(result['scores'], expected, atol=1e-6)


def write_pickle(path, count=5, labels=None):
    """Clips of the test set, the first three in the split ``val``."""
    clips = [make_clip(index, split='val') for index in range(count)]
    for clip, label in zip(clips, labels or ()):
        clip['label'] = label
    names = [clip['frame_dir'] for clip in clips]
    with open(path, 'wb') as stream:
        pickle.dump(dict(split=dict(train=names[3:], val=names[:3]),
                         annotations=clips), stream)
    return [f'{path}#{name}' for name in names]


@pytest.mark.parametrize('flags, count', [([], 5), (['--split', 'val'], 3)])
def test_all_clips_of_a_pickle_or_split(main, model, tmp_path, capsys, flags,
                                        count):
    """Named as a single clip of it, with the same scores."""
    names = write_pickle(tmp_path / 'un.pkl')
    main([*model, str(tmp_path / 'un.pkl'), *flags, '--json', '-',
          '--batch-size', '2'])
    captured = capsys.readouterr()
    results = json.loads(captured.out)
    assert [result['name'] for result in results] == names[:count]
    assert f'{count}/{count}' in captured.err  # the progress bar
    one = SkeletonInferencer(*model)(names[1])[0]['scores']
    np.testing.assert_allclose(results[1]['scores'], one, atol=1e-6)


def test_folder_with_a_pickle_of_several_clips(main, model, clips, capsys):
    names = write_pickle(clips / 'a.pkl')
    (clips / 'b.pkl').write_bytes(pickle.dumps(make_clip(6)))
    (clips / 'c.pkl').write_bytes(b'no pickle')
    with pytest.raises(SystemExit, match='^1 of 10 clips were not'):
        main([*model, str(clips), '--json', '-'])
    results = json.loads(capsys.readouterr().out)
    assert [result['name'] for result in results] == [
        *(str(clips / f'{i}.npy') for i in range(3)), *names,
        str(clips / 'b.pkl'), str(clips / 'c.pkl')]
    assert ['error' in result for result in results] == [False] * 9 + [True]


def test_accuracy_of_the_clips_with_a_label(main, model, tmp_path, capsys):
    names = write_pickle(tmp_path / 'a.pkl')
    best = [result['top'][0][0] for result in SkeletonInferencer(*model)(
        names)]
    write_pickle(tmp_path / 'b.pkl', labels=[
        best[0], best[1], (best[2] + 1) % 10, -1, None])
    main([*model, str(tmp_path / 'b.pkl')])
    assert ('top-1 of the 3 clips with a label: 66.7%'
            in capsys.readouterr().err)


def test_video_of_a_clip_of_a_pickle(main, model, tmp_path):
    write_pickle(tmp_path / 'a.pkl', 1)
    main([*model, str(tmp_path / 'a.pkl'), '--split', 'val', '--video',
          str(tmp_path / 'new')])
    assert [path.name for path in (tmp_path / 'new').iterdir()] == [
        f'{make_clip(0, split="val")["frame_dir"]}.gif']


def test_pickle_of_a_user():
    path = case('whole_pickle_to_infer') / 'un.pkl'
    found = find_clips([str(path)])
    assert len(found) == 30 and found[3].clip['frame_dir'] == (
        f'{path}#{found[3].name}')
    assert len(find_clips([str(path)], 'unlabeled')) == 30


def test_clips_of_a_pickle_are_not_resampled(main, model, tmp_path):
    write_pickle(tmp_path / 'a.pkl', 1)
    with pytest.raises(SystemExit, match='annotation file, whose clips .*, '
                       'without --fps'):
        main([*model, str(tmp_path / 'a.pkl'), '--fps', '10'])


def test_archive_is_read_with_the_options(tmp_path):
    rng = np.random.default_rng(0)
    path = str(tmp_path / 'a.npz')
    np.savez(path, x_train=rng.normal(size=(2, 31, 150)))
    for clip in find_clips([path], options=ReadOptions(fps=10,
                                                       recorded_fps=30)):
        assert clip.clip['total_frames'] == 11


def test_all_clips_of_an_archive_are_found_or_named(tmp_path):
    rng = np.random.default_rng(0)
    path = str(tmp_path / 'a.npz')
    clips = rng.normal(size=(3, 9, 75))
    clips[1] = 0
    np.savez(path, x_train=clips)
    found = find_clips([path])
    assert [clip.name for clip in found] == [
        f'train_{number:06d}' for number in (0, 2, 1)]
    with pytest.raises(RecordingError, match='train_000001 has only zeros'):
        read_recording(found[-1].clip)
    named, = find_clips([f'{path}#train_000002'])
    assert named.name == 'train_000002'
    np.save(tmp_path / 'b.npy', np.stack([clip_of(i) for i in range(2)]))
    assert len(find_clips([str(tmp_path / 'b.npy')],
                          options=ReadOptions(axes='NTVC'))) == 2


def clip_of(seed):
    return np.random.default_rng(seed).normal(size=(9, 25, 3))


def test_table_names_the_best_classes(main, model, clips, capsys):
    main([*model, str(clips / '0.npy'), str(clips / '1.npy'), '--top-k', '2'])
    captured = capsys.readouterr()
    top = SkeletonInferencer(*model)(clips / '1.npy')[0]['top']
    lines = captured.out.splitlines()
    assert lines[0] == str(clips / '0.npy') and lines[4] == ''
    assert lines[5] == str(clips / '1.npy') and len(lines) == 9
    assert lines[6].split() == ['rank', 'label', 'class', 'score']
    for rank, (line, (label, name, score)) in enumerate(
            zip(lines[7:], top), 1):
        assert line.split() == [str(rank), str(label), *name.split(),
                                f'{score:.4f}']
    assert len({len(line) for line in lines[1:4] + lines[6:]}) == 1
    assert 'computing on ' in captured.err


def test_the_command_prints_only_json(model, clips):
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', str(TOOL), *model, str(clips),
         'absent.npy', '--json', '-', '--batch-size', '2', '--top-k', '1',
         '--cfg-options', 'test_dataloader.dataset.pipeline.2.num_clips=1'],
        capture_output=True, text=True, check=False,
        env={**os.environ, 'PYTHONPATH': str(TOOL.parents[1])})
    assert done.returncode == 1, done.stderr
    *results, bad = json.loads(done.stdout)
    assert [Path(result['name']).name for result in results] == [
        '0.npy', '1.npy', '2.npy']
    for result in results:
        best, = result['top']
        assert best['score'] == max(result['scores'])
        assert result['scores'][best['label']] == best['score']
        assert best['class'] == CLASSES[best['label']]  # of the checkpoint
    # Fewer sampled clips give another average.
    ten = SkeletonInferencer(*model)(clips / '0.npy')[0]['scores']
    assert np.abs(ten - results[0]['scores']).max() > 1e-6
    assert bad == dict(name='absent.npy', error='absent.npy does not exist')
    assert '4/4' in done.stderr  # two batches have a bar
    assert done.stderr.splitlines()[-2:] == [
        'not classified: absent.npy does not exist.',
        '1 of 4 clips were not classified.']
    assert 'Traceback' not in done.stderr


def test_names_from_a_file(main, model, clips, tmp_path, capsys):
    (tmp_path / 'names.txt').write_text(
        '\n'.join(f'Aktion {i}' for i in range(10)))
    main([*model, str(clips / '0.npy'), '--classes',
          str(tmp_path / 'names.txt')])
    assert capsys.readouterr().out.count('Aktion ') == 5


def test_invalid_clips_do_not_affect_others(main, model, clips, capsys):
    np.save(clips / '1.npy', np.ones((1, 9, 17, 3)))
    (clips / 'x.json').write_text('{')
    (clips / 'readme.txt').write_text('no recording')
    with pytest.raises(SystemExit) as stop:
        main([*model, str(clips), str(clips / 'absent.npy'), '--json',
              str(clips / 'out.txt')])
    assert stop.value.code == '3 of 5 clips were not classified.'
    captured = capsys.readouterr()
    assert captured.out.count('rank') == 2 and '1.npy' not in captured.out
    *_, first, second, third = captured.err.splitlines()
    assert first == (f'not classified: {clips}/1.npy has 17 joints, but the '
                     'model expects 25.')
    assert 'x.json' in second and 'absent.npy does not exist' in third
    results = json.loads((clips / 'out.txt').read_text())
    assert ['error' in result for result in results] == [
        False, True, False, True, True]


def test_videos_of_all_valid_clips(main, model, clips, tmp_path, capsys):
    np.save(clips / '1.npy', np.ones((1, 9, 17, 3)))
    for index in (0, 2):
        np.save(clips / f'{index}.npy',
                make_clip(index, split='val')['keypoint'][:, :6])
    # Another clip of the same name.
    (clips / 'more').mkdir()
    (clips / 'more/2.json').write_text(json.dumps(
        make_clip(3, split='val')['keypoint'][:, :5].tolist()))
    folder = tmp_path / 'new/pictures'
    with pytest.raises(SystemExit):
        main([*model, str(clips), '--video', str(folder)])
    log = capsys.readouterr().err
    assert 'one colour' not in log and log.count(f'wrote {folder}') == 3
    frames = {}
    for path in folder.iterdir():
        with Image.open(path) as image:
            frames[path.name] = image.n_frames
    assert sorted(frames.values()) == [5, 6, 6]
    assert {'0.gif', '2.gif'} < set(frames)


def test_a_model_without_neck_draws_in_one_colour_and_logs_why(
        main, clips, tmp_path, capsys):
    cfg = tiny_config('supervised_synthetic_5p.py')
    cfg.dump(str(tmp_path / 'config.py'))
    checkpoint = write_checkpoint(cfg, tmp_path / 'tiny.pth')
    keypoint = make_clip(0, split='val')['keypoint'][:, :4]
    np.save(clips / '0.npy', np.stack(  # z up
        [-keypoint[..., 0], keypoint[..., 2], keypoint[..., 1]], -1))
    main([str(tmp_path / 'config.py'), checkpoint, str(clips / '0.npy'),
          '--video', str(tmp_path), '--video-format', 'mp4', '--video-fps',
          '30', '--video-up', 'z'])
    assert 'in one colour: this PSPRecognizer has no neck' in (
        capsys.readouterr().err)
    video = cv2.VideoCapture(str(tmp_path / '0.mp4'))
    assert video.get(cv2.CAP_PROP_FRAME_COUNT) == 4
    assert video.get(cv2.CAP_PROP_FPS) == 30


@pytest.mark.parametrize('change, message', [
    (dict(config='absent.py'), 'absent.py'),
    (dict(checkpoint='absent.pth'), 'checkpoint absent.pth does not exist.'),
    (dict(clips=['{tmp}']), 'folder {tmp} contains no recording'),
    (dict(options=['--split', 'val']), "split 'val' is given, but no annotat"),
    (dict(clips=['{tmp}/../a.pkl'], options=['--split', 'test']),
     "a.pkl has no split 'test', only 'train', 'val'"),
    (dict(options=['--device', 'gpu']), "device 'gpu' cannot be used: "),
    (dict(options=['--classes', 'absent.txt']), 'absent.txt'),
    (dict(options=['--top-k', '0']), 'must be at least 1, not 16 and 0.'),
    (dict(options=['--video-fps', '0']), 'must be positive, not 0.0.'),
    (dict(options=['--json', '{tmp}']), '{tmp}: '),
    (dict(options=['--video', __file__]), f'{__file__}: '),
])
def test_wrong_arguments_are_one_sentence(main, model, clips, tmp_path,
                                          change, message):
    tmp = tmp_path / 'empty'
    tmp.mkdir()
    write_pickle(tmp_path / 'a.pkl', 4)
    parts = dict(config=model[0], checkpoint=model[1],
                 clips=[str(clips / '0.npy')], options=[])
    parts.update(change)
    argv = [parts['config'], parts['checkpoint'], *parts['clips'],
            *parts['options']]
    with pytest.raises(SystemExit) as stop:
        main([argument.format(tmp=tmp) for argument in argv])
    captured = str(stop.value.code)
    assert message.format(tmp=tmp) in captured
    assert '\n' not in captured and captured.endswith('.')
