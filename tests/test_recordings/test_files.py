"""Files of every format, from a folder to clips.

``recording_files.FILES`` writes them and has what comes out.
"""
import re

import numpy as np
import pytest
from commands import ROOT
from recording_files import FILES, LABEL, backwards

from psp_plugin.recordings import convert_folder, explain, read_recording
from psp_plugin.recordings.sources import FORMATS
from psp_plugin.skeletons import get_pyramid

NAMES = ('one', 'two', 'three')
PAGE = ROOT / 'docs/reference/formats.md'
FRAME_FORMATS = {known.name for known in FORMATS if known.frame_name}
parametrize = pytest.mark.parametrize(
    'form', FILES, ids=[form.title for form in FILES])


def expected(form, seed):
    """Yields name, points and scores of each clip of a file."""
    points, scores = form.clip(seed=seed)
    pairs = zip(backwards(points), backwards(scores))
    for name, pair in zip(form.clips, pairs):
        if form.format == 'COCO annotations':  # only 0 or 1
            pair = pair[0], np.float64(pair[1] > 0)
        yield (name, *pair)


def written(form, folder):
    """Writes three clips, and returns what is expected of each by name."""
    folder.mkdir(exist_ok=True)
    clips = {}
    for seed, name in enumerate(NAMES):
        form.write(folder / name, *form.clip(seed=seed))
        for own, points, scores in expected(form, seed):
            clips[f'{name}/{own}' if own else name] = points, scores
    return clips


def check(form, clip, points, scores, order=1):
    """Compares an annotation with what was written."""
    assert clip['keypoint'].dtype == np.float32
    assert clip['total_frames'] == points.shape[1]
    # Formats round to a number of decimals, and float32 to 24 bits.
    np.testing.assert_allclose(clip['keypoint'], points[::order], rtol=1e-6,
                               atol=1e-6 if form.format == 'BVH' else 0)
    assert ('keypoint_score' in clip) == form.scored
    if form.scored:
        np.testing.assert_allclose(clip['keypoint_score'], scores[::order],
                                   rtol=1e-6)


def name_of(layout):
    return None if layout is None else get_pyramid(layout).name


@parametrize
def test_folder(form, tmp_path):
    """Persons, joints, scores, frame rate, joint layout and class."""
    if form.format == 'BVH':
        pytest.importorskip('pymotion')
    clips = written(form, tmp_path)
    made = convert_folder(str(tmp_path), labels=None if form.label is None
                          else 'inside')
    assert not made.failure and not made.skipped
    assert {clip['frame_dir'] for clip in made.annotations} == set(clips)
    for clip in made.annotations:
        check(form, clip, *clips[clip['frame_dir']])
        assert clip.get('label') == form.label
    assert name_of(made.metainfo.get('layout')) == form.layout
    assert made.metainfo.get('fps') == form.fps


@parametrize
def test_explanation(form, tmp_path):
    if form.format == 'BVH':
        pytest.importorskip('pymotion')
    written(form, tmp_path)
    first = form.files(tmp_path / 'two')[0]
    lines = explain(str(first)).splitlines()
    frames = form.files(tmp_path / 'two')
    assert lines[0] == f'{first}: {form.format}' + (
        f', {len(frames)} files of one frame each' if len(frames) > 1 else '')
    own, points, scores = next(expected(form, NAMES.index('two')))
    rows = dict(line.strip().split(': ', 1) for line in lines[1:]
                if ': ' in line)
    seen = ', '.join(str(person.any((1, 2)).sum()) for person in points)
    clip = next(key for key in rows if key.startswith('clip '))
    assert rows[clip] == (
        f'{form.persons} persons, {points.shape[1]} frames, {form.joints} '
        f'joints of {form.axes} coordinates')
    assert not own or clip == f'clip {own!r}'
    assert rows['frames with each person'] == seen
    assert (rows['scores of joints'] != 'none') == form.scored
    assert rows['frame rate'] == (f'{form.fps}' if form.fps else 'not known')
    assert rows['label'] == (f'{form.label}' if form.label else 'none')
    assert rows['joint layout'].split(' (')[0] == (
        form.layout or 'not known')
    low, high = (f'{end(points[points.any(-1)][:, 0]):.4g}'
                 for end in (np.min, np.max))
    assert rows['x'].startswith(f'{low} to {high}, ')


@pytest.mark.parametrize('form', [
    form for form in FILES if form.format not in FRAME_FORMATS],
    ids=lambda form: form.title)
def test_single_file(form, tmp_path):
    """``read_recording`` reads files, not those of frames."""
    if form.format == 'BVH':
        pytest.importorskip('pymotion')
    written(form, tmp_path)
    file, = form.files(tmp_path / 'three')
    # Persons of a pickle stay as they are, because training has them so.
    order = -1 if file.suffix == '.pkl' else 1
    for own, points, scores in expected(form, NAMES.index('three')):
        clip = read_recording(f'{file}#{own}' if own else str(file))
        check(form, clip, points, scores, order)


@pytest.mark.parametrize('encoding, line_end', [
    ('utf-8', '\r\n'), ('utf-8-sig', '\n'), ('utf-8-sig', '\r\n'),
    ('utf-16', '\r\n'), ('utf-8', '\r')])
@pytest.mark.parametrize('title', [
    'AlphaPose, COCO', 'table of numbers, with names', 'PKU-MMD',
    'NTU RGB+D'])
def test_encodings_and_line_ends(title, encoding, line_end, tmp_path):
    form = by_title(title)
    points, scores = form.clip()
    form.write(tmp_path / 'a', points, scores)
    file, = form.files(tmp_path / 'a')
    text = file.read_text(encoding='utf-8').replace(', ', ',\n')
    file.write_bytes(text.replace('\n', line_end).encode(encoding))
    check(form, read_recording(str(file)), points, scores)


def by_title(title):
    form, = (form for form in FILES if form.title == title)
    return form


def test_folder_of_several_formats(tmp_path):
    """Clips of the same joints are kept; the others are listed."""
    forms = {name: by_title(title) for name, title in {
        'a': 'AlphaPose, COCO', 'b': 'MMPose by image',
        'deep/c': 'YOLO-pose by image', 'deep/d': 'OpenPose, BODY_25',
        'deep/e': 'Azure Kinect'}.items()}
    (tmp_path / 'deep').mkdir()
    for seed, (name, form) in enumerate(forms.items()):
        form.write(tmp_path / name, *form.clip(seed=seed))
    made = convert_folder(str(tmp_path))
    kept = {clip['frame_dir']: clip for clip in made.annotations}
    assert list(kept) == ['a', 'b', 'deep/c']
    for seed, (name, clip) in enumerate(kept.items()):
        check(forms[name], clip, *forms[name].clip(seed=seed))
    assert {item.name: item.reason for item in made.skipped} == {
        'deep/d/video_000000000000_keypoints.json':
            'has 25 joints of 2 coordinates with scores, not 17 joints of 2 '
            'coordinates with scores',
        'deep/e.json':
            'has 32 joints of 3 coordinates without scores, not 17 joints of '
            '2 coordinates with scores'}
    assert made.metainfo['layout'] == 'coco'


@pytest.mark.parametrize('title', [
    'OpenPose, BODY_25', 'AlphaPose per frame', 'MMPose by image',
    'YOLO-pose by image'])
def test_frames_of_several_clips_in_one_folder(title, tmp_path):
    form = by_title(title)
    clips = written(form, tmp_path / 'all')
    for name in NAMES:
        for file in form.files(tmp_path / 'all' / name):
            file.rename(tmp_path / 'all' / f'{name}_{file.name}')
        (tmp_path / 'all' / name).rmdir()
    made = convert_folder(str(tmp_path))
    assert len(made.annotations) == 3 and not made.skipped
    for clip in made.annotations:
        # OpenPose's own names have that of the video: all/one_video.
        name = clip['frame_dir'].split('/')[1].split('_')[0]
        check(form, clip, *clips[name])


def page_rows():
    """The cells of the table in the page of formats, by the format."""
    rows = [[cell.strip() for cell in line.strip('|').split('|')]
            for line in PAGE.read_text(encoding='utf-8').splitlines()
            if line.startswith('|')]
    return rows[0], {row[0]: row[1:] for row in rows[2:]}


def quoted(cell):
    return set(re.findall('`([^`]+)`', cell))


def test_page_has_every_format():
    header, rows = page_rows()
    assert header == ['format', 'files', 'recognized by', 'joints', 'layout',
                      'coordinates', 'scores', 'persons', 'frame rate',
                      'label']
    assert list(rows) == [known.name for known in FORMATS]


@pytest.mark.parametrize('known', FORMATS, ids=lambda known: known.name)
def test_page_says_what_comes_out(known):
    """Suffixes, joints, layouts, scores, frame rates and classes."""
    row = dict(zip(page_rows()[0][1:], page_rows()[1][known.name]))
    forms = [form for form in FILES if form.format == known.name]
    assert forms
    assert quoted(row['files']) >= set(known.suffixes)
    assert ('per frame' in row['files']) == bool(known.frame_name)
    if not row['joints'].startswith('any'):
        counts = set(map(int, re.findall(r'\d+', row['joints'])))
        assert counts >= {form.joints for form in forms}
    assert quoted(row['layout']) >= {
        form.layout for form in forms if form.layout}
    assert {f'{form.axes}D' for form in forms} <= set(
        re.findall('[23]D', row['coordinates']))
    if '--scored' not in row['scores']:  # an option, not used here
        assert (row['scores'] != '-') == any(form.scored for form in forms)
    assert (row['persons'] != '1') == any(form.persons > 1
                                            for form in forms)
    assert (row['frame rate'] != '-') == any(form.fps for form in forms)
    assert (row['label'] != '-') == any(form.label == LABEL
                                        for form in forms)


def test_frames_of_two_suffixes_are_two_clips(tmp_path):
    """Labels and JSON of the same images are not one clip of both."""
    poses, labels = map(by_title, ('YOLO-pose by image', 'YOLO-pose labels'))
    poses.write(tmp_path / 'a', *poses.clip())
    labels.write(tmp_path / 'a/image', *labels.clip(seed=1))
    for form, suffix, seed in ((poses, '.json', 0), (labels, '.txt', 1)):
        first = sorted((tmp_path / 'a').glob(f'*{suffix}'))[0]
        assert explain(str(first)).splitlines()[0] == (
            f'{first}: {form.format}, {12 - (suffix == ".txt")} files of one '
            'frame each')
        check(form, read_recording(str(first)), *form.clip(seed=seed))
    made = convert_folder(str(tmp_path))
    assert made.failure.startswith('no recording could be used')
    assert [(item.name, item.reason) for item in made.skipped] == [
        ('a/image_0.json', "is one of 2 files named 'a/image'"),
        ('a/image_1.txt', "is one of 2 files named 'a/image'")]
