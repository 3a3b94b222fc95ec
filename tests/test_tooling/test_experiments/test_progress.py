"""The bars of active runs, from their logs."""
from fake_tools import plan, val, write_config, write_log

from psp_plugin.tooling.experiments.progress import Display


def test_an_unreadable_log_stops_only_its_bar(tmp_path):
    runs = plan(tmp_path, write_config(tmp_path, 'a'), seeds=[0, 1])
    line = dict(epoch=1, step=1)
    write_log(runs[0].folder, 'a', line, cut='{"epoch": 2, \n')
    write_log(runs[1].folder, 'a', line, val(1, 0.25))
    with Display(2) as display:
        for run in runs:
            display.start(run)
        display.update()
        _, damaged, intact = display.progress.tasks
        assert (damaged.completed, damaged.fields['note']) == (0, 'starting')
        assert (intact.completed, intact.fields['note']) == (1, 'top-1 25.0')
        (runs[0].folder / 'a/vis_data/scalars.json').write_text(
            '{"epoch": 2, "step": 2}\n')
        display.update()
        assert damaged.completed == 2
