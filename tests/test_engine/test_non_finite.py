"""Runs with NaN or infinity, in the unmodified runner."""
import pickle
import re
from types import SimpleNamespace

import pytest
import torch
from mmaction.registry import HOOKS, MODELS
from mmengine.hooks import Hook
from mmengine.optim import AmpOptimWrapper
from mmengine.runner import Runner
from resumable_runs import resumable_config

from psp_plugin.engine import StopOnNonFiniteHook
from psp_plugin.engine.hooks.atomic_checkpoint import is_complete
from psp_plugin.engine.hooks.non_finite import branch_of, describe, non_finite
from psp_plugin.models.losses import CoarseToFineContrastiveLoss

NAN, INF = float('nan'), float('inf')


class InfiniteGradient(torch.autograd.Function):
    """The identity with an infinite gradient."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * INF


@MODELS.register_module()
class InfiniteGradientContrast(CoarseToFineContrastiveLoss):
    """The loss with an infinite gradient from its fifth call on."""
    calls = 0

    def forward(self, joint, motion):
        self.calls += 1
        if self.calls >= 5:
            joint = dict(joint, part=InfiniteGradient.apply(joint['part']))
        return super().forward(joint, motion)


@HOOKS.register_module()
class KeepWeights(Hook):
    """Keeps a copy of the parameters before each iteration."""

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.weights = [p.detach().clone() for p in runner.model.parameters()]


def config(ann_file, work_dir, **options):
    cfg = resumable_config(ann_file, work_dir)
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    cfg.default_hooks.checkpoint.save_best = None
    cfg.merge_from_dict(options)
    return cfg


def run_and_fail(cfg):
    """Trains until the error; returns its message and the runner."""
    runner = Runner.from_cfg(cfg)
    keeper = KeepWeights()
    runner.register_hook(keeper)
    with pytest.raises(FloatingPointError) as error:
        runner.train()
    for before, after in zip(keeper.weights, runner.model.parameters()):
        assert torch.equal(before, after) and after.isfinite().all()
    message = str(error.value)
    assert '\n' not in message
    return message, runner


def with_clip(ann_file, path, name, value):
    """Copies the annotation file with one changed value in one clip."""
    with open(ann_file, 'rb') as stream:
        data = pickle.load(stream)
    clip, = (c for c in data['annotations'] if c['frame_dir'] == name)
    clip['keypoint'][0, :, 5, 1] = value
    with open(path, 'wb') as stream:
        pickle.dump(data, stream)
    return str(path)


def clip_of(ann_file, tmp_path, branch):
    """Returns the name of a clip of a branch."""
    runner = Runner.from_cfg(config(ann_file, tmp_path / 'look'))
    labeled = runner.build_dataloader(
        runner._train_dataloader).dataset.dataset.labeled_names
    if branch == 'labelled':
        return labeled[0]
    return next(name for i in range(40) for name in
                [f'S001C001P001R001A{i:03}'] if name not in labeled)


@pytest.mark.parametrize('branch, value', [('labelled', NAN),
                                           ('unlabelled', INF)])
def test_non_finite_clip_is_named(ann_file, tmp_path, branch, value):
    name = clip_of(ann_file, tmp_path, branch)
    invalid = with_clip(ann_file, tmp_path / 'invalid.pkl', name, value)
    # Both loaders read all clips within four epochs of three iterations. The
    # toolbox's dataset does not check them.
    cfg = config(invalid, tmp_path / 'work')
    cfg.train_dataloader.dataset.dataset.dataset.type = 'PoseDataset'
    cfg.train_cfg.max_epochs = 4
    message, runner = run_and_fail(cfg)
    assert f'NaN or infinite coordinates in clips: {branch} {name}; ' in (
        message)
    assert message.startswith(f'iteration {runner.iter + 1}: loss_cls '
                              '(labelled branch) is nan, loss_con_body '
                              '(unlabelled branch) is nan, ')
    assert message.endswith('the weights were not updated, ' + (
        f'the last checkpoint is {tmp_path}/work/epoch_{runner.epoch}.pth'
        if runner.epoch else 'none was saved yet'))


def test_exploding_learning_rate(ann_file, tmp_path):
    cfg = config(ann_file, tmp_path)
    cfg.param_scheduler = [dict(type='MultiStepLR', milestones=[4],
                                gamma=1e30, by_epoch=False)]
    runner = Runner.from_cfg(cfg)
    with pytest.raises(FloatingPointError) as error:
        runner.train()
    message = str(error.value)
    assert re.match(r'iteration [67]: loss_', message), message
    assert 'the coordinates of its clips are finite: labelled S001' in message
    assert ' and unlabelled S001' in message
    assert message.count('S001C001P001R001A') == 8  # all of the batch
    assert message.endswith(f'the last checkpoint is {tmp_path}/epoch_1.pth')
    assert is_complete(tmp_path / 'epoch_1.pth')


@pytest.mark.parametrize('options', [
    dict(),
    {'optim_wrapper.clip_grad': dict(max_norm=1.0)},
    {'optim_wrapper.accumulative_counts': 2},
    {'optim_wrapper.type': 'BFloat16OptimWrapper'},
], ids=['plain', 'clipped', 'accumulated', 'bfloat16'])
def test_infinite_gradient_of_a_finite_loss(ann_file, tmp_path, options):
    cfg = config(ann_file, tmp_path, **options)
    cfg.model.loss_con.type = 'InfiniteGradientContrast'
    message, runner = run_and_fail(cfg)
    assert message.startswith('iteration 5: the loss is finite, but the '
                              'gradient of ')
    assert 'cls_head' not in message  # not part of the contrast
    assert message.endswith(f'the last checkpoint is {tmp_path}/epoch_1.pth')


def test_non_finite_weights_are_not_saved(ann_file, tmp_path):
    """A finite gradient, but a learning rate that overflows."""
    cfg = config(ann_file, tmp_path)
    cfg.param_scheduler = [dict(type='MultiStepLR', milestones=[5],
                                gamma=6e39, by_epoch=False)]
    with pytest.raises(FloatingPointError) as error:
        Runner.from_cfg(cfg).train()
    message = str(error.value)
    assert message.startswith('after iteration 6 ')
    assert message.endswith(f'are not saved; the last checkpoint is '
                            f'{tmp_path}/epoch_1.pth')
    assert not (tmp_path / 'epoch_2.pth').exists()


def test_finite_run_is_not_changed(ann_file, tmp_path):
    """The same losses with and without the hook; no hook remains."""
    losses, runners = [], []
    for name in ('with', 'without'):
        cfg = config(ann_file, tmp_path / name)
        if name == 'without':
            cfg.default_hooks.pop('non_finite')
        runner = Runner.from_cfg(cfg)
        runner.train()
        losses.append(runner.message_hub.get_scalar('train/loss').data[0][-9:])
        runners.append(runner)
    assert len(losses[0]) == 9 and losses[0].tolist() == losses[1].tolist()
    for runner in runners:
        assert not runner.model._forward_hooks
        assert not any(p._backward_hooks for p in runner.model.parameters())


def test_gradients_are_not_checked_with_a_loss_scaler():
    """With the toolbox's wrapper, which cannot be built on a CPU."""
    model = torch.nn.Linear(2, 2)
    wrapper = AmpOptimWrapper.__new__(AmpOptimWrapper)
    runner = SimpleNamespace(model=model, optim_wrapper=wrapper)
    hook = StopOnNonFiniteHook()
    hook.before_train(runner)
    assert len(hook._handles) == 1  # the losses
    (model(torch.ones(1, 2)).sum() * INF).backward()
    runner.optim_wrapper = object()
    hook.after_train(runner)
    hook.before_train(runner)
    hook.before_train_iter(runner, 0, dict(inputs=[], data_samples=[]))
    runner.iter, runner.work_dir = 0, 'none'
    with pytest.raises(FloatingPointError, match='gradient of weight, bias'):
        (model(torch.ones(1, 2)).sum() * INF).backward()


def test_non_finite():
    largest = torch.finfo(torch.float32).max
    tensors = dict(
        fine=torch.full((1000, ), largest), nan=torch.tensor([0, NAN]),
        inf=torch.tensor([[-INF]]), count=torch.tensor(3), none=torch.ones(0),
        half=torch.tensor([6e4], dtype=torch.float16),
        double=torch.tensor([1e300], dtype=torch.float64))
    assert non_finite(tensors.items()) == ['nan', 'inf']
    assert non_finite([]) == []


def test_branches():
    assert branch_of('loss_cls') == 'labelled branch'
    assert branch_of('loss_con_joint') == 'unlabelled branch'
    assert branch_of('loss_fixmatch') == 'unlabelled branch'
    assert branch_of('loss') == 'the sum'


def test_non_finite_clip_of_a_view():
    clips = [torch.zeros(2), torch.tensor([NAN])]
    names = [dict(frame_dir='a'), dict(frame_dir='b')]
    batch = dict(
        inputs=dict(labeled=clips[:1],
                    unlabeled=dict(weak=clips[:1] * 2, strong=clips)),
        data_samples=dict(labeled=names[:1],
                          unlabeled=dict(weak=names, strong=names)))
    assert describe(batch) == (
        'NaN or infinite coordinates in clips: unlabelled b')


def test_clips_without_names_and_without_branches():
    batch = dict(inputs=[torch.zeros(2), torch.tensor([NAN])],
                 data_samples=[{}, {}])
    assert describe(batch) == (
        'NaN or infinite coordinates in clips: labelled None (for names, add '
        "meta_keys=('frame_dir', ) to PackActionInputs)")
    batch['data_samples'] = [dict(frame_dir='a'), dict(filename='b.mp4')]
    assert describe(batch).endswith('clips: labelled b.mp4')
