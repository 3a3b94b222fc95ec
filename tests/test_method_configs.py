"""The configs of the compared methods."""
import re

import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from toy import CONFIGS, set_everywhere, write_ntu

FOLDER = CONFIGS / 'methods'
NAMES = sorted(path.stem for path in FOLDER.glob('*.py'))
DATA = {  # and the config whose setting the methods share
    'ntu60_xsub_5p': 'psp_ntu60_xsub_5p',
    'nwucla_xview_5p': 'psp_nwucla_xview_5p_views',
    'nwucla_xview_5p_small': 'psp_nwucla_xview_5p_small',
    'synthetic_5p': 'psp_synthetic_5p'
}
ENDING = re.compile(f'_({"|".join(DATA)})$')
METHODS = sorted({ENDING.sub('', name) for name in NAMES})


def read(name):
    return Config.fromfile(str(FOLDER / f'{name}.py'))


def test_every_method_has_every_data_set():
    assert set(NAMES) == {f'{method}_{data}' for method in METHODS
                          for data in DATA}


@pytest.mark.parametrize('name', NAMES)
def test_leaves_are_short(name):
    lines = (FOLDER / f'{name}.py').read_text().splitlines()
    assert sum(bool(line) for line in lines) < 10


@pytest.mark.parametrize('name', NAMES)
def test_all_methods_share_one_setting(name):
    """Encoder, head, labelled clips, steps and optimiser are PSP's."""
    data = ENDING.search(name)[1]
    ours, psp = read(name), Config.fromfile(str(CONFIGS / f'{DATA[data]}.py'))
    for part in ('backbone', 'cls_head', 'stream_norm'):
        assert ours.model[part] == psp.model[part]
    for key in ('train_cfg', 'param_scheduler', 'optim_wrapper',
                'val_dataloader', 'test_dataloader'):
        assert ours[key] == psp[key]
    if 'supervised' not in name:
        assert ours.custom_hooks == psp.custom_hooks
    pool = [cfg.train_dataloader.dataset.dataset for cfg in (ours, psp)]
    assert ours.train_dataloader.batch_size == psp.train_dataloader.batch_size
    if 'ntu60' not in name:  # whose weak view is rotated
        assert pool[0].dataset == pool[1].dataset
        assert pool[0].get('include_labeled') == pool[1].get('include_labeled')


@pytest.mark.parametrize('name', [n for n in NAMES if 'supervised' not in n])
def test_the_weak_view_is_augmented_as_the_labelled_clips(name):
    pool = read(name).train_dataloader.dataset.dataset
    labeled, unlabeled = pool.dataset.pipeline, pool.unlabeled_pipeline
    if unlabeled[-1]['type'] == 'MultiView':
        unlabeled = unlabeled[:-1] + unlabeled[-1]['weak']
    assert unlabeled[:-1] == labeled[:-1]
    assert unlabeled[-1]['type'] == labeled[-1]['type'] == 'PackActionInputs'


@pytest.fixture(scope='module')
def ann_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp('data')
    return {joints: write_ntu(folder / f'{joints}.pkl', joints=joints)
            for joints in (20, 25)}


# Every method once, and one of them on every data set at full size.
@pytest.mark.parametrize('name', [
    *(f'{method}_nwucla_xview_5p_small' for method in METHODS),
    *(f'freematch_{data}' for data in DATA if 'small' not in data)])
def test_train_and_test_step(name, ann_files, tmp_path):
    cfg = read(name)
    cfg.work_dir = str(tmp_path)
    cfg.randomness = dict(seed=0)
    cfg.train_cfg.update(max_epochs=1, val_interval=1)
    cfg.default_hooks.checkpoint.interval = -1
    set_everywhere(cfg, 'ann_file', ann_files[20 if 'nwucla' in name else 25])
    cfg.train_dataloader.dataset.dataset.update(
        labeled_ratio=None, labeled_per_class=1)
    loaders = [cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader]
    if 'synthetic' in name:
        for dataset in (cfg.train_dataloader.dataset.dataset.dataset,
                        *(loader.dataset for loader in loaders[1:])):
            dataset.num_clips = 60
    for loader in loaders + [hook.unlabeled_dataloader
                             for hook in cfg.custom_hooks]:
        loader.update(num_workers=0, persistent_workers=False, batch_size=2)
    for loader in loaders:
        loader.num_batch_per_epoch = 2
    runner = Runner.from_cfg(cfg)
    runner.train()
    logged = runner.message_hub.log_scalars
    losses = {name for name in logged if name.startswith('train/loss_')}
    assert logged['train/loss'].current() > 0
    assert (len(losses) > 1) is ('supervised' not in name)
    assert 0 <= runner.test()['acc/top1'] <= 1
