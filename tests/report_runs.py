"""Work dirs of runs that were not trained, for tests of reports."""
import json
import pickle
from pathlib import Path
from typing import Callable, Optional, Sequence

import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from pretrained import JOINTS, pretrain_config
from tiny import write_checkpoint
from toy import small_config, write_ntu

from psp_plugin.annotations import load_pickle

CONFIG = 'psp_ntu60_xsub_5p.py'
CLASSES = ('wave', 'throw', 'punch', 'push', 'drink', 'kick')
SCALARS = [
    dict(loss=2., loss_cls=1., loss_con_joint=1., lr=.1, epoch=1, iter=1,
         step=1),
    dict(loss=float('nan'), loss_cls=float('inf'), loss_con_joint=.5, lr=.1,
         epoch=1, iter=2, step=2),
    {'acc/top1': .25, 'acc/mean1': .2, 'step': 1},
]


def write_run(folder: Path, classes: Sequence[str] = CLASSES,
              change: Optional[Callable[[dict], None]] = None,
              checkpoint: str = 'best_acc_top1_epoch_1.pth',
              **options) -> Path:
    """Writes config, log and checkpoint of a PSP run with 20 test clips.

    Args:
        folder (Path): The folder to write into.
        classes (Sequence[str]): Names of the six classes.
        change (Callable, optional): Changes the annotation file. Defaults to
            None.
        checkpoint (str): Name of the checkpoint.
        **options: Options of the config.

    Returns:
        Path: The work dir.
    """
    data = write_ntu(folder / 'ntu.pkl')
    content = load_pickle(data)
    content['metainfo'] = dict(classes=list(classes))
    if change:
        change(content)
    Path(data).write_bytes(pickle.dumps(content))
    work_dir = folder / 'work'
    cfg = small_config(CONFIG, data, work_dir, **{
        'model.cls_head.num_classes': len(classes),
        'test_dataloader.dataset.pipeline.2.num_clips': 2, **options})
    write_log(work_dir, SCALARS)
    cfg.dump(str(work_dir / CONFIG))
    write_checkpoint(Config.fromfile(str(work_dir / CONFIG)),
                     work_dir / checkpoint, classes)
    return work_dir


def write_pretraining(folder: Path) -> Path:
    """Writes a run without a classifier, with 12 test clips."""
    data = write_ntu(folder / 'ntu.pkl', 36, 4, joints=JOINTS)
    work_dir = folder / 'work'
    cfg = pretrain_config(data, work_dir)
    write_log(work_dir, SCALARS[:1])
    cfg.dump(str(work_dir / 'pretrain.py'))
    torch.manual_seed(0)
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict(),
                    meta=dict(epoch=2, time='20260102_030405')),
               work_dir / 'epoch_2.pth')
    return work_dir


def write_log(work_dir: Path, lines: Sequence[dict], start: str = '1',
              end: str = '') -> None:
    """Writes what a start of a training logged, and a cut last line."""
    path = work_dir / start / 'vis_data/scalars.json'
    path.parent.mkdir(parents=True)
    path.write_text(''.join(json.dumps(line) + '\n' for line in lines) + end)
