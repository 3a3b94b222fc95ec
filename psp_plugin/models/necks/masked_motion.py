"""The decoder of masked pre-training.

Shape legend: B sequence (one person of one clip), P patch of frames, V joint,
D channel, K visible token.
"""
from typing import List, Union

import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import nn

from ..backbones.skeleton_transformer import XAVIER
from ..backbones.transformer_block import TransformerBlock


@MODELS.register_module()
class MaskedMotionDecoder(BaseModule):
    """Predicts every token's motion from the visible tokens.

    A mask token replaces each masked token; the decoder adds its own joint
    and time embeddings to all tokens.

    Source: HA-CM (arXiv 2409.17951) and MAMP (arXiv 2308.07092). Departs from
    the released HA-CM, whose decoder permutes visible tokens: here each keeps
    its position.

    Args:
        in_channels (int): Channels D of the encoder.
        out_channels (int): Values predicted per token: frames of a patch
            times coordinates.
        num_joints (int): Joints V that are tokens.
        num_patches (int): Patches of frames P.
        embed_dims (int): Channels of the decoder. Defaults to 256.
        depth (int): Number of blocks. Defaults to 3.
        num_heads (int): Defaults to 8.
        mlp_ratio (float): Width of the MLPs / ``embed_dims``. Defaults to 4.
        fused (bool): See :class:`SkeletonTransformer`. Defaults to True.
        init_cfg (dict or list[dict], optional): Defaults to Xavier's uniform
            distribution for linear layers.
    """

    def __init__(self,
                 in_channels: int,
                 out_channels: int,
                 num_joints: int,
                 num_patches: int,
                 embed_dims: int = 256,
                 depth: int = 3,
                 num_heads: int = 8,
                 mlp_ratio: float = 4.,
                 fused: bool = True,
                 init_cfg: Union[dict, List[dict], None] = XAVIER) -> None:
        super().__init__(init_cfg=init_cfg)
        self.embed = nn.Linear(in_channels, embed_dims)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, embed_dims))
        self.joint_code = nn.Parameter(
            torch.zeros(1, 1, num_joints, embed_dims))
        self.time_code = nn.Parameter(
            torch.zeros(1, num_patches, 1, embed_dims))
        for table in (self.mask_token, self.joint_code, self.time_code):
            nn.init.trunc_normal_(table, std=.02)
        self.blocks = nn.ModuleList(
            TransformerBlock(embed_dims, num_heads, mlp_ratio, fused=fused)
            for _ in range(depth))
        self.norm = nn.LayerNorm(embed_dims)
        self.predict = nn.Linear(embed_dims, out_channels)

    def forward(self, latent: torch.Tensor,
                visible: torch.Tensor) -> torch.Tensor:
        """Predicts the motion of all tokens.

        Args:
            latent (Tensor): (B, K, D) encoded visible tokens.
            visible (Tensor): (B, K) their indices p V + v.

        Returns:
            Tensor: (B, P V, out_channels), in the order of the indices.
        """
        x = self.restore(self.embed(latent), visible)
        for block in self.blocks:
            x = block(x)
        return self.predict(self.norm(x))

    def restore(self, tokens: torch.Tensor,
                visible: torch.Tensor) -> torch.Tensor:
        """Scatters tokens (B, K, D) and adds embeddings: (B, P V, D)."""
        code = (self.time_code + self.joint_code).flatten(1, 2)
        x = self.mask_token.expand(len(tokens), code.size(1), -1)
        index = visible.unsqueeze(-1).expand_as(tokens)
        return x.scatter(1, index, tokens.to(x.dtype)) + code
