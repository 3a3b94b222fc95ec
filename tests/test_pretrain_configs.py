"""The configs of pre-training and of training from its encoders."""
import re

import pytest
from mmengine.config import Config
from mmengine.runner import Runner
from mmengine.runner.checkpoint import save_checkpoint
from toy import CONFIGS, draw_fewer_clips, set_everywhere, write_ntu

from psp_plugin.commands.run_checks import check_run
from psp_plugin.errors import InputError

FOLDER = CONFIGS / 'pretrain'
NAMES = sorted(path.stem for path in FOLDER.glob('*.py'))
DATA = ('ntu60_xsub', 'ntu60_xview', 'ntu60_2d', 'nwucla_xview', 'synthetic')
PRETRAIN = [name for name in NAMES
            if re.fullmatch(rf'(hacm|mamp)_({"|".join(DATA)})'
                            '(_small|_all_joints)?', name)]
# One of each kind runs a step: the others differ only in clips or layout.
STEPPED = [
    'hacm_ntu60_xsub', 'mamp_ntu60_2d', 'hacm_nwucla_xview_all_joints',
    'hacm_synthetic', 'hacm_ntu60_xsub_finetune_10p',
    'mamp_ntu60_2d_finetune_1p', 'hacm_nwucla_xview_linear',
    'psp_ntu60_2d_from_hacm_5p', 'psp_synthetic_from_hacm_5p',
    'psp_nwucla_xview_small_from_hacm_5p',
    'hacm_nwucla_xview_small_finetune_5p', 'mamp_nwucla_xview_small'
]


def read(name):
    return Config.fromfile(str(FOLDER / f'{name}.py'))


def checkpoint_of(cfg):
    return (cfg.model.backbone.get('init_cfg') or {}).get('checkpoint')


def test_every_dataset_has_every_step():
    steps = ('', '_linear', '_finetune_1p', '_finetune_5p', '_finetune_10p')
    wanted = {f'{method}_{data}{step}' for method in ('hacm', 'mamp')
              for data in DATA for step in steps}
    wanted |= {f'psp_{data}_from_hacm_5p' for data in DATA}
    assert wanted <= set(NAMES)


@pytest.mark.parametrize('name', [
    n for n in NAMES if n not in PRETRAIN and not n.startswith('scratch')])
def test_an_encoder_fits_the_pretrained_one(name):
    """Layout, sizes and the name of the checkpoint, without a training."""
    cfg = read(name)
    folder, file = checkpoint_of(cfg).split('/')[1:]
    source = read(folder)
    assert folder in PRETRAIN
    epochs = source.train_cfg.max_epochs
    assert file == f'epoch_{epochs}.pth'
    assert epochs % source.default_hooks.checkpoint.interval == 0
    ours, theirs = dict(cfg.model.backbone), dict(source.model.backbone)
    for key in ('init_cfg', 'drop_path_rate', 'frozen'):
        ours.pop(key, None)
    assert ours == theirs
    lengths = {step.num_frames
               for loader in (cfg.train_dataloader, cfg.test_dataloader,
                              source.train_dataloader)
               for step in steps_of(loader) if 'num_frames' in step}
    assert lengths == {ours['num_frames']}
    with pytest.raises(InputError, match=f'encoder work_dirs/{folder}/epoch'):
        check_run(cfg)
    cfg.model.backbone.init_cfg.checkpoint = __file__
    check_run(cfg)
    cfg.model.backbone.num_frames += 12
    with pytest.raises(InputError, match='samples num_frames='):
        check_run(cfg)


def steps_of(loader):
    dataset = loader.dataset
    while 'dataset' in dataset:
        dataset = dataset.dataset
    return dataset.pipeline


@pytest.mark.parametrize('name', NAMES)
def test_schedules_end_with_the_training(name):
    """ExactResumeHook needs a separate pass over the data for every epoch."""
    cfg = read(name)
    assert not cfg.train_dataloader.get('persistent_workers')
    last = cfg.param_scheduler[-1]
    assert last.end == cfg.train_cfg.max_epochs
    if len(cfg.param_scheduler) == 2:
        assert cfg.param_scheduler[0].end == last.begin


@pytest.mark.parametrize('name', [n for n in NAMES if 'ntu60_xview' in n
                                  or '_finetune_1p' in n])
def test_siblings_differ_only_in_their_clips(name):
    if '_finetune_1p' in name:
        other = name.replace('_1p', '_10p')
    else:
        other = name.replace('xview', 'xsub')
    one, two = read(name), read(other)
    for cfg in (one, two):
        for key in ('split', 'labeled_ratio', 'times', 'checkpoint'):
            set_everywhere(cfg._cfg_dict, key, None)
        if '_ntu60_x' in name:  # HA-CM's is 500 epochs for cross-subject
            for key in ('max_epochs', 'end', 'begin'):
                set_everywhere(cfg._cfg_dict, key, None)
    assert one._cfg_dict == two._cfg_dict


@pytest.fixture(scope='module')
def ann_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp('data')
    return {joints: write_ntu(folder / f'{joints}.pkl', joints=joints,
                              scored=joints == 17)
            for joints in (17, 20, 25)}


def tiny(name, ann_files, work_dir):
    """The config with the same model, but reduced data and schedule."""
    cfg = read(name)
    cfg.work_dir = str(work_dir)
    cfg.randomness = dict(seed=0)
    cfg.train_cfg.max_epochs = 1
    cfg.default_hooks.checkpoint.interval = -1
    joints = 20 if 'nwucla' in name else 17 if '2d' in name else 25
    set_everywhere(cfg, 'ann_file', ann_files[joints])
    set_everywhere(cfg, 'balanced', True)
    draw_fewer_clips(cfg)
    for key, value in (('labeled_ratio', None), ('labeled_per_class', 1),
                       ('num_workers', 0), ('batch_size', 2)):
        set_everywhere(cfg, key, value)
    dataset = cfg.train_dataloader.dataset
    while dataset:
        if dataset.get('type') == 'SemiSupervisedDataset':
            dataset.update(labeled_ratio=None, labeled_per_class=1)
        if dataset.get('type') == 'RepeatDataset':
            dataset.times = 1
        dataset = dataset.get('dataset')
    for loader in (cfg.val_dataloader, cfg.test_dataloader):
        if loader:  # MMEngine has none without workers
            loader.persistent_workers = False
    for loader in (cfg.train_dataloader, cfg.val_dataloader,
                   cfg.test_dataloader):
        if loader:
            loader.num_batch_per_epoch = 1
    if cfg.test_dataloader:
        cfg.test_dataloader.batch_size = 1
        for step in cfg.test_dataloader.dataset.pipeline:
            if 'num_clips' in step:
                step.num_clips = 2  # ten take several seconds
    return cfg


@pytest.mark.parametrize('name', STEPPED)
def test_train_and_test_step(name, ann_files, tmp_path, no_checkpoints):
    cfg = tiny(name, ann_files, tmp_path)
    if checkpoint_of(cfg):
        source = read(checkpoint_of(cfg).split('/')[1])
        encoder = Runner.build_model(Runner, source.model)
        path = tmp_path / 'pretrained.pth'
        save_checkpoint(dict(state_dict=encoder.state_dict()), str(path))
        cfg.model.backbone.init_cfg.checkpoint = str(path)
    runner = Runner.from_cfg(cfg)
    runner.train()
    logged = runner.message_hub.log_scalars
    assert logged['train/loss'].current() > 0
    if cfg.model.type == 'HACMPretrainer':
        assert logged['train/loss_rec'].current() > 0
        assert ('train/loss_cc_spatial_global' in logged) is (
            name.startswith('hacm'))
        return
    assert 0 <= runner.test()['acc/top1'] <= 1
    # Only a frozen encoder keeps the pre-trained weights.
    loaded = encoder.backbone.state_dict()
    kept = [value.equal(loaded[key])
            for key, value in runner.model.backbone.state_dict().items()]
    assert all(kept) is ('linear' in name)
    assert ('train/loss_con_body' in logged) is name.startswith('psp')
