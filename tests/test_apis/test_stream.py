"""Live streams: the same scores as clips, bounded delay, invalid lines."""
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from direction import person
from tiny import write_checkpoint, write_model
from toy import load_tool, small_config

from psp_plugin.apis import (
    InputError,
    SkeletonInferencer,
    SkeletonStream,
    classify_lines,
)
from psp_plugin.apis.frames import LONGEST_LINE, FrameReader
from psp_plugin.apis.live import LiveLines
from psp_plugin.apis.report import plain
from psp_plugin.datasets.synthetic import make_clip
from psp_plugin.recordings import ReadOptions

TOOL = Path(__file__).resolve().parents[2] / 'tools/infer.py'


def line_of(points, **keys):
    return json.dumps(dict(keypoint=np.asarray(points).tolist(), **keys)
                      ).encode() + b'\n'


def test_scores_are_those_of_the_same_frames_as_a_clip(tmp_path):
    """With a model of a shipped config and its entire test pipeline."""
    inferencer = SkeletonInferencer(*write_model(tmp_path), device='cpu')
    points = make_clip(3, split='val')['keypoint'][:, :23]
    stream = SkeletonStream(inferencer, window=12, every=4, top_k=2)
    results = [stream(dict(keypoint=frame, time=t / 10, persons=['a']))
               for t, frame in enumerate(points.swapaxes(0, 1))]
    ends = [i for i, result in enumerate(results) if result]
    assert ends == [11, 15, 19]
    results = [results[i] for i in ends] + [stream.finish()]
    for start, stop, result in zip((0, 4, 8, 11), (12, 16, 20, 23), results):
        expected, = inferencer(dict(
            frame_dir='x', keypoint=points[:, start:stop]), top_k=2)
        np.testing.assert_array_equal(result['scores'], expected['scores'])
        assert result['top'] == expected['top'] and len(result['top']) == 2
        assert (result['first_frame'], result['last_frame']) == (
            start, stop - 1)
        assert result['first_time'] == start / 10
        assert result['skipped'] == 0 and result['latency_ms'] > 0
    assert stream.finish() is None


def test_a_stream_shorter_than_a_window(inferencer):
    stream = SkeletonStream(inferencer, window=12)
    assert not any(stream(dict(keypoint=frame, frame=10 * i))
                   for i, frame in enumerate(person(1, frames=5)[0]))
    result = stream.finish()
    assert (result['first_frame'], result['last_frame']) == (0, 40)
    assert result['top'][0][1] == 'y'
    assert SkeletonStream(inferencer).finish() is None


@pytest.mark.parametrize('numbered', [True, False])
def test_persons_are_followed(inferencer, numbered):
    """By number, else by place, when they change their rows."""
    # The main person, who moves most, is of class x.
    main, other = person(0)[0], person(1)[0] * 0 + np.eye(3)[1]
    main[:, :, 2] += np.sin(np.arange(20) * .3)[:, None] * .1
    results = []
    for swapped in (False, True):
        stream = SkeletonStream(inferencer, window=20)
        for t in range(20):
            rows, numbers = [main[t], other[t]], [7, 3]
            if swapped and t % 3 == 0:
                rows, numbers = rows[::-1], numbers[::-1]
            result = stream(dict(keypoint=np.stack(rows), **(
                dict(persons=numbers) if numbered else {})))
        results.append(result)
    assert results[0]['top'][0][1] == 'x'
    np.testing.assert_array_equal(*(each['scores'] for each in results))


def test_each_person_of_a_stream(inferencer):
    """By track number, also those who come later or leave."""
    stream = SkeletonStream(inferencer, window=20, per_person=True)
    points = {label: person(label)[0] for label in range(3)}
    for t in range(20):
        here = [label for label in points if label != 2 or 5 <= t < 15]
        here = here[::-1] if t % 2 else here
        result = stream(dict(keypoint=[points[label][t] for label in here],
                             persons=[f'p{label}' for label in here]))
    assert [(one['person'], one['top'][0][0]) for one in result['persons']
            ] == [('p0', 0), ('p1', 1), ('p2', 2)]
    alone, = inferencer(dict(frame_dir='c', keypoint=points[2][None, 5:15]))
    np.testing.assert_array_equal(result['persons'][2]['scores'],
                                  alone['scores'])
    row = plain(result, scores=False)
    assert row['persons'][0]['top'][0]['class'] == 'x'
    assert 'scores' not in row['persons'][0]
    with pytest.raises(InputError, match='has no persons, the track numbers'):
        stream(dict(keypoint=points[0][0]))
    stream = SkeletonStream(inferencer, window=1, per_person=True)
    assert stream(dict(keypoint=None))['persons'] == []


def test_frames_without_a_person(inferencer):
    stream = SkeletonStream(inferencer, window=4, every=4)
    for content in (None, [], [[0] * 3] * 5, []):
        result = stream(dict(keypoint=content))
    assert result['top'] == [] and 'scores' not in result
    for content in (person(2)[0, 0], None, person(2)[0, 1], []):
        result = stream(dict(keypoint=content))
    assert result['top'][0][1] == 'z'


def test_key_points_with_scores(tmp_path):
    """As an array of their own, or the last channel of the key points."""
    cfg = small_config('psp_ntu60_2d_xsub_5p.py', '', 'none')
    checkpoint = write_checkpoint(cfg, tmp_path / 'coco.pth', None)
    rng = np.random.default_rng(0)
    points = rng.normal(500, 100, (1, 17, 2)) + rng.normal(0, 3, (9, 17, 2))
    scores = rng.uniform(.3, 1, (9, 17))
    clip = dict(frame_dir='x', img_shape=(720, 1280),
                keypoint=points[None].astype(np.float32),
                keypoint_score=scores[None].astype(np.float32))
    for scored in (False, True):
        inferencer = SkeletonInferencer(cfg, checkpoint, 'cpu', scored=scored)
        stream = SkeletonStream(inferencer, window=9)
        for own, score in zip(points, scores):
            result = stream(dict(
                keypoint=np.c_[own, score], img_shape=[720, 1280]) if scored
                else dict(keypoint=own, keypoint_score=score,
                          img_shape=[720, 1280]))
        np.testing.assert_array_equal(result['scores'],
                                      inferencer(clip)[0]['scores'])
    stream = SkeletonStream(SkeletonInferencer(cfg, checkpoint, 'cpu'), 1)
    result = stream(dict(keypoint=points[0]))  # the model needs scores
    assert result['error'].startswith('the window has 2 coordinates per joint')
    assert 'top' not in result


GOOD = person(0)[0, 0]


@pytest.mark.parametrize('line, message', [
    (b'{"keypoint"', 'is not JSON'),
    (b'\xff\xfe\xfd', 'is not JSON'),
    (b'[' * 100_000, 'is not JSON'),
    (b'[1]', 'is not a JSON object, .* but a list'),
    (b'{"points": []}', "has the unknown key 'points', but known are keyp"),
    (b'{"time": 1}', 'has no key "keypoint"'),
    (line_of(GOOD, time='1'), "has time '1', which is not a finite num"),
    (line_of(GOOD, frame=float('nan')), 'has frame nan, which is not a fin'),
    (line_of(GOOD[:4]), 'has 4 joints, but the model expects 5'),
    (line_of(GOOD[:, :1]), 'has 1 numbers per joint, not 2 or 3'),
    (line_of(GOOD[:, 0]), 'keypoint of 1 axes, not .joints, coordinates. or'),
    (b'{"keypoint": [[1, 2], [3]]}', 'not of numbers in rows of the same'),
    (b'{"keypoint": [[1, "a"]]}', 'not of numbers'),
    (line_of(GOOD.astype(str)), 'not of numbers'),
    (line_of(GOOD > 0), 'not of numbers'),
    (b' ' * (LONGEST_LINE + 1), 'has more than 4194304 bytes: write each'),
    (line_of(GOOD * np.nan), 'has NaN or infinite values in keypoint'),
    (line_of(GOOD * 1e300), 'has NaN or infinite values in keypoint'),
    (line_of(GOOD[:, :2]), 'has 5 joints of 2 numbers without scores, but the '
                           'frames before 5 joints of 3 numbers without'),
    (line_of(GOOD, keypoint_score=[1] * 4), r'of shape \(1, 4\), not \(1, 5'),
    (line_of([GOOD, GOOD], persons=[1, 1]), r'\[1, 1\], which is not a list '
                                            'of 2 different'),
    (line_of(GOOD, persons=3), 'persons 3, which is not a list of 1'),
])
def test_lines_that_are_no_frames(line, message):
    reader = FrameReader(5)
    reader.read_line(line_of(GOOD))
    with pytest.raises(InputError, match=message):
        reader.read_line(line)
    assert reader.read_line(line_of(GOOD)).persons[0].points.shape == (5, 3)


def test_the_stream_goes_on_after_invalid_lines(inferencer):
    lines = [line_of(frame) for frame in person(1, frames=8)[0]]
    bad = [b'no frame\n', b'\n', b'{"keypoint": [[1, 2, 3]]}\n']
    stream = SkeletonStream(inferencer, window=8)
    *errors, result = classify_lines(stream, [*lines[:4], *bad, *lines[4:]])
    assert [error['line'] for error in errors] == [5, 7]
    assert errors[1]['error'] == (
        'line 7 has 1 joints, but the model expects 5.')
    assert result['top'][0][1] == 'y' and result['last_frame'] == 7


def test_lines_of_a_descriptor():
    source, sink = os.pipe()
    os.write(sink, b'a\nb\n\nc')
    os.close(sink)
    lines = LiveLines(source)
    assert list(lines) == [b'a', b'b', b'', b'c']
    lines.close()
    os.close(source)


def test_input_without_line_ends_does_not_fill_the_memory(tmp_path):
    (tmp_path / 'one').write_bytes(b'x' * (3 * LONGEST_LINE) + b'\nb')
    with open(tmp_path / 'one') as stream:
        lines = LiveLines(stream.fileno())
        assert [len(line) for line in lines][1:] == [1]
        lines.close()


def test_a_line_that_is_no_frame_has_no_say_about_the_layout():
    reader = FrameReader(5)
    with pytest.raises(InputError, match='persons 3'):
        reader.read_line(line_of(GOOD[:, :2], persons=3))
    assert reader.read_line(line_of(GOOD)).persons


def test_delay_is_bounded_if_frames_come_too_fast(inferencer, monkeypatch):
    """The newest window is next; no more than its frames are kept."""
    lines = [line_of(frame) for frame in person(0, frames=500)[0]]
    started, all_there = threading.Event(), threading.Event()
    predict = inferencer.predict

    def slow(inputs):
        started.set()
        assert all_there.wait(60)
        return predict(inputs)

    def arriving():
        yield from lines[:8]
        assert started.wait(60)
        yield from lines[8:]
        assert len(stream.frames) == 8 + 3 - 1
        all_there.set()

    monkeypatch.setattr(inferencer, 'predict', slow)
    stream = SkeletonStream(inferencer, window=8, every=3)
    results = list(classify_lines(stream, arriving()))
    # Windows end at frames 7, 10, 13 ... 499.
    assert [(row['last_frame'], row['skipped']) for row in results] == [
        (7, 0), (499, 163)]


def test_an_unreadable_input_ends_with_its_error(inferencer):
    def broken():
        yield line_of(GOOD)
        raise OSError(5, 'Input/output error', 'camera')

    with pytest.raises(OSError, match='camera'):
        list(classify_lines(SkeletonStream(inferencer), broken()))


@pytest.mark.parametrize('options, message', [
    (dict(window=0), 'window must be at least 1 frame, not 0'),
    (dict(top_k=0), 'top_k must be at least 1'),
])
def test_wrong_numbers(inferencer, options, message):
    with pytest.raises(ValueError, match=message):
        SkeletonStream(inferencer, **options)


def test_a_stream_is_not_resampled(model):
    with pytest.raises(ValueError, match='cannot be resampled'):
        SkeletonStream(SkeletonInferencer(
            *model, options=ReadOptions(fps=30)))


def run_tool(model, monkeypatch, lines, out, *options):
    """Runs the command in this process with pipes as its streams."""
    source, sink = os.pipe()
    with open(sink, 'wb') as stream:
        stream.write(b''.join(lines))
    with open(source) as stdin, open(out, 'w') as stdout:
        monkeypatch.setattr(sys, 'stdin', stdin)
        monkeypatch.setattr(sys, 'stdout', stdout)
        load_tool('infer').main([*model, '--stream', '--window', '8',
                                 '--top-k', '1', *options])


def test_the_end_of_the_input(model, monkeypatch, tmp_path, capsys):
    lines = [line_of(frame, persons=['\ud800'])  # which UTF-8 lacks
             for frame in person(2, frames=9)[0]]
    run_tool(model, monkeypatch, lines, tmp_path / 'out', '--per-person')
    row = json.loads((tmp_path / 'out').read_text().splitlines()[-1])
    one, = row['persons']
    assert row['last_frame'] == 8 and one['person'] == '\ud800'
    assert [best['class'] for best in one['top']] == ['z']
    assert 'the first result comes after 8 frames' in capsys.readouterr().err


def test_nobody_reads_the_results(model, monkeypatch):
    source, sink = os.pipe()
    os.close(source)
    run_tool(model, monkeypatch, [b'no frame\n'], sink)


def test_an_interrupt_ends_quietly(model):
    """Results are there before the input ends."""
    argv = [*model, '--stream', '--window', '8']
    command = (f'import direction, runpy, sys; sys.argv[1:] = {argv}; '
               f'runpy.run_path({str(TOOL)!r}, run_name="__main__")')
    process = subprocess.Popen(
        [sys.executable, '-W', 'ignore', '-c', command],
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(
            map(str, (TOOL.parents[1], TOOL.parents[1] / 'tests')))},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    timer = threading.Timer(120, process.kill)
    timer.start()
    process.stdin.writelines(
        line_of(frame) for frame in person(1, frames=8)[0])
    process.stdin.flush()
    row = json.loads(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    timer.cancel()
    assert row['top'][0]['class'] == 'y' and 'scores' not in row
    assert process.returncode == 0 and not out and b'Traceback' not in err
