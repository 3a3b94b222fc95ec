"""Models and batches for comparing one process with several ranks.

Everything is generated from fixed seeds, so that every process has the same
model and the same complete batch, of which a rank uses its share.
"""
from typing import Dict, List, Tuple

import torch
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample
from mmengine.optim import OptimWrapper
from torch import nn

from psp_plugin.skeletons import LEVELS

CLASSES, JOINTS, FRAMES = 7, 20, 6
LABELED, UNLABELED = 2, 3  # clips a rank
# Batch norms are removed, use running statistics, or batch statistics.
NORMS = ('none', 'frozen', 'batch')
Numbers = Dict[str, torch.Tensor]


class Contrast(nn.Module):
    """The projector and the loss, without an encoder."""

    def __init__(self, gather: bool) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.projector = MODELS.build(dict(type='PooledMLP', in_channels=8))
        self.loss_con = MODELS.build(
            dict(type='CoarseToFineContrastiveLoss', gather=gather))
        self.double()

    def forward(self, joint: Numbers, motion: Numbers) -> Numbers:
        joint, motion = ({k: self.projector(x) for k, x in side.items()}
                         for side in (joint, motion))
        return self.loss_con(joint, motion)


def draw_features(world_size: int) -> List[Numbers]:
    """Joint and motion features of all ranks, (N, M, C, T, K) per level."""
    torch.manual_seed(2)
    return [{level: torch.randn(world_size * UNLABELED, 2, 8, 2, nodes,
                                dtype=torch.float64)
             for level, nodes in zip(LEVELS, (2, 5, 20))} for _ in range(2)]


def build_recognizer(norm: str, gather: bool,
                     world_size: int = 2, **loss_con) -> nn.Module:
    """A small PSPRecognizer in float64."""
    torch.manual_seed(3)
    model = MODELS.build(dict(
        type='PSPRecognizer',
        data_preprocessor=dict(
            type='MultiBranchPreprocessor',
            labeled=dict(type='ActionDataPreprocessor', to_float32=False)),
        backbone=dict(type='DSTANet', num_joints=JOINTS, num_heads=2,
                      blocks=[[4, 4, 2, 1], [4, 8, 2, 2]]),
        cls_head=dict(type='TwoStreamHead', num_classes=CLASSES,
                      in_channels=8),
        neck=dict(type='PyramidPolymerizingAttention', in_channels=8,
                  layout='nwucla', num_heads=2),
        projector=dict(type='PooledMLP', in_channels=8),
        loss_con=dict(type='CoarseToFineContrastiveLoss', gather=gather,
                      **loss_con)))
    model.double()
    # With biases, all features of so small a model are parallel.
    for name, value in model.named_parameters():
        if name.endswith('bias'):
            torch.nn.init.zeros_(value)
    if norm == 'none':
        remove_norms(model)
    if norm == 'frozen':
        with torch.no_grad():  # gives the norms something to remember
            model.backbone(draw_batch(world_size)['inputs']['labeled'][
                :, 0, ..., :3])
        model.eval()
    return model


def remove_norms(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.modules.batchnorm._BatchNorm):
            setattr(module, name, nn.Identity())
        remove_norms(child)


def draw_batch(world_size: int) -> dict:
    """A batch of all ranks."""
    torch.manual_seed(4)
    counts = dict(labeled=LABELED * world_size,
                  unlabeled=UNLABELED * world_size)
    return dict(
        inputs={branch: torch.randn(n, 1, 1, FRAMES, JOINTS, 6,
                                    dtype=torch.float64)
                for branch, n in counts.items()},
        data_samples={branch: [ActionDataSample().set_gt_label(i % CLASSES)
                               for i in range(n)]
                      for branch, n in counts.items()})


def share_of(data, rank: int, world_size: int):
    """A rank's share: every ``world_size``-th clip, as in samplers."""
    if isinstance(data, dict):
        return {k: share_of(x, rank, world_size) for k, x in data.items()}
    return data[rank::world_size]


def add_up(losses: Numbers) -> torch.Tensor:
    return sum(x for key, x in losses.items() if 'loss' in key)


def differentiate(model: nn.Module, **inputs) -> Tuple[Numbers, Numbers]:
    """Losses of a step and the gradient of every parameter."""
    losses = model(**inputs)
    add_up(losses).backward()
    return ({key: x.detach() for key, x in losses.items()},
            {name.replace('module.', ''): x.grad
             for name, x in model.named_parameters()})


def take_steps(model: nn.Module, batch: dict, steps: int = 3) -> Numbers:
    """Weights after some steps of MMEngine's optimiser, with momentum."""
    batch = dict(batch, inputs={  # clip by clip, as a loader gives them
        branch: list(clips) for branch, clips in batch['inputs'].items()})
    optimizer = OptimWrapper(
        torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9))
    for _ in range(steps):
        model.train_step(batch, optimizer)
    return {name.replace('module.', ''): x
            for name, x in model.state_dict().items()}
