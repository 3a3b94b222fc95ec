"""The steps of docs/guides/own_data.md, from recordings to predictions."""
import csv
import json

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from toy import BLOCKS, CONFIGS, load_tool

from psp_plugin.datasets.synthetic import make_clip

LABELED, UNLABELED = 20, 12


@pytest.fixture(scope='module')
def recordings(tmp_path_factory):
    """Arrays and JSON files of two actions, and a partial label table."""
    folder = tmp_path_factory.mktemp('recordings')
    rows = []
    for i in range(LABELED + UNLABELED):
        clip = make_clip(i % 2, split='train')
        name = f'clip{i:02}'
        if i % 3:
            np.save(folder / f'{name}.npy', clip['keypoint'])
        else:
            (folder / f'{name}.json').write_text(
                json.dumps(dict(keypoint=clip['keypoint'].tolist())))
        rows.append((name, ('wave', 'kick')[i % 2]))
    with open(folder / 'labels.csv', 'w', newline='') as stream:
        csv.writer(stream).writerows([('name', 'label'), *rows[:LABELED]])
    return folder


def test_folder_to_predictions(recordings, tmp_path, capsys):
    pickle = tmp_path / 'mine.pkl'
    load_tool('data/convert_skeletons').main(
        [str(recordings), '-o', str(pickle), '--labels',
         str(recordings / 'labels.csv')])
    cfg = Config.fromfile(str(CONFIGS / 'psp_two_files.py'))
    cfg.merge_from_dict(dict(
        work_dir=str(tmp_path / 'work'),
        train_cfg=dict(max_epochs=1, val_interval=1),
        model=dict(backbone=dict(blocks=BLOCKS), neck=dict(in_channels=16),
                   projector=dict(in_channels=16),
                   cls_head=dict(num_classes=2, in_channels=16))))
    unlabeled = cfg.custom_hooks[0].unlabeled_dataloader
    for loader in (cfg.train_dataloader, unlabeled, cfg.val_dataloader,
                   cfg.test_dataloader):
        loader.update(num_workers=0, persistent_workers=False, batch_size=4)
    cfg.train_dataloader.dataset.times = 1
    for dataset in (cfg.train_dataloader.dataset.dataset, unlabeled.dataset,
                    cfg.val_dataloader.dataset, cfg.test_dataloader.dataset):
        dataset.ann_file = str(pickle)
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert runner.iter == 4  # 8 of 10 clips of each class train
    logged = runner.message_hub.log_scalars
    assert logged['train/loss_con_joint'].current() > 0
    assert 'val/acc/top1' in logged
    capsys.readouterr()

    cfg.dump(str(tmp_path / 'config.py'))
    load_tool('infer').main([str(tmp_path / 'config.py'),
                      str(tmp_path / 'work/epoch_1.pth'),
                      str(recordings / 'clip25.npy'),
                      str(recordings / 'clip27.json'), '--json', '-',
                      '--classes', str(tmp_path / 'mine.classes.txt')])
    results = json.loads(capsys.readouterr().out)
    assert len(results) == 2
    for result in results:
        assert {best['class'] for best in result['top']} == {'wave', 'kick'}
