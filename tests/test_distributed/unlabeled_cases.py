"""Methods for unlabelled clips on this rank's share of every batch."""
from typing import Callable, Dict, List

import torch
from cases import add_up, share_of
from mmaction.registry import MODELS
from torch import nn
from unlabeled import build, draw_batch, samples

CLASSES, CLIPS = 5, 20
MASKS = {
    'FlexMatch': dict(type='FlexMatchThreshold', num_clips=CLIPS,
                      threshold=0.5),
    'FreeMatch': dict(type='FreeMatchThreshold', decay=0.5),
    'SoftMatch': dict(type='SoftMatchWeight', decay=0.5),
}
METHODS = {
    'FixMatch': dict(type='FixMatch', mask=MASKS['FreeMatch']),
    'FlexMatch': dict(type='FixMatch', mask=dict(
        MASKS['FlexMatch'], threshold=0.25)),
    'SoftMatch': dict(type='FixMatch', mask=MASKS['SoftMatch']),
    'MeanTeacher': dict(type='MeanTeacher', decay=0.6, ramp=None),
}
# These use random numbers, or contrast a rank's own clips or in the order of
# the ranks: ranks have the same shared state, but one process has another.
OF_A_RANK = {
    'VAT': dict(type='VAT', ramp=None),
    'S4L': dict(type='S4L'),
    'CMD': dict(type='CMD', dim=8, queue_size=8, topk=4, decay=0.6),
    'XCAR': dict(type='XCAR'),
}


def ask_mask(name: str, rank: int = 0, world_size: int = 1) -> List[tuple]:
    """Weights and averages of four batches of seven clips.

    The shares of two ranks are of unequal sizes.
    """
    torch.manual_seed(5)
    mask, out = MODELS.build(MASKS[name]), []
    mask.attach(CLASSES)
    for _ in range(4):
        batch = (2 * torch.randn(7, CLASSES)).softmax(1)
        numbers = samples(7, sample_idx=torch.randperm(CLIPS)[:7].tolist())
        weights = mask(*(share_of(x, rank, world_size)
                         for x in (batch, numbers)))
        out.append((weights, {name: x.clone() for name, x
                              in mask.state_dict().items()}))
    return out


def freeze_norms(model: nn.Module) -> None:
    """Batch norms get running statistics of some clips and keep them."""
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.momentum = 1
    with torch.no_grad():
        model.backbone(draw_batch()[0]['labeled'][:, 0, ..., :3].double())
    model.eval()


def train_method(name: str, norms: bool, wrap: Callable = lambda x: x,
                 rank: int = 0, world_size: int = 1
                 ) -> Dict[str, torch.Tensor]:
    """State after three steps in float64, with six unlabelled clips per step
    over all ranks."""
    model = build({**METHODS, **OF_A_RANK}[name]).double()
    nn.init.normal_(model.cls_head.fc.weight)
    if not norms:
        freeze_norms(model)
    wrapped = wrap(model)
    optimizer = torch.optim.SGD(
        [x for x in model.parameters() if x.requires_grad], lr=0.01,
        momentum=0.9)
    for i in range(3):
        inputs, data_samples = draw_batch(i, labeled=4, unlabeled=6)
        inputs, data_samples = (share_of(x, rank, world_size)
                                for x in (inputs, data_samples))
        inputs = dict(labeled=inputs['labeled'].double(), unlabeled={
            view: x.double() for view, x in inputs['unlabeled'].items()})
        losses = wrapped(inputs=inputs, data_samples=data_samples,
                         mode='loss')
        optimizer.zero_grad()
        add_up(losses).backward()
        optimizer.step()
    return {name: x.clone() for name, x in model.state_dict().items()}


def compute(wrap: Callable, rank: int, world_size: int) -> dict:
    """Runs all cases on a rank."""
    return dict(
        masks={name: ask_mask(name, rank, world_size) for name in MASKS},
        trained={(name, norms): train_method(name, norms, wrap, rank,
                                             world_size)
                 for name in METHODS for norms in (True, False)},
        of_a_rank={name: train_method(name, True, wrap, rank, world_size)
                   for name in OF_A_RANK})
