"""The options of docs/guides/training.md, in one run, and their effects."""
import copy
import json
import math

import pytest
import torch
import torch.nn.functional as F
from mmaction.registry import HOOKS, MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner
from resumable_runs import assert_same, load_state
from toy import CONFIGS, set_everywhere, small_config

MOMENTUM, EPOCHS, BATCHES = 0.25, 2, 4
WEIGHT = 'cls_head.fc.weight'
ADAMW = dict(
    optimizer=dict(_delete_=True, type='AdamW', lr=1e-3, weight_decay=0.05),
    paramwise_cfg=dict(
        norm_decay_mult=0.,
        bias_decay_mult=0.,
        custom_keys={
            name: dict(decay_mult=0.)
            for name in ('.alpha', '.global_map', '.PA')
        }))
AIDS = dict(
    default_hooks=dict(ema=dict(type='EMAHook', momentum=MOMENTUM)),
    param_scheduler=[
        dict(type='LinearLR', start_factor=0.01, begin=0, end=1,
             by_epoch=True, convert_to_iter_based=True),
        dict(type='CosineAnnealingLR', begin=1, end=EPOCHS, by_epoch=True,
             convert_to_iter_based=True),
    ],
    model=dict(cls_head=dict(dropout=0.5, label_smooth_eps=0.1)),
    optim_wrapper=dict(type='BFloat16OptimWrapper', **ADAMW),
    train_dataloader=dict(sampler=dict(type='ClassBalancedSampler')))


@HOOKS.register_module()
class Watch(Hook):
    """Records the classifier's weights and the labels of every iteration."""

    def __init__(self):
        self.trained, self.tested, self.labels = [], [], []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.labels.append(sorted(
            int(sample.gt_label)
            for sample in data_batch['data_samples']['labeled']))

    def after_train_iter(self, runner, *args, **kwargs):
        self.trained.append(runner.model.cls_head.fc.weight.detach().clone())

    def before_test_iter(self, runner, *args, **kwargs):
        self.tested.append(runner.model.cls_head.fc.weight.detach().clone())


def config(work_dir) -> Config:
    """Two epochs of four batches of ten clips, with all aids."""
    cfg = small_config('psp_synthetic_5p.py', '', work_dir, EPOCHS)
    set_everywhere(cfg._cfg_dict, 'clip_len', 8)
    cfg.val_dataloader.dataset.num_clips = 20
    cfg.val_dataloader.batch_size = 20
    cfg.test_dataloader = cfg.val_dataloader
    labeled = cfg.train_dataloader.dataset
    labeled.times = BATCHES // 2
    labeled.dataset.dataset.num_clips = 40
    cfg.train_dataloader.batch_size = 10
    cfg.train_cfg.val_interval = EPOCHS
    cfg.default_hooks.checkpoint.update(interval=1, save_best=None)
    cfg.default_hooks.watch = dict(type='Watch')
    cfg.merge_from_dict(copy.deepcopy(AIDS))  # merging takes _delete_ out
    return cfg


def start(cfg) -> Watch:
    """Trains and returns the records."""
    runner = Runner.from_cfg(cfg)
    runner.train()
    return watch_of(runner)


def watch_of(runner) -> Watch:
    watch, = (hook for hook in runner.hooks if isinstance(hook, Watch))
    return watch


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """A run with all aids: its folder and its records."""
    folder = tmp_path_factory.mktemp('run')
    return folder, start(config(folder))


def average_of(weights):
    """The moving average by its equation, from the first iteration."""
    average = weights[0].double()
    for weight in weights[1:]:
        average = (1 - MOMENTUM) * average + MOMENTUM * weight.double()
    return average.float()


def test_resumed_equals_uninterrupted(run, tmp_path):
    folder, _ = run
    torch.manual_seed(1)
    cfg = config(tmp_path)
    cfg.update(load_from=str(folder / 'epoch_1.pth'), resume=True)
    watch = start(cfg)
    assert len(watch.trained) == (EPOCHS - 1) * BATCHES
    assert_same(*(load_state(path / f'epoch_{EPOCHS}.pth')
                  for path in (folder, tmp_path)))


def test_the_average_is_saved_tested_and_scored(run, tmp_path):
    folder, watch = run
    cfg = config(tmp_path)
    cfg.load_from = str(folder / f'epoch_{EPOCHS}.pth')
    runner = Runner.from_cfg(cfg)
    scores = runner.test()
    tested, = watch_of(runner).tested
    assert torch.allclose(tested, average_of(watch.trained), atol=1e-6)
    assert not torch.allclose(tested, watch.trained[-1], atol=1e-4)
    validated, = (line for line in scalars(folder) if 'acc/top1' in line)
    assert {key: validated[key] for key in scores} == pytest.approx(scores)
    # Also for a config without the hook.
    saved = torch.load(cfg.load_from, weights_only=True)
    assert torch.equal(saved['state_dict'][WEIGHT], tested)
    assert torch.equal(saved['ema_state_dict'][f'module.{WEIGHT}'],
                       watch.trained[-1])


def scalars(folder):
    path, = folder.glob('*/vis_data/scalars.json')
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_rate_is_a_cosine(run):
    rates = [line['lr'] for line in scalars(run[0]) if 'loss' in line]
    steps = (EPOCHS - 1) * BATCHES
    expected = [1e-3 * (1 + math.cos(math.pi * i / steps)) / 2
                for i in range(steps)]
    assert rates[BATCHES:] == pytest.approx(expected, rel=1e-5)
    assert rates[0] == pytest.approx(1e-5)


def test_every_batch_has_each_class_once(run):
    assert run[1].labels == [list(range(10))] * (EPOCHS * BATCHES)


@pytest.mark.parametrize('name', [
    'psp_nwucla_xview_5p_small.py', 'psp_synthetic_5p.py',
    'mix/ppa_stgcn_nwucla_xview_5p_small.py'])
def test_only_weights_of_maps_and_convolutions_decay(name):
    cfg = Config.fromfile(str(CONFIGS / name))
    cfg.merge_from_dict(dict(optim_wrapper=copy.deepcopy(ADAMW)))
    model = MODELS.build(cfg.model)
    groups = build_optim_wrapper(model, cfg.optim_wrapper).param_groups
    decay = {id(p): g['weight_decay'] for g in groups for p in g['params']}
    for key, value in model.named_parameters():
        kept = key.endswith('.weight') and value.dim() > 1
        assert decay[id(value)] == (0.05 if kept else 0), key


@pytest.mark.parametrize('batch', [1, 6])
def test_label_smoothing_affects_only_the_loss(batch):
    head = MODELS.build(dict(
        type='TwoStreamHead', num_classes=6, in_channels=4,
        label_smooth_eps=0.1))
    logits = torch.randn(batch, 6)
    labels = torch.arange(batch)
    losses = head.loss_by_feat(
        logits, [ActionDataSample().set_gt_label(int(i)) for i in labels])
    assert losses['loss_cls'].item() == pytest.approx(
        F.cross_entropy(logits, labels, label_smoothing=0.1).item())
    assert losses['top1_acc'].item() == pytest.approx(
        (logits.argmax(1) == labels).float().mean().item())
