"""Mean Teacher: average, loss and predictions."""
import copy
import re

import numpy as np
import pytest
import torch
from mmaction.structures import ActionDataSample
from mmengine.optim import build_optim_wrapper
from numpy.testing import assert_allclose
from resumable_runs import assert_same
from torch.testing import assert_close
from unlabeled import (
    UNLABELED,
    add_up,
    build,
    differentiate,
    draw_batch,
    softmax,
    train,
)

from psp_plugin.errors import InputError
from psp_plugin.models.methods.teacher import Teacher
from psp_plugin.tooling.export import trace

METHOD = dict(type='MeanTeacher', decay=0.6, ramp=None, loss_weight=10.)


def teacher_of(model):
    return model.methods[0].teacher


def blend(past, now, decay):
    """The average in NumPy; initially the student's weights."""
    state = {}
    parameters = dict(now.named_parameters())
    for name, value in now.state_dict().items():
        state[name] = value.clone()
        if past and name in parameters:
            state[name] = torch.from_numpy(
                decay * past[name].numpy() + (1 - decay) * value.numpy())
    return state


def follow(model, steps=4, lr=0.5):
    """Trains, and computes teacher and loss independently. Yields, for every
    step, the loss, the expected loss, whether the loss has a gradient in the
    encoder, and the expected teacher."""
    state, shadow = None, copy.deepcopy(model.classifier()).train()
    for t in range(steps):
        batch = draw_batch(t)
        logits = []
        handle = model.cls_head.register_forward_hook(
            lambda module, args, out, logits=logits: logits.append(out))
        losses = model.loss(*batch)
        handle.remove()
        # Eq. 1: the first update copies; then at most decay 1 - 1 / t.
        state = blend(state, model.classifier(), min(0.6, 1 - 1 / (t + 1)))
        if t == 0:
            shadow.load_state_dict(state)
        with torch.no_grad():  # later updates do not change buffers
            for name, value in shadow.named_parameters():
                value.copy_(state[name])
        with torch.no_grad():
            target = softmax(shadow(batch[0]['unlabeled']['weak']))
        student = softmax(logits[-1].detach())
        assert len(student) == UNLABELED
        expected = 10 * sum(((a - b) ** 2).sum() for a, b in zip(
            student, target)) / UNLABELED
        model.zero_grad()
        losses['loss_mean_teacher'].backward(retain_graph=True)
        moved = all(x.grad is not None for x in model.backbone.parameters()
                    ) and any(x.grad.abs().max() > 1e-7
                              for x in model.backbone.parameters())
        losses['loss_cls'].backward()
        yield (losses['loss_mean_teacher'].item(), expected, moved,
               shadow.state_dict())
        with torch.no_grad():
            for value in model.parameters():
                if value.grad is not None:
                    value -= lr * value.grad


def test_against_an_independent_teacher():
    """Loss, gradient and average of four steps. If the teacher got the
    student's view, loss and gradient would be 0 at the first step."""
    model = build(METHOD)
    torch.nn.init.normal_(model.cls_head.fc.weight)
    for loss, expected, moved, state in follow(model):
        assert_allclose(loss, expected, rtol=1e-4)
        assert loss > 1e-3 and moved
        assert_close(dict(teacher_of(model).module.state_dict()), state)
    student = model.classifier().state_dict()
    assert any(not torch.allclose(student[name], value)
               for name, value in state.items())


def test_gradient_is_that_of_the_student():
    """Of the strong view only; the target is constant."""
    model = build(METHOD)
    torch.nn.init.normal_(model.cls_head.fc.weight)
    train(model, 2, lr=0.01)
    model.eval()  # or views would share their statistics
    batch = draw_batch(9)
    before = copy.deepcopy(model)
    model.zero_grad()
    model.loss(*batch)['loss_mean_teacher'].backward()
    views, teacher = batch[0]['unlabeled'], teacher_of(model).module
    with torch.no_grad():
        target = teacher(views['weak']).softmax(1)
    before.zero_grad()
    distance = before.classifier()(views['strong']).softmax(1) - target
    (10 * distance.square().sum() / UNLABELED).backward()
    for (name, value), other in zip(model.named_parameters(),
                                    before.parameters()):
        if not name.startswith('methods.'):
            assert_close(value.grad, other.grad, rtol=1e-3, atol=1e-6)


def test_teacher_has_its_own_statistics():
    """The first update copies the student's, then its batches update them."""
    model = build(METHOD)
    seen = []
    teacher_of(model).module.register_forward_pre_hook(
        lambda module, args: seen.append(dict(
            same=all(map(torch.equal, module.buffers(),
                         model.classifier().buffers())))))
    train(model, 2)
    assert [each['same'] for each in seen] == [True, False]
    assert all(x.isfinite().all() for x in teacher_of(model).buffers())


def test_teacher_has_the_mode_of_the_model():
    model = build(METHOD)
    for mode in (True, False, True):
        model.train(mode)
        assert all(x.training is mode for x in teacher_of(model).modules())


def test_teacher_gets_no_gradient():
    model = build(METHOD)
    losses, gradients = differentiate(model, draw_batch())
    assert not any(x.requires_grad for x in teacher_of(model).parameters())
    assert {name for name, x in gradients.items() if x is None} == {
        name for name in gradients if name.startswith('methods.')}


def test_teacher_does_not_affect_the_optimiser():
    """Weight decay, momentum and clipping apply only to the student."""
    model = build(METHOD)
    wrapper = build_optim_wrapper(model, dict(
        type='OptimWrapper', clip_grad=dict(max_norm=1.),
        optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=0.5)))
    past = None
    for t in range(3):
        now = copy.deepcopy(model.classifier())
        batch = draw_batch(t)
        model.train_step(dict(inputs=to_lists(batch[0]),
                              data_samples=batch[1]), wrapper)
        past = blend(past, now, min(0.6, 1 - 1 / (t + 1)))
        parameters = dict(teacher_of(model).module.named_parameters())
        assert_close(parameters, {name: past[name] for name in parameters})


def to_lists(node):
    if isinstance(node, dict):
        return {key: to_lists(value) for key, value in node.items()}
    return list(node)


# Prediction

def predict(model, x):
    """Returns the logits after checking that the scores are theirs."""
    model.eval()
    with torch.no_grad():
        logits, _ = model.extract_feat(x, 'head')
        scores = model.predict(x, [ActionDataSample() for _ in x])
        assert_close(torch.stack([each.pred_score for each in scores]),
                     logits.softmax(1))
        features, _ = model.extract_feat(x)
        assert_close(model.predictor.cls_head(features), logits)
    return logits


def test_teacher_predicts_after_its_first_update():
    """The student predicts before the first update, then the teacher."""
    model, x = build(METHOD), draw_batch()[0]['labeled']
    with torch.no_grad():
        assert torch.equal(predict(model, x),
                           model.classifier().eval()(x))
        # Of other weights, it is not yet what it will be.
        assert not torch.equal(predict(model, x),
                               teacher_of(model).module(x))
    model.train()
    train(model, 3, lr=0.5)
    with torch.no_grad():
        assert torch.equal(predict(model, x), teacher_of(model).module(x))
        assert not torch.allclose(predict(model, x),
                                  model.classifier().eval()(x))


def test_checkpoint_without_a_teacher():
    """Its student predicts, and the average starts from it."""
    trained = build('SupervisedOnly')
    train(trained, 2)
    model, x = build(METHOD, seed=5), draw_batch()[0]['labeled']
    found = model.load_state_dict(trained.state_dict(), strict=False)
    assert not found.unexpected_keys
    assert all(name.startswith('methods.') for name in found.missing_keys)
    assert torch.equal(predict(model, x), predict(trained, x))
    weights = {name: x.clone() for name, x
               in model.classifier().named_parameters()}
    train(model, 1)
    assert_same(dict(teacher_of(model).module.named_parameters()).keys(),
                weights.keys())
    assert_close(dict(teacher_of(model).module.named_parameters()), weights,
                 rtol=0, atol=0, check_device=False)


def test_state_dict_restores_the_state():
    model = build(METHOD)
    train(model, 2)
    other = build(METHOD, seed=7)
    other.load_state_dict(model.state_dict())
    x = draw_batch()[0]['labeled']
    assert torch.equal(predict(other, x), predict(model, x))
    assert_same(*(train(each.train(), 2, first=3)
                  for each in (model, other)))
    assert_same(*(dict(each.state_dict()) for each in (model, other)))


def test_checkpoint_of_other_classes():
    """Teacher and head are discarded: the average starts again."""
    trained = build(METHOD)
    train(trained, 2)
    state = trained.state_dict()
    for name in list(state):
        if '.fc.' in name:
            state[name] = torch.zeros(7, *state[name].shape[1:])
    model = build(METHOD, seed=5)
    head = {name: state.pop(name) for name in list(state) if '.fc.' in name}
    for name, value in head.items():  # like MMEngine, which continues
        with pytest.raises(RuntimeError, match='size mismatch'):
            model.load_state_dict({**model.state_dict(), name: value})
    assert teacher_of(model).updates == 0
    model.load_state_dict(state, strict=False)
    assert teacher_of(model).updates == 0
    x = draw_batch()[0]['labeled']
    assert torch.equal(predict(model, x), model.classifier().eval()(x))


def test_teacher_without_weight_does_not_predict():
    trained = build(METHOD)
    train(trained, 3, lr=0.5)
    model = build(dict(METHOD, loss_weight=0))
    model.load_state_dict(trained.state_dict())
    x = draw_batch()[0]['labeled']
    assert torch.equal(predict(model, x), model.classifier().eval()(x))
    assert not any(p.requires_grad for p in model.methods.parameters())


def test_teacher_is_exported():
    model, x = build(METHOD), draw_batch()[0]['labeled']
    train(model, 3, lr=0.5)
    model.eval()
    traced = trace(model, x).module()(x)[1].flatten(0, 1)
    assert_close(traced, predict(model, x), rtol=0, atol=1e-5)


def test_two_teachers_raise():
    with pytest.raises(InputError, match=re.escape(
            'MeanTeacher and MeanTeacher each have a teacher that '
            'predicts: keep one of them')):
        build(METHOD, METHOD)


# The average

@pytest.mark.parametrize('decay', [1, 1.5, -0.1, float('nan')])
def test_invalid_decays_raise(decay):
    with pytest.raises(InputError, match=re.escape(
            f'decay of a teacher must be in [0, 1), not {decay!r}')):
        build(dict(METHOD, decay=decay))


@pytest.mark.parametrize('warm_up, decays', [
    (True, [0, 1 / 2, 2 / 3, 3 / 4, 0.8, 0.8]), (False, [0] + 5 * [0.8])])
def test_decay_of_every_update(warm_up, decays):
    module = torch.nn.Linear(1, 1).requires_grad_(False)
    teacher = Teacher(module, 0.8, warm_up)
    assert not teacher.started
    average = np.nan
    for i, decay in enumerate(decays):
        module.weight.fill_(float(i**2 + 1))
        average = i**2 + 1 if i == 0 else (
            decay * average + (1 - decay) * (i**2 + 1))
        teacher.update(module)
        assert teacher.started
        assert teacher.module.weight.item() == pytest.approx(average)
    assert module.weight == 26


def test_step_adds_one_update():
    model = build(METHOD)
    train(model, 3)
    assert int(teacher_of(model).updates) == 3
    predict(model, draw_batch()[0]['labeled'])
    assert int(teacher_of(model).updates) == 3


def test_mean_teacher_in_bfloat16():
    model = build(METHOD)
    with torch.autocast('cpu', torch.bfloat16):
        losses = model.loss(*draw_batch())
    assert losses['loss_mean_teacher'].dtype == torch.float32
    add_up(losses).backward()
    assert all(x.grad.isfinite().all() for x in model.parameters()
               if x.requires_grad)
    assert all(x.dtype == torch.float32
               for x in teacher_of(model).parameters())
