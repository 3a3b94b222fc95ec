"""A pre-norm transformer block.

Shape legend: B sequence, L token, D channel, S head.
"""
from typing import Tuple

import torch
import torch.nn.functional as F
from mmcv.cnn.bricks import DropPath
from torch import nn

from psp_plugin.errors import InputError


class SelfAttention(nn.Module):
    """Multi-head self-attention.

    Args:
        embed_dims (int): Channels D.
        num_heads (int): Heads S, a divisor of D.
        fused (bool): Whether to use PyTorch's fused kernels, which do not
            store the L x L map. Defaults to True.

    Raises:
        InputError: If S does not divide D.
    """

    def __init__(self, embed_dims: int, num_heads: int,
                 fused: bool = True) -> None:
        super().__init__()
        self.fused = fused
        if min(num_heads, embed_dims) < 1 or embed_dims % num_heads:
            raise InputError(f'num_heads={num_heads} does not divide '
                             f'embed_dims={embed_dims}')
        self.num_heads = num_heads
        self.qkv = nn.Linear(embed_dims, 3 * embed_dims)
        self.proj = nn.Linear(embed_dims, embed_dims)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Computes attention, (B, L, D) to (B, L, D)."""
        query, key, value = self.heads(x)
        if self.fused:
            out = F.scaled_dot_product_attention(query, key, value)
        else:
            out = attention_map(query, key) @ value
        return self.proj(out.transpose(1, 2).flatten(2))

    def heads(self, x: torch.Tensor) -> Tuple[torch.Tensor, ...]:
        """Computes queries, keys and values, (B, S, L, D / S) each."""
        qkv = self.qkv(x).unflatten(2, (3, self.num_heads, -1))
        return qkv.permute(2, 0, 3, 1, 4).unbind(0)


def attention_map(query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
    """Computes softmax(q k^T / sqrt(D / S)), (B, S, L, L), rows sum to 1."""
    score = (query / query.size(-1)**0.5) @ key.transpose(2, 3)
    return score.softmax(-1)


class TransformerBlock(nn.Module):
    """x + MHSA(LN(x)), then x + MLP(LN(x)), each with drop path.

    Source: ViT as in MAE and MAMP; exact GELU, layer norms of eps 1e-5,
    biases in all layers. No departures.

    Args:
        embed_dims (int): Channels D.
        num_heads (int): Heads S, a divisor of D.
        mlp_ratio (float): Width of the MLP / D. Defaults to 4.
        drop_path (float): Probability that a sequence skips a branch.
            Defaults to 0.
        fused (bool): See :class:`SelfAttention`. Defaults to True.
    """

    def __init__(self,
                 embed_dims: int,
                 num_heads: int,
                 mlp_ratio: float = 4.,
                 drop_path: float = 0.,
                 fused: bool = True) -> None:
        super().__init__()
        width = int(mlp_ratio * embed_dims)
        self.norm1 = nn.LayerNorm(embed_dims)
        self.attn = SelfAttention(embed_dims, num_heads, fused)
        self.norm2 = nn.LayerNorm(embed_dims)
        self.mlp = nn.Sequential(
            nn.Linear(embed_dims, width), nn.GELU(),
            nn.Linear(width, embed_dims))
        self.drop_path = DropPath(drop_path) if drop_path else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Encodes tokens, (B, L, D) to (B, L, D)."""
        x = x + self.drop_path(self.attn(self.norm1(x)))
        return x + self.drop_path(self.mlp(self.norm2(x)))
