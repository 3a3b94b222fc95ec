"""Segments of long recordings, and persons one by one."""
import json

import numpy as np
import pytest
from direction import CLASSES, person
from toy import load_tool

from psp_plugin.apis import (
    ClipError,
    as_csv,
    find_segments,
)
from psp_plugin.apis.segments import Sizes, mean_scores, merge
from psp_plugin.apis.windows import spans_of, window_sizes


def clip_of(*rows, **keys):
    return dict(frame_dir='long', keypoint=np.concatenate(rows), **keys)


def test_windows_cover_a_recording_to_its_end():
    assert spans_of(10, 4, 3) == [(0, 4), (3, 7), (6, 10)]
    assert spans_of(9, 4, 3) == [(0, 4), (3, 7), (5, 9)]
    assert spans_of(3, 4, 3) == [(0, 3)]


def test_sizes_of_windows(inferencer):
    assert window_sizes(inferencer) == (16, 4)
    assert window_sizes(inferencer, 3) == (3, 1)
    with pytest.raises(ValueError, match='every must be at least 1 frame'):
        window_sizes(inferencer, 3, 0)


def test_frames_of_known_classes_are_found(inferencer):
    truth = np.repeat([0, 1, 0, 2], 20)
    result, = find_segments(inferencer, clip_of(person(0, 1, 0, 2), fps=10.))
    found = np.full(80, -1)
    for part in result['segments']:
        assert part['class'] == CLASSES[part['label']]
        assert part['person'] is None and part['score'] > .5
        found[part['start']:part['end'] + 1] = part['label']
    assert [part['label'] for part in result['segments']] == [0, 1, 0, 2]
    assert (found == truth).mean() > .95
    table = as_csv([result, dict(name='b', error='bad')]).splitlines()
    assert table[0] == ('clip,person,start_frame,end_frame,start_s,end_s,'
                        'class,score')
    end = result['segments'][0]['end']
    assert table[1].startswith(f'long,,0,{end},0.000,{(end + 1) / 10:.3f},x,')
    assert len(table) == 5


def test_scores_of_a_frame_are_the_mean_of_its_windows(inferencer):
    clip = clip_of(person(0, 1, frames=7))
    scores = mean_scores(inferencer, clip, Sizes(6, 4, 2))
    windows = [inferencer(dict(clip, keypoint=clip['keypoint'][:, a:b]))[0]
               ['scores'] for a, b in ((0, 6), (4, 10), (8, 14))]
    np.testing.assert_allclose(scores[3], windows[0], atol=1e-6)
    np.testing.assert_allclose(scores[5], np.mean(windows[:2], 0), atol=1e-6)
    np.testing.assert_allclose(scores[13], windows[2], atol=1e-6)


def test_short_runs_go_to_the_better_neighbour():
    scores = np.eye(3)[[0, 0, 0, 0, 2, 1, 1, 1, 1]]
    scores[4] = .1, .4, .5
    assert merge(scores, 1) == [(0, 4, 0), (4, 5, 2), (5, 9, 1)]
    assert merge(scores, 2) == [(0, 4, 0), (4, 9, 1)]
    assert merge(scores, 9) == [(0, 9, 1)]
    gap = scores.copy()
    gap[3] = np.nan
    assert merge(gap, 2) == [(0, 3, 0), (4, 9, 1)]
    gap[5:] = np.nan  # a short run without a neighbour stays
    assert merge(gap, 2) == [(0, 3, 0), (4, 5, 2)]


def test_frames_without_a_person_have_no_segment(inferencer):
    points = person(0, 1, 2)
    points[:, 20:40] = 0
    result, = find_segments(inferencer, [clip_of(points)], every=1)
    assert [part['class'] for part in result['segments']] == ['x', 'z']
    assert result['fps'] is None
    assert as_csv([result]).splitlines()[1].split(',')[4:6] == ['', '']


def test_each_person_has_an_action(inferencer):
    """Also those whom a model of one person would leave out."""
    absent = np.zeros_like(person(0))
    late = person(2)
    late[:, :5] = 0
    late[:, 15:] = 0
    both = clip_of(person(0), absent, person(1), late)
    result, = inferencer(both, per_person=True)
    assert [(one['person'], one['start'], one['end'], one['top'][0][1])
            for one in result['persons']] == [
                (0, 0, 19, 'x'), (2, 0, 19, 'y'), (3, 5, 14, 'z')]
    alone, = inferencer(dict(frame_dir='c', keypoint=late[:, 5:15]))
    np.testing.assert_array_equal(result['persons'][2]['scores'],
                                  alone['scores'])
    result, = find_segments(inferencer, both, per_person=True)
    assert [(part['person'], part['start'], part['end'], part['class'])
            for part in result['segments']] == [
                (0, 0, 19, 'x'), (2, 0, 19, 'y'), (3, 5, 14, 'z')]


def test_invalid_clips_among_others(inferencer):
    bad = clip_of(np.zeros((1, 9, 5, 3), np.float32))
    good = clip_of(person(1))
    for call in (lambda *clips, **options: inferencer(
            clips, per_person=True, **options),
                 lambda *clips, **options: find_segments(
            inferencer, clips, **options)):
        first, second = call(bad, good, on_error='return')
        assert 'all zero' in first['error'] and 'error' not in second
        with pytest.raises(ClipError, match='all zero'):
            call(bad, good)
    with pytest.raises(ValueError, match="on_error must be 'raise' or"):
        find_segments(inferencer, good, on_error='ignore')
    with pytest.raises(ValueError, match='at least 1, not 0 and 8'):
        find_segments(inferencer, good, batch_size=0)


def test_the_command(model, tmp_path, capsys):
    main = load_tool('infer').main
    # Five persons in a file: more than a model has.
    path = tmp_path / 'a.npy'
    np.save(path, np.concatenate([person(i % 3) + i * 5 * np.eye(3)[i % 3]
                                  for i in range(5)]))
    main([*model, '--json', str(tmp_path / 'a.json'), '--per-person',
          str(path)])
    out = capsys.readouterr().out
    result, = json.loads((tmp_path / 'a.json').read_text())
    assert len(result['persons']) == 5
    assert result['persons'][4]['top'][0]['class'] in CLASSES
    assert len(result['persons'][4]['scores']) == 3
    assert out.count(f'{path}, person ') == 5
    main([*model, str(path), '--segments', '-', '--recorded-fps', '10',
          '--window', '6', '--every', '3'])
    _, row = capsys.readouterr().out.splitlines()
    assert row.startswith(f'{path},,0,19,0.000,2.000,')
    with pytest.raises(SystemExit, match=f'^{tmp_path}: '):
        main([*model, str(path), '--segments', str(tmp_path)])


@pytest.mark.parametrize('options, message', [
    ([], 'required: CLIP'),
    (['a.npy', '--stream'], 'CLIP has no meaning with --stream'),
    (['--stream', 'a.npy'], 'unrecognized arguments: a.npy'),
    (['--stream', '--min-frames', '2'], '--min-frames has no meaning with '),
    (['a.npy', '--window', '2'], '--window has no meaning without --seg'),
    (['a.npy', '--segments', 'b', '--json', '-'], '--json has no meaning'),
    (['a.npy', '--per-person', '--video', 'b'], '--video has no meaning'),
])
def test_options_that_exclude_each_other(model, options, message, capsys):
    with pytest.raises(SystemExit):
        load_tool('infer').main([*model, *options])
    assert message in capsys.readouterr().err
