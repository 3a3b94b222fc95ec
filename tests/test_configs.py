"""Every shipped config builds at full size and does a train and a test step.

The data are a small pickle of the config's joint layout; nothing else of a
config is changed but its batch sizes and workers.
"""
import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from toy import CONFIGS, set_everywhere, write_ntu

NAMES = sorted(path.name for path in CONFIGS.glob('*.py'))
PARAMETERS = {'psp_ntu60_xsub_5p.py': 5_138_940}


@pytest.fixture(scope='module')
def ann_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp('data')
    return {
        joints: write_ntu(folder / f'{joints}.pkl', joints=joints)
        for joints in (20, 25)
    }


def tiny(name, ann_files, work_dir):
    cfg = Config.fromfile(str(CONFIGS / name))
    cfg.work_dir = str(work_dir)
    cfg.randomness = dict(seed=0)
    cfg.train_cfg.update(max_epochs=1, val_interval=1)
    cfg.default_hooks.checkpoint.interval = -1
    set_everywhere(cfg, 'ann_file', ann_files[cfg.model.backbone.num_joints])
    labeled = cfg.train_dataloader.dataset.dataset
    labeled.update(labeled_ratio=None, labeled_per_class=1)
    loaders = [cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader]
    loaders += [hook.unlabeled_dataloader for hook in cfg.custom_hooks]
    for loader in loaders:
        loader.update(num_workers=0, persistent_workers=False, batch_size=2)
    for loader in loaders[:3]:
        loader.num_batch_per_epoch = 1
    return cfg


@pytest.mark.parametrize('name', NAMES)
def test_train_and_test_step(name, ann_files, tmp_path):
    runner = Runner.from_cfg(tiny(name, ann_files, tmp_path))
    if name in PARAMETERS:
        assert sum(p.numel()
                   for p in runner.model.parameters()) == PARAMETERS[name]
    runner.train()
    logged = runner.message_hub.log_scalars
    assert logged['train/loss'].current() > 0
    supervised = name.startswith('supervised')
    assert ('train/loss_con_body' in logged) is not supervised
    assert 0 <= runner.test()['acc/top1'] <= 1
    clips = next(iter(runner.test_dataloader))
    assert all(len(clip) == 10 for clip in clips['inputs'])


@pytest.mark.parametrize('name', NAMES)
def test_config_can_be_read_back(name, tmp_path):
    cfg = Config.fromfile(str(CONFIGS / name))
    path = tmp_path / name
    cfg.dump(str(path))
    assert Config.fromfile(str(path)).model == cfg.model


@pytest.mark.parametrize('percent, count', [(5, 33), (10, 66), (20, 133),
                                            (40, 267)])
def test_label_fractions_are_the_names(percent, count):
    cfg = Config.fromfile(str(CONFIGS / f'psp_ntu60_xsub_{percent}p.py'))
    labeled = cfg.train_dataloader.dataset.dataset
    assert labeled.labeled_ratio == percent / 100
    assert int(labeled.labeled_ratio * 40091 / 60) == count
