"""Clips of a report: which are kept, how they are packed, and their size."""
import base64
import gzip
import json

import numpy as np
from plotly.offline import get_plotlyjs

from psp_plugin.tooling.pages import clip_for_page
from psp_plugin.tooling.report.block import differences, pack_clips
from psp_plugin.tooling.report.examine import (
    FRAMES,
    LEAST_CERTAIN,
    LEVELS,
)
from psp_plugin.tooling.report.results import Selection
from psp_plugin.tooling.selection import margins

BONES = [(joint, joint + 1) for joint in range(24)]


def ntu_clips(count, noise=.01):
    """Two persons who move, with the noise of a sensor in metres."""
    rng = np.random.default_rng(0)
    time = np.linspace(0, 4 * np.pi, 120)[:, None, None]
    for _ in range(count):
        body = rng.normal(size=(2, 1, 25, 3)) * .4
        phase = rng.uniform(0, 6, (2, 1, 25, 3))
        keypoint = body + .2 * np.sin(time + phase)
        keypoint += rng.normal(size=keypoint.shape) * noise
        yield clip_for_page(keypoint, BONES, importance=rng.random(25),
                            max_frames=FRAMES, levels=LEVELS)


def test_packed_points_can_be_restored():
    clips = list(ntu_clips(2))
    packed = gzip.decompress(base64.b64decode(pack_clips(clips)))
    length = int.from_bytes(packed[:4], 'little')
    head = json.loads(packed[4:4 + length])
    assert head['bones'] == [list(pair) for pair in BONES]
    assert [clip['shape'] for clip in head['clips']] == [[2, 48, 25, 3]] * 2
    assert packed[4 + length:] == b''.join(map(differences, clips))
    low, high = np.frombuffer(differences(clips[0]), np.uint8).reshape(2, -1)
    stored = low + 256 * high.astype(int)
    steps = np.where(stored % 2, -(stored + 1) // 2, stored // 2)
    values = steps.reshape(2, 25, 3, 48).cumsum(-1).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(values.ravel(), np.frombuffer(
        base64.b64decode(clips[0]['points']), '<u2'))


def test_500_clips_of_two_persons_fit_into_10_megabytes():
    size = len(pack_clips(list(ntu_clips(500 + LEAST_CERTAIN))))
    assert size + len(get_plotlyjs().encode()) < 9.5e6


def test_clips_of_the_first_ranks_are_kept():
    ranks = [(float(value), place) for place, value in enumerate(
        np.random.default_rng(0).integers(0, 5, 50))]
    selection = Selection(7)
    for rank in ranks:
        selection.add(rank, rank)
    assert selection.by_rank() == sorted(ranks)[:7]
    assert selection.wants((0., -1)) and not selection.wants((4., 99))


def test_the_margin_is_that_of_the_two_best_classes():
    assert np.isclose(margins(np.array([[.1, .5, .4]])), [.1])
    assert margins(np.array([[1.]])) == [1]
