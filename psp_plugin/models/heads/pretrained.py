"""The classifiers of MAMP and HA-CM on a pre-trained encoder.

Shape legend: N batch, M person, C channel, T patch of frames, V joint.
"""
import torch
from mmaction.models.heads import BaseHead
from mmaction.registry import MODELS
from torch import nn

from psp_plugin.errors import InputError

from ..precision import at_least_float32


@MODELS.register_module()
class LinearProbeHead(BaseHead):
    """Linear evaluation: mean, batch norm without affine, one linear layer.

    Source: HA-CM (arXiv 2409.17951) and MAMP (arXiv 2308.07092), after MAE.
    No departures. Freeze the encoder (``SkeletonTransformer(frozen=True)``):
    this head does not stop gradients.

    Args:
        num_classes (int): Number of classes.
        in_channels (int): Channels C of the features.
        loss_cls (dict): Defaults to ``dict(type='CrossEntropyLoss')``.
        average_clips (str): How the test clips of a sample are merged.
            Defaults to ``'prob'``.
        init_cfg (dict): Defaults to a truncated normal distribution of
            standard deviation 0.01.
        **kwargs: Arguments of the toolbox's ``BaseHead``.

    Raises:
        InputError: If a training batch has only one clip.
    """

    def __init__(self,
                 num_classes: int,
                 in_channels: int,
                 loss_cls: dict = dict(type='CrossEntropyLoss'),
                 average_clips: str = 'prob',
                 init_cfg: dict = dict(
                     type='TruncNormal', layer='Linear', std=0.01),
                 **kwargs) -> None:
        super().__init__(num_classes, in_channels, loss_cls=loss_cls,
                         average_clips=average_clips, init_cfg=init_cfg,
                         **kwargs)
        self.norm = nn.BatchNorm1d(in_channels, eps=1e-6, affine=False)
        self.fc = nn.Linear(in_channels, num_classes)

    def forward(self, x: torch.Tensor, **kwargs) -> torch.Tensor:
        """Classifies (N, M, C, T, V): logits (N, num_classes)."""
        check_batch(self, x)
        return at_least_float32(self.fc(self.norm(x.mean((1, 3, 4)))))


@MODELS.register_module()
class JointMLPHead(BaseHead):
    """Fine-tuning: an MLP on the concatenated features of all joints.

    Dropout, mean over frames, concatenation of joints, mean over persons,
    linear layer, batch norm, ReLU, linear layer.

    Source: HA-CM (arXiv 2409.17951) and MAMP (arXiv 2308.07092). Departs from
    them in the initialisation, which is Xavier's there. Most of its
    parameters, V C hidden_channels, are in the first layer; the toolbox's
    ``GCNHead``, which averages joints, is smaller, for few labels.

    Args:
        num_classes (int): Number of classes.
        in_channels (int): Channels C of the features.
        num_joints (int): Joints V of the features.
        hidden_channels (int): Defaults to 2048.
        dropout (float): Defaults to 0.3.
        loss_cls (dict): Defaults to ``dict(type='CrossEntropyLoss')``.
        average_clips (str): How the test clips of a sample are merged.
            Defaults to ``'prob'``.
        init_cfg (dict): Defaults to a truncated normal distribution of
            standard deviation 0.02.
        **kwargs: Arguments of the toolbox's ``BaseHead``, such as
            ``label_smooth_eps``.

    Raises:
        InputError: If the features have another number of joints, or if a
            training batch has only one clip.
    """

    def __init__(self,
                 num_classes: int,
                 in_channels: int,
                 num_joints: int,
                 hidden_channels: int = 2048,
                 dropout: float = 0.3,
                 loss_cls: dict = dict(type='CrossEntropyLoss'),
                 average_clips: str = 'prob',
                 init_cfg: dict = dict(
                     type='TruncNormal', layer='Linear', std=0.02),
                 **kwargs) -> None:
        super().__init__(num_classes, in_channels, loss_cls=loss_cls,
                         average_clips=average_clips, init_cfg=init_cfg,
                         **kwargs)
        self.num_joints = num_joints
        self.dropout = nn.Dropout(dropout)
        self.hidden = nn.Sequential(
            nn.Linear(num_joints * in_channels, hidden_channels),
            nn.BatchNorm1d(hidden_channels), nn.ReLU(inplace=True))
        self.fc = nn.Linear(hidden_channels, num_classes)

    def forward(self, x: torch.Tensor, **kwargs) -> torch.Tensor:
        """Classifies (N, M, C, T, V): logits (N, num_classes)."""
        if x.size(4) != self.num_joints:
            raise InputError(
                f'this JointMLPHead was built for {self.num_joints} joints, '
                f'the features have {x.size(4)}: set '
                f'cls_head=dict(num_joints={x.size(4)})')
        check_batch(self, x)
        x = self.dropout(x).mean(3)  # N, M, C, V
        x = x.transpose(2, 3).flatten(2).mean(1)  # N, V C
        return at_least_float32(self.fc(self.hidden(x)))


def check_batch(head: nn.Module, x: torch.Tensor) -> None:
    """Checks that a training batch has several clips for the batch norm.

    Raises:
        InputError: If a head in training mode gets a single clip.
    """
    if head.training and len(x) == 1:
        raise InputError(
            f'a batch of one clip cannot train {type(head).__name__}, which '
            'has a batch norm: set drop_last=True in train_dataloader, or '
            'another batch_size')
