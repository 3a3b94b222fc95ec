"""Every shipped config builds at full size and does a train and a test step.

The data are a small pickle of the config's joint layout, or few synthetic
clips; batches, and the clips per sample of a test, are as few as possible, and
no checkpoint is written. Nothing else of a config is changed.
"""
import re

import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from toy import BLOCKS, CONFIGS, draw_fewer_clips, set_everywhere, write_ntu

from psp_plugin.datasets.split import clips_per_class
from psp_plugin.tooling.experiments import read_study
from psp_plugin.tooling.experiments.plan import load_config

NAMES = sorted(str(path.relative_to(CONFIGS))
               for path in CONFIGS.rglob('*.py') if '_base_' not in path.parts)
# Configs that differ only in the labelled or tested clips, and from which.
SIBLINGS = {name: re.sub(r'(ntu60_xsub|ntu60_xview|xview)_\d+p',
                         lambda match: match[1].replace(
                             'ntu60_xview', 'ntu60_xsub') + '_5p', name)
            for name in NAMES if name.startswith('psp_')}
SIBLINGS = {name: other for name, other in SIBLINGS.items() if name != other}
# These have separate tests: test_ablations.py, test_change_data.py,
# test_method_configs.py, test_pretrain_configs.py.
STEPPED = [name for name in NAMES if name not in SIBLINGS
           and not name.startswith(
               ('ablations/', 'methods/', 'pretrain/', 'skeleton/'))]
PARAMETERS = {'psp_ntu60_xsub_5p.py': 5_138_940}


@pytest.fixture(scope='module')
def ann_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp('data')
    return {
        joints: write_ntu(folder / f'{joints}.pkl', joints=joints,
                          scored=joints == 17)
        for joints in (17, 20, 25)
    }


def joints_of(cfg):
    """The number of joints of a config's data, from its file name."""
    name = cfg.test_dataloader.dataset.get('ann_file', '')
    return 20 if 'nwucla' in name else 17 if '2d' in name else 25


def tiny(name, ann_files, work_dir):
    cfg = Config.fromfile(str(CONFIGS / name))  # or another path
    cfg.work_dir = str(work_dir)
    cfg.randomness = dict(seed=0)
    length = 'max_epochs' if 'max_epochs' in cfg.train_cfg else 'max_iters'
    cfg.train_cfg.update({length: 1, 'val_interval': 1})
    cfg.default_hooks.checkpoint.interval = -1
    set_everywhere(cfg, 'ann_file', ann_files[joints_of(cfg)])
    draw_fewer_clips(cfg)
    labeled = cfg.train_dataloader.dataset.dataset
    if labeled.type == 'SemiSupervisedDataset':
        labeled.update(labeled_ratio=None, labeled_per_class=1)
    loaders = [cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader]
    loaders += [hook.unlabeled_dataloader
                for hook in cfg.get('custom_hooks', [])]
    for loader in loaders:
        loader.update(num_workers=0, persistent_workers=False, batch_size=1)
    for loader in loaders[:3]:
        loader.num_batch_per_epoch = 1
    for loader in loaders[3:]:
        loader.batch_size = 2  # the contrast needs a negative
    return cfg


@pytest.mark.parametrize('name', SIBLINGS)
def test_siblings_differ_only_in_their_clips(name):
    one, other = (Config.fromfile(str(CONFIGS / stem)) for stem in
                  (name, SIBLINGS[name]))
    for cfg in (one, other):
        if name.endswith('_small.py'):  # about the same steps
            cfg.train_cfg.pop('max_epochs')
            cfg.train_cfg.pop('val_interval')
            cfg.default_hooks.checkpoint.pop('interval')
            cfg.param_scheduler[1].pop('milestones')
        cfg.train_dataloader.dataset.pop('times')
        labeled = cfg.train_dataloader.dataset.dataset
        labeled.pop('labeled_ratio')
        for dataset in (labeled.dataset, cfg.val_dataloader.dataset,
                        cfg.test_dataloader.dataset):
            dataset.pop('split')
    assert one._cfg_dict == other._cfg_dict


@pytest.mark.parametrize('percent', [5, 15, 30, 40])
def test_small_configs_take_about_the_same_steps(percent):
    cfg = Config.fromfile(
        str(CONFIGS / f'psp_nwucla_xview_{percent}p_small.py'))
    labeled, epochs = cfg.train_dataloader, cfg.train_cfg.max_epochs
    clips = 10 * percent * labeled.dataset.times
    steps = -(-clips // labeled.batch_size)
    assert 780 <= steps * epochs <= 820
    assert epochs % cfg.train_cfg.val_interval == 0
    assert epochs % cfg.default_hooks.checkpoint.interval == 0
    # The rate falls where the 5% config's does: at 5/8 and 7/8.
    assert cfg.param_scheduler[1].milestones == pytest.approx(
        [epochs * 5 / 8, epochs * 7 / 8], abs=0.6)


@pytest.mark.parametrize('percent', [15, 30, 40])
def test_shares_of_the_study_are_the_configs(percent):
    """The options of the study are the settings that the configs change."""
    study = read_study(str(CONFIGS / 'studies/nwucla_small.yml'))
    base = str(CONFIGS / 'psp_nwucla_xview_5p_small.py')
    config = str(CONFIGS / f'psp_nwucla_xview_{percent}p_small.py')
    assert load_config(base, study.cases[f'{percent}p'])._cfg_dict == (
        Config.fromfile(config)._cfg_dict)


@pytest.mark.parametrize('name', STEPPED)
def test_train_and_test_step(name, ann_files, tmp_path, no_checkpoints):
    cfg = tiny(name, ann_files, tmp_path)
    for step in cfg.test_dataloader.dataset.pipeline:
        if 'num_clips' in step:
            assert step.num_clips == 10
            step.num_clips = 2  # ten take several seconds
    runner = Runner.from_cfg(cfg)
    if name in PARAMETERS:
        assert sum(p.numel()
                   for p in runner.model.parameters()) == PARAMETERS[name]
    runner.train()
    logged = runner.message_hub.log_scalars
    assert logged['train/loss'].current() > 0
    contrast = name.split('/')[-1].startswith(('psp', 'ppa'))
    assert ('train/loss_con_body' in logged) is contrast
    assert 0 <= runner.test()['acc/top1'] <= 1
    clips = next(iter(runner.test_dataloader))
    num_clips = 1 if name.startswith('official/') else 2
    assert all(len(clip) == num_clips for clip in clips['inputs'])


# The others differ from these in the labelled clips, or in numbers.
@pytest.mark.parametrize('name', STEPPED + [
    name for name in NAMES if re.match(
        'ablations/nwucla|methods/.*nwucla_xview_5p.py|pretrain/.*_small',
        name)])
def test_config_can_be_read_back(name, tmp_path):
    cfg = Config.fromfile(str(CONFIGS / name))
    path = tmp_path / 'config.py'
    cfg.dump(str(path))
    assert Config.fromfile(str(path))._cfg_dict == cfg._cfg_dict


def test_the_guides_own_config(ann_files, tmp_path):
    """The block of the guide, next to the shipped configs, trains."""
    page = CONFIGS.parent / 'docs/guides/semi_supervised.md'
    text = page.read_text(encoding='utf-8')
    block = text.split('```python\n')[1].split('```')[0]
    block = block.replace("'psp_ntu60", f"'{CONFIGS}/psp_ntu60")
    block = block.replace("split='train'", "split='xsub_train'")
    (tmp_path / 'mine.py').write_text(
        block.replace("split='val'", "split='xsub_val'"))
    cfg = tiny(tmp_path / 'mine.py', ann_files, tmp_path)
    assert cfg.model.cls_head.num_classes == 12
    cfg.model.backbone.blocks = BLOCKS  # the encoder is tested above
    for part in ('neck', 'projector', 'cls_head'):
        cfg.model[part].in_channels = 16
    runner = Runner.from_cfg(cfg)
    runner.train()
    assert runner.message_hub.get_scalar('train/loss').current() > 0


# Section 4.2 of the paper: clips and classes of the training set, batch, lr,
# weight decay, epochs, warm-up, milestones, alpha and beta.
PAPER = {
    'ntu60_xsub': (40091, 60, 64, 0.05, 5e-4, 120, 5, [60, 90], 0.12, 0.24),
    'ntu60_xview': (37646, 60, 64, 0.05, 5e-4, 120, 5, [60, 90], 0.12, 0.24),
    'nwucla_xview': (1020, 10, 128, 0.06, 1e-4, 300, 20, [76, 130], 0.1, 0.2),
}
COUNTS = {  # labelled clips per class
    'ntu60_xsub': {5: 33, 10: 66, 20: 133, 40: 267},
    'ntu60_xview': {5: 31, 10: 62, 20: 125, 40: 250},
    'nwucla_xview': {5: 5, 15: 15, 30: 30, 40: 40},
}


@pytest.mark.parametrize('data, percent', [
    (data, percent) for data, counts in COUNTS.items() for percent in counts])
def test_settings_are_those_of_the_paper(data, percent):
    cfg = Config.fromfile(str(CONFIGS / f'psp_{data}_{percent}p.py'))
    (clips, classes, batch, lr, decay, epochs, warm_up, milestones, alpha,
     beta) = PAPER[data]
    hook, neck = cfg.custom_hooks[0], cfg.model.neck
    optimizer, labeled = cfg.optim_wrapper.optimizer, cfg.train_dataloader
    split = labeled.dataset.dataset
    assert split.labeled_ratio == percent / 100
    assert clips_per_class(split.labeled_ratio, clips,
                           classes) == COUNTS[data][percent]
    # An epoch is about one pass over the training set.
    assert round(labeled.dataset.times * split.labeled_ratio, 1) in (
        0.9, 1.0, 1.1, 1.2)
    assert split.dataset.split == data.split('_')[1] + '_train'
    assert cfg.val_dataloader.dataset.split == data.split('_')[1] + '_val'
    assert labeled.batch_size == batch == hook.unlabeled_dataloader.batch_size
    assert (optimizer.type, optimizer.momentum,
            optimizer.nesterov) == ('SGD', 0.9, True)
    assert (optimizer.lr, optimizer.weight_decay) == (lr, decay)
    assert cfg.train_cfg.max_epochs == epochs
    assert cfg.param_scheduler[0].end == warm_up
    assert cfg.param_scheduler[1].milestones == milestones
    assert (neck.part_to_joint, neck.body_to_joint) == (alpha, beta)
    assert cfg.model.loss_con.temperature == 0.07
    for loader, num_clips in ((cfg.val_dataloader, 1),
                              (cfg.test_dataloader, 10)):
        sample = next(step for step in loader.dataset.pipeline
                      if 'clip_len' in step)
        assert (sample.clip_len, sample.num_clips) == (50, num_clips)
