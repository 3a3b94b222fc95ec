"""Small recognizers with methods for unlabelled clips, and their batches."""
import uuid

import numpy as np
import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.logging import MessageHub

from psp_plugin.models.recognizers.step import Step

CLASSES, JOINTS, FRAMES = 5, 20, 6
LABELED, UNLABELED = 3, 4
BACKBONE = dict(type='DSTANet', num_joints=JOINTS, num_heads=2,
                blocks=[[4, 4, 2, 1], [4, 8, 2, 2]])
HEAD = dict(type='TwoStreamHead', num_classes=CLASSES, in_channels=8)


class Head(torch.nn.Module):
    """Returns its features as logits."""
    num_classes = CLASSES

    def forward(self, features):
        return features


def reset_message_hub():
    """Removes the training progress of another test's runner."""
    MessageHub.get_instance(uuid.uuid4().hex)


def samples(count, **info):
    """Data samples of unlabelled clips, with one value of ``info`` each."""
    return [ActionDataSample(metainfo={key: values[i] for key, values
                                       in info.items()})
            for i in range(count)]


def attached(cfg, **kwargs):
    """Builds a method, attached to a model that returns given logits."""
    method = MODELS.build(dict(cfg, **kwargs))
    model = torch.nn.Module()
    model.cls_head = Head()
    method.attach(model)
    return method


def step_of(progress=1., data_samples=None, **logits):
    """Builds a step from logits."""
    model = torch.nn.Module()
    model.cls_head = Head()
    count = len(next(iter(logits.values())))
    step = Step(model, {}, dict(weak=data_samples or samples(count)), logits)
    step.progress = progress
    return step


def build(*methods, seed=0, kind='SemiSupervisedRecognizer', **kwargs):
    """Builds a model with initial weights; a method is a config or type."""
    torch.manual_seed(seed)
    methods = [dict(type=method) if isinstance(method, str) else method
               for method in methods]
    model = MODELS.build(dict(dict(type=kind, backbone=BACKBONE,
                                   cls_head=HEAD), **kwargs,
                              **(dict(methods=methods) if methods else {})))
    model.init_weights()
    return model


def draw_batch(seed=1, views=('weak', 'strong'), labeled=LABELED,
               unlabeled=UNLABELED):
    """Inputs and samples; without views, only labelled clips."""
    generator = torch.Generator().manual_seed(seed)

    def clips(count):
        return torch.randn(count, 1, 1, FRAMES, JOINTS, 6,
                           generator=generator)

    inputs = dict(labeled=clips(labeled))
    data_samples = dict(labeled=[ActionDataSample().set_gt_label(i % CLASSES)
                                 for i in range(labeled)])
    if views:
        inputs['unlabeled'] = {view: clips(unlabeled) for view in views}
        data_samples['unlabeled'] = {
            view: samples(unlabeled, sample_idx=range(unlabeled))
            for view in views}
    return inputs, data_samples


def add_up(losses):
    return sum(value for name, value in losses.items() if 'loss' in name)


def differentiate(model, batch):
    """Losses and gradients of a step; None without a gradient."""
    model.zero_grad()
    losses = model.loss(*batch)
    add_up(losses).backward()
    return ({name: value.detach() for name, value in losses.items()},
            {name: value.grad for name, value in model.named_parameters()})


def train(model, steps, first=1, lr=0.1):
    """Trains by gradient descent, one batch per step; returns all losses."""
    every = []
    for i in range(steps):
        losses, _ = differentiate(model, draw_batch(first + i))
        every.append(losses)
        with torch.no_grad():
            for value in model.parameters():
                if value.grad is not None:
                    value -= lr * value.grad
    return every


def softmax(logits):
    """Row by row, in float64."""
    logits = np.asarray(logits, dtype=np.float64)
    return np.stack([np.exp(row - row.max()) / np.exp(row - row.max()).sum()
                     for row in logits])


def cross_entropy(logits, label):
    """Cross-entropy of one clip."""
    return -np.log(softmax([logits])[0][label])
