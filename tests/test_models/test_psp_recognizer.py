"""PSP Learning: losses, gradients, predictions and errors."""
import re

import numpy as np
import pytest
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.optim import OptimWrapper
from torch.testing import assert_close

from psp_plugin.models.recognizers.two_stream import split_streams

CLASSES, JOINTS, FRAMES = 7, 20, 6
BACKBONE = dict(type='DSTANet', num_joints=JOINTS, num_heads=2,
                blocks=[[4, 4, 2, 1], [4, 8, 2, 2]])
HEAD = dict(type='TwoStreamHead', num_classes=CLASSES, in_channels=8)
CONTRAST = dict(
    neck=dict(type='PyramidPolymerizingAttention', in_channels=8,
              layout='nwucla', num_heads=2),
    projector=dict(type='PooledMLP', in_channels=8),
    loss_con=dict(type='CoarseToFineContrastiveLoss'))
CON_LOSSES = {'loss_con_body', 'loss_con_part', 'loss_con_joint'}
CLS_LOSSES = {'loss_cls', 'top1_acc', 'top5_acc'}
TEMPORAL = pytest.mark.parametrize('temporal', ['conv', 'attention'])


class Secret:
    """Raises an error on any access."""

    def __getattribute__(self, name):
        raise AssertionError(f'.{name} of an unlabelled sample was read')


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def build(contrast=True, temporal='conv', **kwargs):
    backbone = dict(BACKBONE, temporal=temporal, num_frames=FRAMES)
    model = MODELS.build(
        dict(type='PSPRecognizer', backbone=backbone, cls_head=HEAD,
             **{**(CONTRAST if contrast else {}), **kwargs}))
    model.init_weights()
    return model


def clips(n, num_clips=1, channels=6, dtype=torch.float32):
    return torch.randn(n, num_clips, 2, FRAMES, JOINTS, channels, dtype=dtype)


def samples(n):
    return [ActionDataSample().set_gt_label(i) for i in range(n)]


def joint_batch(**kwargs):
    return (dict(labeled=clips(3, **kwargs), unlabeled=clips(4, **kwargs)),
            dict(labeled=samples(3), unlabeled=[Secret() for _ in range(4)]))


def absorbed_biases(model):
    """Biases of convolutions that are followed by a batch norm."""
    return {f'{name}.0.bias' for name, module in model.named_modules()
            if isinstance(module, torch.nn.Sequential) and len(module) > 1
            and isinstance(module[1], torch.nn.BatchNorm2d)}


@TEMPORAL
@pytest.mark.parametrize('num_clips', [1, 2])
def test_losses_of_a_joint_step(temporal, num_clips):
    """The unlabelled samples are never read."""
    inputs, data_samples = joint_batch()
    if num_clips == 2:
        inputs['unlabeled'] = clips(4, num_clips)
    losses = build(temporal=temporal)(inputs, data_samples, mode='loss')
    assert set(losses) == CON_LOSSES | CLS_LOSSES
    for loss in losses.values():
        assert loss.dim() == 0 and loss.isfinite()


@pytest.mark.parametrize('left_out', ['body', 'part', 'joint'])
def test_level_of_weight_0_is_not_logged(left_out):
    weights = {level: float(level != left_out)
               for level in ('body', 'part', 'joint')}
    model = build(loss_con=dict(CONTRAST['loss_con'], level_weights=weights))
    losses = model.loss(*joint_batch())
    assert set(losses) == (CON_LOSSES - {f'loss_con_{left_out}'}) | CLS_LOSSES


@TEMPORAL
@pytest.mark.parametrize('training', [True, False])
def test_every_parameter_gets_a_gradient(temporal, training):
    """With its own statistics a norm undoes, so that it cannot train, the
    bias before it: that is shown with running statistics."""
    model = build(temporal=temporal).double().train(training)
    losses = model.loss(*joint_batch(dtype=torch.float64))
    sum(loss for key, loss in losses.items() if 'loss' in key).backward()
    moved = {name for name, value in model.named_parameters()
             if value.grad.abs().max() > 1e-9}
    absorbed = absorbed_biases(model)
    if training:
        assert moved == dict(model.named_parameters()).keys() - absorbed
    else:
        assert moved >= absorbed


@pytest.mark.parametrize('kind, untouched', [
    ('loss_con', {'cls_head'}), ('loss_cls', {'neck', 'projector'})])
def test_parameters_trained_by_each_loss(kind, untouched):
    """Section 3.5: all train the encoder, and each loss its own modules."""
    model = build()
    losses = model.loss(*joint_batch())
    sum(losses[key] for key in losses if kind in key).backward()
    parts = {name.split('.')[0] for name, value in model.named_parameters()
             if value.grad is None}
    assert parts == untouched


def test_joint_step_in_bfloat16():
    model = build()
    with torch.autocast('cpu', torch.bfloat16):
        losses = model.loss(*joint_batch())
    assert all(losses[key].dtype == torch.float32 for key in CON_LOSSES)
    sum(loss for key, loss in losses.items() if 'loss' in key).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_one_pass_of_the_encoder_shares_batch_statistics():
    model, batches = build(), []
    model.backbone.register_forward_hook(
        lambda module, args, out: batches.append(len(args[0])))
    model.loss(*joint_batch())
    assert batches == [2 * (3 + 4)]


def test_losses_equal_those_of_the_modules():
    """Classifier on labelled clips, neck and contrast on unlabelled ones."""
    model = build().eval()
    inputs, data_samples = joint_batch()
    losses = model.loss(inputs, data_samples)
    joint, motion = (model.backbone(inputs['unlabeled'][:, 0, ..., part])
                     for part in (slice(3), slice(3, 6)))
    joint, motion = (
        {level: model.projector(x) for level, x in model.neck(stream).items()}
        for stream in (joint, motion))
    expected = model.loss_con(joint, motion)
    expected['loss_cls'] = torch.nn.functional.cross_entropy(
        model.cls_head(model.extract_feat(inputs['labeled'])[0]),
        torch.arange(3))
    for key, value in expected.items():
        assert_close(losses[key], value, rtol=1e-4, atol=1e-5)


def test_train_step_sums_the_losses():
    """Equation 16, from lists of clips, the unlabelled ones without labels."""
    model = build()
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    batch = dict(
        inputs=dict(labeled=list(clips(3)), unlabeled=list(clips(4))),
        data_samples=dict(labeled=samples(3),
                          unlabeled=[ActionDataSample() for _ in range(4)]))
    before = {k: v.clone() for k, v in model.named_parameters()}
    logs = model.train_step(batch, OptimWrapper(sgd))
    assert set(logs) == CON_LOSSES | CLS_LOSSES | {'loss'}
    assert_close(logs['loss'],
                 logs['loss_cls'] + sum(logs[key] for key in CON_LOSSES))
    moved = {name.split('.')[0] for name, value in model.named_parameters()
             if not torch.allclose(value, before[name])}
    assert moved == {'backbone', 'neck', 'projector', 'cls_head'}


def test_supervised_variant_accepts_plain_batches():
    model = build(contrast=False)
    assert {name.split('.')[0] for name, _ in model.named_parameters()
            } == {'backbone', 'cls_head'}
    inputs, labeled = clips(3), samples(3)
    losses = model.loss(inputs, labeled)
    assert set(losses) == CLS_LOSSES
    branched = model.loss(dict(labeled=inputs), dict(labeled=labeled))
    assert_close(branched['loss_cls'], losses['loss_cls'])


@TEMPORAL
@pytest.mark.parametrize('contrast', [True, False])
@pytest.mark.parametrize('num_clips', [1, 10])
def test_predictions(temporal, contrast, num_clips):
    model, inputs = build(contrast, temporal).eval(), clips(2, num_clips)
    batch = dict(inputs=list(inputs), data_samples=samples(2))
    predictions = model.test_step(batch)
    assert len(predictions) == 2
    for i, prediction in enumerate(predictions):
        assert prediction.pred_score.shape == (CLASSES, )
        assert prediction.pred_score.sum().item() == pytest.approx(1)
        logits = torch.cat([
            model(inputs[i:i + 1, c:c + 1], stage='head')
            for c in range(num_clips)
        ])
        assert_close(prediction.pred_score, logits.softmax(1).mean(0))
        assert prediction.pred_label == prediction.pred_score.argmax()


@pytest.mark.parametrize('num_clips', [1, 3])
def test_stages(num_clips):
    model, inputs = build().eval(), clips(2, num_clips)
    joint, motion = model(inputs, stage='backbone')
    assert joint.shape == motion.shape == (2 * num_clips, 2, 8, 3, JOINTS)
    logits = model(inputs, stage='head')
    assert logits.shape == (2 * num_clips, CLASSES)
    assert torch.equal(logits, model.cls_head((joint, motion)))
    assert model.extract_feat(inputs, stage='head')[1] == {}


def test_encode_is_one_backbone_call_per_stream():
    model = build().double().eval()
    inputs = dict(labeled=clips(3, dtype=torch.float64),
                  unlabeled=clips(4, 2, dtype=torch.float64))
    out = model.encode(inputs)
    assert list(out) == ['labeled', 'unlabeled']
    for branch, x in inputs.items():
        x = x.flatten(0, 1)
        assert_close(out[branch].joint, model.backbone(x[..., :3]))
        assert_close(out[branch].motion, model.backbone(x[..., 3:]))


def test_split_streams():
    inputs = clips(2, 3)
    joint, motion = split_streams(inputs)
    for i, c in np.ndindex(2, 3):
        assert torch.equal(joint[3 * i + c], inputs[i, c, ..., :3])
        assert torch.equal(motion[3 * i + c], inputs[i, c, ..., 3:])


@pytest.mark.parametrize('channels', [3, 7])
def test_odd_channels_raise(channels):
    sentence = f"{channels} channels cannot be halved into joint and motion: "
    with pytest.raises(ValueError, match=sentence):
        build(contrast=False).loss(clips(3, channels=channels), samples(3))


@pytest.mark.parametrize('absent', [
    ['neck'], ['projector'], ['loss_con'], ['neck', 'projector'],
    ['neck', 'loss_con'], ['projector', 'loss_con']])
def test_incomplete_contrast_raises(absent):
    sentence = ('neck, projector and loss_con must be set together or not at '
                f'all, but {" and ".join(absent)} is None')
    with pytest.raises(ValueError, match=re.escape(sentence)):
        build(**dict.fromkeys(absent))


@pytest.mark.parametrize('branched', [True, False])
def test_contrast_without_unlabeled_clips_raises(branched):
    inputs, data_samples = clips(3), samples(3)
    if branched:
        inputs, data_samples = (
            dict(labeled=x) for x in (inputs, data_samples))
    with pytest.raises(ValueError, match='the batch has no unlabelled branch: '
                                         'add InterleaveHook'):
        build().loss(inputs, data_samples)


def test_unlabeled_clips_without_contrast_raise():
    with pytest.raises(ValueError, match='the batch has an unlabelled branch, '
                                         'but this PSPRecognizer has no'):
        build(contrast=False).loss(*joint_batch())
