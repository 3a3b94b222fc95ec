"""From polymerizing features to contrasting features (PSP, section 3.4)."""
from typing import Optional

import torch
import torch.nn as nn
from mmaction.registry import MODELS
from mmengine.model import BaseModule


@MODELS.register_module()
class PooledMLP(BaseModule):
    """Pools over persons, frames and nodes, then Linear-ReLU-Linear.

    Source: "Pooling and MLP" of PSP Learning, section 3.4; width and
    initialisation are those of the released implementation, which shares one
    MLP among all levels and streams. PyTorch's default biases are as large as
    the differences between clips: with them, the features of a small network
    can start so similar that the contrast collapses.

    Args:
        in_channels (int): Number of channels C'.
        hidden_channels (int, optional): Defaults to ``in_channels``.
        out_channels (int, optional): Number of channels C'' of the contrastive
            space. Defaults to ``in_channels``.
        init_cfg (dict or list[dict], optional): Defaults to Xavier's normal
            distribution, biases 0.
    """

    def __init__(self,
                 in_channels: int,
                 hidden_channels: Optional[int] = None,
                 out_channels: Optional[int] = None,
                 init_cfg: Optional[dict] = dict(
                     type='Xavier', layer='Linear',
                     distribution='normal')) -> None:
        super().__init__(init_cfg=init_cfg)
        self.in_channels = in_channels
        hidden_channels = hidden_channels or in_channels
        self.mlp = nn.Sequential(
            nn.Linear(in_channels, hidden_channels), nn.ReLU(),
            nn.Linear(hidden_channels, out_channels or in_channels))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps (N, M, C', T', K) to (N, C'')."""
        return self.mlp(x.mean((1, 3, 4)))
