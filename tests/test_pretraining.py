"""Pre-training, fine-tuning and evaluation in the runner."""
import copy

import numpy as np
import onnxruntime
import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from pretrained import (
    CHANNELS,
    CLASSES,
    CLIPS,
    FRAMES,
    JOINTS,
    finetune_config,
    pretrain_config,
    write_clips,
)
from resumable_runs import (
    assert_same,
    load_state,
    logs,
    train,
    train_killed_and_resumed,
)
from toy import load_tool

LOSSES = {'loss', 'loss_rec', 'loss_cc_spatial_global',
          'loss_cc_temporal_global', 'loss_cc_temporal_spatial'}


class Watch(Hook):
    """Keeps the initial weights, and whether samples have a label."""
    priority = 'LOWEST'

    def __init__(self):
        self.labelled = []

    def before_train(self, runner):
        self.start = copy.deepcopy(runner.model.state_dict())

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.labelled += ['gt_label' in sample
                          for sample in data_batch['data_samples']]


def run(cfg):
    """Trains in this process."""
    runner, watch = Runner.from_cfg(cfg), Watch()
    runner.register_hook(watch)
    runner.train()
    return runner, watch


def losses_of(runner):
    """Every loss of every iteration."""
    return {key: buffer.data[0].tolist()
            for key, buffer in runner.message_hub.log_scalars.items()
            if 'loss' in key}


def encoder_of(state):
    return {name: value for name, value in state.items()
            if name.startswith('backbone.')}


@pytest.fixture(scope='module')
def ann_file(tmp_path_factory):
    return write_clips(tmp_path_factory.mktemp('data') / 'clips.pkl')


@pytest.fixture(scope='module')
def pretrained(ann_file, tmp_path_factory):
    """A pre-training of two epochs: its runner and its Watch hook."""
    return run(pretrain_config(ann_file, tmp_path_factory.mktemp('pretrain')))


@pytest.fixture(scope='module')
def checkpoint(pretrained):
    return str(pretrained[0].work_dir + '/epoch_2.pth')


@pytest.fixture(scope='module')
def finetuned(ann_file, checkpoint, tmp_path_factory):
    """A fine-tuning of it: its runner and its Watch hook."""
    return run(finetune_config(
        ann_file, tmp_path_factory.mktemp('finetune'), checkpoint))


# Pre-training

def test_pretraining(pretrained):
    runner, watch = pretrained
    losses = losses_of(runner)
    assert set(losses) == {f'train/{name}' for name in LOSSES}
    assert len(losses['train/loss']) == 8
    assert watch.labelled == [False] * 32
    for name, value in runner.model.state_dict().items():
        assert value.isfinite().all()
        moved = not torch.equal(value, watch.start[name])
        assert moved is not name.startswith('masking.'), name


def test_labels_change_nothing(pretrained, tmp_path):
    """Neither labels in the file nor in the samples are used."""
    labels = [(5 * i + 3) % CLASSES for i in range(CLIPS)]
    cfg = pretrain_config(write_clips(tmp_path / 'other.pkl', labels),
                          tmp_path)
    cfg.train_dataloader.dataset.drop_labels = False
    runner, watch = run(cfg)
    assert all(watch.labelled)
    assert losses_of(runner) == losses_of(pretrained[0])
    assert_same(dict(runner.model.state_dict()),
                dict(pretrained[0].model.state_dict()))


def test_killed_and_resumed_equals_uninterrupted(ann_file, tmp_path):
    """Including the masks, on which the losses depend."""
    def config(name):
        cfg = pretrain_config(ann_file, tmp_path / name, epochs=3)
        cfg.custom_imports.imports.append('resumable_runs')
        return cfg

    assert train(config('reference')) == 0
    train_killed_and_resumed(config('resumed'), at=7)
    assert_same(*(load_state(tmp_path / name / 'epoch_3.pth')
                  for name in ('reference', 'resumed')))
    (numbers, ), (first, second) = (logs(tmp_path / name)
                                    for name in ('reference', 'resumed'))
    assert len(numbers) == 12 and numbers[0].keys() > LOSSES
    assert first == numbers[:6] and second == numbers[4:]


def test_predict_raises(pretrained):
    with pytest.raises(ValueError, match='^HACMPretrainer is pre-trained '
                       'without labels and predicts no class: '):
        pretrained[0].test()


# After pre-training

def test_fine_tuning(pretrained, finetuned):
    runner, watch = finetuned
    encoder = encoder_of(pretrained[0].model.state_dict())
    assert_same(encoder_of(watch.start), encoder)
    for name, value in runner.model.named_parameters():
        assert not torch.equal(value, watch.start[name]), name
    # Layer-wise learning rates.
    rates = {group['initial_lr'] for group in
             runner.optim_wrapper.param_groups}
    assert sorted(rates) == pytest.approx([
        1e-2 * 0.8**i for i in (3, 2, 1, 0)])
    metrics = runner.test()
    assert 0 <= metrics['acc/top1'] <= 1


def test_fine_tuned_model_is_tested(ann_file, finetuned, tmp_path):
    """A test run does not need the pre-trained encoder's checkpoint."""
    cfg = finetune_config(ann_file, tmp_path, 'not_there.pth')
    cfg.load_from = finetuned[0].work_dir + '/epoch_2.pth'
    runner = Runner.from_cfg(cfg)
    metrics = runner.test()
    assert_same(dict(runner.model.state_dict()),
                dict(finetuned[0].model.state_dict()))
    assert metrics['acc/top1'] == finetuned[0].test()['acc/top1']


def test_linear_evaluation(ann_file, pretrained, checkpoint, tmp_path):
    cfg = finetune_config(ann_file, tmp_path, checkpoint)
    cfg.model.backbone.frozen = True
    cfg.model.cls_head = dict(type='LinearProbeHead', num_classes=CLASSES,
                              in_channels=CHANNELS)
    runner, watch = run(cfg)
    assert_same(encoder_of(runner.model.state_dict()),
                encoder_of(pretrained[0].model.state_dict()))
    for name, value in runner.model.cls_head.state_dict().items():
        assert not torch.equal(value, watch.start[f'cls_head.{name}']), name


def test_psp_learning(pretrained, checkpoint):
    """The joint stream is encoded as it was pre-trained."""
    model = MODELS.build(dict(
        type='PSPRecognizer',
        backbone=dict(
            pretrained[0].cfg.model.backbone, init_cfg=dict(
                type='Pretrained', prefix='backbone.',
                checkpoint=checkpoint)),
        neck=dict(type='PyramidPolymerizingAttention', in_channels=CHANNELS,
                  layout='nwucla', num_heads=2),
        projector=dict(type='PooledMLP', in_channels=CHANNELS),
        loss_con=dict(type='CoarseToFineContrastiveLoss'),
        cls_head=dict(type='TwoStreamHead', num_classes=CLASSES,
                      in_channels=CHANNELS)))
    model.init_weights()
    x = torch.randn(3, 1, 1, FRAMES, JOINTS, 6)
    features = model.eval()(x).joint
    expected = pretrained[0].model.eval()(x[..., :3], mode='tensor')
    torch.testing.assert_close(features, expected)
    samples = [ActionDataSample().set_gt_label(i) for i in range(3)]
    losses = model.train()(dict(labeled=x, unlabeled=x + 1), dict(
        labeled=samples, unlabeled=samples), mode='loss')
    sum(v for k, v in losses.items() if 'loss' in k).backward()
    assert all(p.grad is not None and p.grad.isfinite().all()
               for p in model.parameters())


def test_export(finetuned, tmp_path):
    runner, path = finetuned[0], tmp_path / 'model.onnx'
    config = str(tmp_path / 'config.py')
    Config(runner.cfg._cfg_dict).dump(config)
    load_tool('export_onnx').main([
        config, runner.work_dir + '/epoch_2.pth', '-o', str(path)])
    session = onnxruntime.InferenceSession(
        str(path), providers=['CPUExecutionProvider'])
    batch = next(iter(runner.test_dataloader))
    with torch.no_grad():
        expected = [sample.pred_score.numpy()
                    for sample in runner.model.eval().test_step(batch)]
    scores, _ = session.run(None, dict(
        inputs=torch.stack(batch['inputs']).numpy()))
    np.testing.assert_allclose(scores, expected, rtol=0, atol=1e-5)
    assert np.ptp(scores, axis=0).max() > 0.01  # or anything would do
