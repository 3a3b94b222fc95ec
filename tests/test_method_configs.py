"""The configs of the compared methods."""
import re

import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from toy import CONFIGS, draw_fewer_clips, set_everywhere, write_ntu

FOLDER = CONFIGS / 'methods'
NAMES = sorted(path.stem for path in FOLDER.glob('*.py'))
DATA = {  # and the config whose setting the methods share
    'ntu60_xsub_5p': 'psp_ntu60_xsub_5p_views',
    'nwucla_xview_5p': 'psp_nwucla_xview_5p_views',
    'nwucla_xview_5p_small': 'psp_nwucla_xview_5p_small',
    'synthetic_5p': 'psp_synthetic_5p'
}
ENDING = re.compile(f'_({"|".join(DATA)})$')
METHODS = sorted({ENDING.sub('', name) for name in NAMES})


def read(name):
    return Config.fromfile(str(FOLDER / f'{name}.py'))


def test_every_method_has_every_dataset():
    assert set(NAMES) == {f'{method}_{data}' for method in METHODS
                          for data in DATA}


def test_method_configs_are_short():
    for name in NAMES:
        lines = (FOLDER / f'{name}.py').read_text().splitlines()
        assert sum(bool(line) for line in lines) < 10, name


@pytest.mark.parametrize('name', NAMES)
def test_all_methods_share_the_setting(name):
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
    if 'strong' not in name:
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


def shrink(cfg, ann_files, work_dir, joints):
    """Two training steps and a test step of tiny batches; the same model."""
    cfg.work_dir = str(work_dir)
    cfg.randomness = dict(seed=0)
    cfg.train_cfg.update(max_epochs=1, val_interval=1)
    cfg.default_hooks.checkpoint.interval = -1
    set_everywhere(cfg, 'ann_file', ann_files[joints])
    cfg.train_dataloader.dataset.dataset.update(
        labeled_ratio=None, labeled_per_class=1)
    loaders = [cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader]
    for loader in loaders:
        loader.update(num_workers=0, persistent_workers=False, batch_size=1)
    for hook in cfg.custom_hooks:
        hook.unlabeled_dataloader.update(
            num_workers=0, persistent_workers=False, batch_size=2)
    cfg.train_dataloader.num_batch_per_epoch = 2
    for loader in loaders[1:]:
        loader.num_batch_per_epoch = 1
    for step in cfg.test_dataloader.dataset.pipeline:
        if 'num_clips' in step:  # ten take several seconds
            step.num_clips = 2
    return cfg


# Every method once, and one of them on every dataset at full size.
@pytest.mark.parametrize('name', [
    *(f'{method}_nwucla_xview_5p_small' for method in METHODS),
    *(f'freematch_{data}' for data in DATA if 'small' not in data)])
def test_train_and_test_step(name, ann_files, tmp_path, no_checkpoints):
    cfg = shrink(read(name), ann_files, tmp_path, 20 if 'nwucla' in name
                 else 25)
    draw_fewer_clips(cfg)
    runner = Runner.from_cfg(cfg)
    runner.train()
    logged = runner.message_hub.log_scalars
    losses = {name for name in logged if name.startswith('train/loss_')}
    assert logged['train/loss'].current() > 0
    assert (len(losses) > 1) is ('supervised' not in name)
    assert 0 <= runner.test()['acc/top1'] <= 1


def test_the_pages_own_method(ann_files, tmp_path, monkeypatch):
    """Module and config of the guide train, in at most 60 lines."""
    page = CONFIGS.parent / 'docs/guides/semi_supervised.md'
    section = page.read_text(encoding='utf-8')
    section = section.split('## A method of your own')[1].split('\n## ')[0]
    blocks = section.split('```python\n')[1:]
    files = {}
    for block in blocks:
        text = block.split('```')[0]
        files[text.splitlines()[0].strip('# ')] = text
    assert sorted(files) == ['my_config.py', 'my_methods.py']
    assert sum(len(text.splitlines()) for text in files.values()) <= 60
    for name, text in files.items():
        text = text.replace("'configs/", f"'{CONFIGS}/")
        (tmp_path / name).write_text(text, encoding='utf-8')
    monkeypatch.syspath_prepend(str(tmp_path))
    cfg = Config.fromfile(str(tmp_path / 'my_config.py'))
    runner = Runner.from_cfg(shrink(cfg, ann_files, tmp_path / 'run', 20))
    runner.train()
    logged = runner.message_hub.get_scalar('train/loss_pi').data[0]
    assert logged[0] == 0 and logged[1] > 0  # from the start of the ramp
