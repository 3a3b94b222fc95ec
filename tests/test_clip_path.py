"""docs/reference/clip_path.md: its functions run in a training step, in order.
"""
import functools
import re
import sys
from pathlib import Path

from mmengine.runner import Runner
from toy import small_config, write_ntu

import psp_plugin

PACKAGE = Path(psp_plugin.__file__).parent
PAGE = PACKAGE.parent / 'docs/reference/clip_path.md'


@functools.lru_cache()
def stops():
    """(file, qualified name) of each stop of the page."""
    return re.findall(r'^\| \d\. [^|]+ \| `([\w/]+\.py)`: `([\w.]+)` \|',
                      PAGE.read_text(encoding='utf-8'), re.M)


def test_at_most_eight_stops_run_in_the_order_of_the_page(tmp_path):
    assert len(stops()) == 8
    cfg = small_config('psp_ntu60_xsub_5p.py',
                       write_ntu(tmp_path / 'ntu60_3d.pkl'), tmp_path)
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=1,
                         val_interval=2)
    visited = []

    def note(frame, event, argument):
        path = Path(frame.f_code.co_filename)
        if event == 'call' and PACKAGE in path.parents:
            owner = [type(frame.f_locals['self']).__name__
                     ] if 'self' in frame.f_locals else []
            stop = (path.relative_to(PACKAGE).as_posix(),
                    '.'.join([*owner, frame.f_code.co_name]))
            # PSPRecognizer inherits the step from SemiSupervisedRecognizer.
            stop = stop[0], stop[1].replace('PSPRec', 'SemiSupervisedRec')
            if stop in stops() and stop not in visited:
                visited.append(stop)

    runner = Runner.from_cfg(cfg)
    sys.setprofile(note)
    try:
        runner.train()
    finally:
        sys.setprofile(None)
    assert visited == stops()
