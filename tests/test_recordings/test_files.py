"""Files of every format, from a folder to clips.

``recording_files.FILES`` writes them and has what comes out.
"""
import re

import numpy as np
import pytest
from commands import ROOT
from recording_files import BODIES, FILES, IMG_SHAPE, backwards

from psp_plugin.recordings import convert_folder, explain, read_recording
from psp_plugin.recordings.sources import FORMATS
from psp_plugin.skeletons import get_pyramid

NAMES = ('one', 'two', 'three')
parametrize = pytest.mark.parametrize(
    'form', FILES, ids=[form.title for form in FILES])


def expected(form, seed):
    """Yields name, points and scores of each clip of a file."""
    points, scores = form.clip(seed=seed)
    pairs = zip(backwards(points), backwards(scores))
    for name, pair in zip(form.clips, pairs):
        if form.unit == 'pixels' and form.format == 'COCO annotations':
            pair = pair[0], np.float64(pair[1] > 0)
        yield (name, *pair)


def written(form, folder):
    """Writes three clips, and returns what is expected of each by name."""
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
    form for form in FILES if form.format != 'BVH'],
    ids=lambda form: form.title)
def test_single_file(form, tmp_path):
    """``read_recording`` reads files, not those of frames."""
    written(form, tmp_path)
    files = form.files(tmp_path / 'three')
    if len(files) > 1:
        return
    # Persons of a pickle stay as they are, because training has them so.
    order = -1 if files[0].suffix == '.pkl' else 1
    for own, points, scores in expected(form, NAMES.index('three')):
        clip = read_recording(f'{files[0]}#{own}' if own else str(files[0]))
        check(form, clip, points, scores, order)


def by_title(title):
    return next(form for form in FILES if form.title == title)
