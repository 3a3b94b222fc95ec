"""Curves of a report: starts after a resume, NaN, and damaged logs."""
import pytest
from report_runs import SCALARS, write_log

from psp_plugin.errors import InputError
from psp_plugin.tooling.report.curves import MAX_POINTS, read_curves


def train(step, loss):
    return dict(loss=loss, lr=.1, epoch=1, iter=step, step=step)


def test_values_that_are_not_finite_are_gaps(tmp_path):
    write_log(tmp_path, SCALARS)
    curves = read_curves(tmp_path)
    losses = {name: (steps, values) for name, steps, values in curves.losses}
    assert losses == dict(
        loss=([1, 2], [2., None]), loss_cls=([1, 2], [1., None]),
        loss_con_joint=([1, 2], [1., .5]))
    assert [curve.name for curve in curves.rates] == ['lr']
    assert {curve.name: curve.values for curve in curves.scores} == {
        'acc/top1': [.25], 'acc/mean1': [.2]}
    assert curves.by_epoch and 'NaN or infinite' in curves.notes[0]


def test_a_resumed_start_replaces_what_it_repeats(tmp_path):
    write_log(tmp_path, [train(1, 5.), train(3, 4.), train(5, 3.),
                         {'acc/top1': .1, 'step': 1},
                         {'acc/top1': .2, 'step': 2}], '1', '{"loss": 7')
    write_log(tmp_path, [train(3, 2.), train(6, 1.),
                         {'acc/top1': .3, 'step': 2}], '2')
    curves = read_curves(tmp_path)
    assert curves.losses[0].steps == [1, 3, 6]
    assert curves.losses[0].values == [5., 2., 1.]
    assert curves.scores[0].values == [.1, .3]
    assert curves.starts == 2
    assert curves.notes == ['The last line of 1/vis_data/scalars.json is cut '
                            'off, and left out.']


def test_long_curves_are_thinned(tmp_path):
    count = 2 * MAX_POINTS + 1
    write_log(tmp_path, [train(step, 1.) for step in range(count)])
    curves = read_curves(tmp_path)
    assert curves.losses[0].steps == list(range(0, count, 3))
    assert curves.notes == ['Of 4001 logged steps one in 3 is drawn.']


def test_a_damaged_line_is_one_sentence(tmp_path):
    write_log(tmp_path, SCALARS, end='{"loss"\n')
    with pytest.raises(InputError, match=r'is damaged, remove it'):
        read_curves(tmp_path)
