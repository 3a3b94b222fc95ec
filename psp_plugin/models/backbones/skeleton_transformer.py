"""The transformer over joints and patches of frames of HA-CM and MAMP.

Shape legend: N batch, M person, B sequence (one person of one clip), T frame,
P patch of frames, V joint, C coordinate, D channel, L token.
"""
from typing import List, Tuple, Union

import torch
from mmaction.registry import MODELS
from mmengine.model import BaseModule
from torch import nn

from psp_plugin.errors import InputError
from psp_plugin.skeletons import get_pyramid

from ..hyperbolic import exponential_map
from ..tokens import Tokens
from .encoder_weights import check_weights
from .transformer_block import TransformerBlock, attention_map

# For linear layers; convolutions keep PyTorch's default initialisation.
XAVIER = dict(type='Xavier', layer='Linear', distribution='uniform')


class PatchEmbedding(nn.Module):
    """One token per joint and patch of frames, with position embeddings.

    Args:
        in_channels (int): Coordinates C.
        embed_dims (int): Channels D.
        num_joints (int): Joints V that are tokens.
        num_patches (int): Patches of frames P.
        frames_per_token (int): Frames of a patch.
    """

    def __init__(self, in_channels: int, embed_dims: int, num_joints: int,
                 num_patches: int, frames_per_token: int) -> None:
        super().__init__()
        kernel = (frames_per_token, 1)
        self.conv = nn.Conv2d(in_channels, embed_dims, kernel, kernel)
        self.joint_code = nn.Parameter(torch.zeros(1, 1, num_joints,
                                                   embed_dims))
        self.time_code = nn.Parameter(torch.zeros(1, num_patches, 1,
                                                  embed_dims))
        for code in (self.joint_code, self.time_code):
            nn.init.trunc_normal_(code, std=.02)

    def patches(self, x: torch.Tensor) -> torch.Tensor:
        """Embeds (B, T, V, C) without positions: (B, P, V, D)."""
        return self.conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Embeds (B, T, V, C) of the token joints: (B, P, V, D)."""
        return self.patches(x) + self.joint_code + self.time_code


@MODELS.register_module()
class SkeletonTransformer(BaseModule):
    """Transformer encoder of skeletons: a token per joint and few frames.

    Source: HA-CM (arXiv 2409.17951), whose tokens are mapped into the
    Poincare ball, and MAMP (arXiv 2308.07092), with ``hyperbolic=False``.
    Departs from HA-CM in clamping norms to 1 - 1e-5
    (:func:`psp_plugin.models.hyperbolic.exponential_map`).

    Loading a checkpoint whose encoder weights are missing or have another
    shape raises an error, however it is loaded. Only the time embedding for
    another number of patches is interpolated.

    Args:
        layout (str or dict): Joint layout, see
            :func:`psp_plugin.skeletons.get_pyramid`. Its ``inner`` joints are
            the root of the joint hierarchy.
        num_frames (int): Frames T of a clip, a multiple of
            ``frames_per_token``.
        in_channels (int): Coordinates C, including a score. Defaults to 3.
        frames_per_token (int): Frames of a patch. Defaults to 3.
        embed_dims (int): Channels D. Defaults to 256.
        depth (int): Number of blocks. Defaults to 8.
        num_heads (int): Defaults to 8.
        mlp_ratio (float): Width of the MLPs / D. Defaults to 4.
        drop_path_rate (float): Rate of the last block, growing linearly from
            0 at the first. Defaults to 0.
        tokens (str): ``'outer'``: the inner joints are left out, as in HA-CM;
            ``'all'``: every joint is a token, as heads and necks with a joint
            layout need. Defaults to ``'outer'``.
        hyperbolic (bool): Whether tokens are mapped into the ball. Defaults
            to True.
        fused (bool): Whether PyTorch's fused kernels compute the attention;
            in bfloat16 a CPU trains faster without them, see
            docs/results/speed.md. Defaults to True.
        frozen (bool): Whether the encoder is not trained and stays in
            evaluation mode, for linear evaluation. Defaults to False.
        init_cfg (dict or list[dict], optional): Defaults to Xavier's uniform
            distribution for linear layers; ``dict(type='Pretrained',
            checkpoint=..., prefix='backbone.')`` loads a pre-trained encoder.

    Attributes:
        token_joints (tuple[int]): The joints of the features, in order.
        out_channels (int): D.

    Raises:
        InputError: If an argument is invalid.
    """

    def __init__(self,
                 layout: Union[str, dict],
                 num_frames: int,
                 in_channels: int = 3,
                 frames_per_token: int = 3,
                 embed_dims: int = 256,
                 depth: int = 8,
                 num_heads: int = 8,
                 mlp_ratio: float = 4.,
                 drop_path_rate: float = 0.,
                 tokens: str = 'outer',
                 hyperbolic: bool = True,
                 fused: bool = True,
                 frozen: bool = False,
                 init_cfg: Union[dict, List[dict], None] = XAVIER) -> None:
        super().__init__(init_cfg=init_cfg)
        if tokens not in ('outer', 'all'):
            raise InputError(f"tokens must be 'outer' or 'all', not "
                             f'{tokens!r}')
        if min(num_frames, frames_per_token, depth, in_channels) < 1 or (
                num_frames % frames_per_token):
            raise InputError(
                f'num_frames={num_frames} is not a multiple of '
                f'frames_per_token={frames_per_token}, or depth={depth} or '
                f'in_channels={in_channels} is not positive')
        pyramid = get_pyramid(layout)
        self.num_joints = pyramid.num_joints
        self.token_joints = (
            tuple(range(pyramid.num_joints))
            if tokens == 'all' else pyramid.outer)
        # Without inner joints the root is the mean of all.
        self.root_joints = pyramid.inner or tuple(range(pyramid.num_joints))
        self.num_frames = num_frames
        self.num_patches = num_frames // frames_per_token
        self.in_channels = in_channels
        self.out_channels = embed_dims
        self.depth = depth
        self.hyperbolic = hyperbolic
        self.frozen = frozen
        self.patch_embed = PatchEmbedding(in_channels, embed_dims,
                                          len(self.token_joints),
                                          self.num_patches, frames_per_token)
        rates = torch.linspace(0, drop_path_rate, depth).tolist()
        self.blocks = nn.ModuleList(
            TransformerBlock(embed_dims, num_heads, mlp_ratio, rate, fused)
            for rate in rates)
        self.norm = nn.LayerNorm(embed_dims)
        # Public only since PyTorch 2.5.
        self._register_load_state_dict_pre_hook(check_weights,
                                                with_module=True)
        if frozen:
            self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> 'SkeletonTransformer':
        """Sets the mode; a frozen encoder stays in evaluation mode."""
        return super().train(mode and not self.frozen)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Encodes all tokens of skeletons.

        Args:
            x (Tensor): (N, M, T, V, C), the input of toolbox GCN backbones.

        Returns:
            Tensor: (N, M, D, P, V') for the V' joints of ``token_joints``.

        Raises:
            InputError: If the number of frames, joints or coordinates differs
                from that of the encoder.
        """
        n, m = x.shape[:2]
        tokens = self.embed(x.flatten(0, 1))
        features = self.encode(tokens.flatten(1, 2))
        features = features.unflatten(1, tokens.shape[1:3])
        return features.permute(0, 3, 1, 2).unflatten(0, (n, m))

    def embed(self, x: torch.Tensor) -> torch.Tensor:
        """Embeds the joints that are tokens.

        Args:
            x (Tensor): (B, T, V, C).

        Returns:
            Tensor: (B, P, V', D) with joint and time embedding, in Euclidean
            space.
        """
        self._check(x)
        return self.patch_embed(take_joints(x, self.token_joints))

    def tokenize(self, x: torch.Tensor) -> Tokens:
        """Computes tokens, and the clips and roots that masking needs.

        Args:
            x (Tensor): (B, T, V, C).

        Returns:
            Tokens: Clips, Euclidean tokens and roots.
        """
        self._check(x)
        clips = take_joints(x, self.token_joints)
        euclid = self.patch_embed(clips)
        with torch.no_grad():  # masking is not differentiable
            inner = self.patch_embed.patches(take_joints(x, self.root_joints))
            root = exponential_map(inner).mean(2)
        return Tokens(clips, euclid, root)

    def encode(self, tokens: torch.Tensor) -> torch.Tensor:
        """Encodes some or all tokens of a sequence.

        Args:
            tokens (Tensor): (B, L, D), computed by :meth:`embed`.

        Returns:
            Tensor: (B, L, D), after the final layer norm.
        """
        x = exponential_map(tokens) if self.hyperbolic else tokens
        for block in self.blocks:
            x = block(x)
        return self.norm(x)

    def attention(self, x: torch.Tensor, block: int = -1) -> torch.Tensor:
        """Computes the attention of one block, for visualisation.

        Args:
            x (Tensor): (N, M, T, V, C).
            block (int): Index of the block. Defaults to -1, the last.

        Returns:
            Tensor: (N, M, S, P V', P V'), rows are queries and sum to 1.
        """
        n, m = x.shape[:2]
        tokens = self.embed(x.flatten(0, 1)).flatten(1, 2)
        tokens = exponential_map(tokens) if self.hyperbolic else tokens
        last = range(self.depth)[block]
        for before in self.blocks[:last]:
            tokens = before(tokens)
        chosen = self.blocks[last]
        query, key, _ = chosen.attn.heads(chosen.norm1(tokens))
        return attention_map(query, key).unflatten(0, (n, m))

    def get_layer_depth(self, name: str) -> Tuple[int, int]:
        """Returns the layer of a parameter, for layer-wise learning rates.

        Args:
            name (str): Its name in the encoder.

        Returns:
            tuple[int, int]: The layer: 0 for the embeddings, i + 1 for block
            i, depth + 1 for the final norm; and the number of layers,
            depth + 2.
        """
        if name.startswith('patch_embed.'):
            layer = 0
        elif name.startswith('blocks.'):
            layer = int(name.split('.')[1]) + 1
        else:
            layer = self.depth + 1
        return layer, self.depth + 2

    def _check(self, x: torch.Tensor) -> None:
        for name, wanted, given in (
            ('num_frames', self.num_frames, x.size(1)),
            ('layout', self.num_joints, x.size(2)),
            ('in_channels', self.in_channels, x.size(3)),
        ):
            if wanted != given:
                what = dict(num_frames='frames', layout='joints',
                            in_channels='coordinates')[name]
                raise InputError(
                    f'this SkeletonTransformer was built for {wanted} {what}, '
                    f'the clips have {given}: set {name} to that of the data')


def take_joints(x: torch.Tensor, joints: Tuple[int, ...]) -> torch.Tensor:
    """Selects joints of (B, T, V, C), in order: (B, T, V', C)."""
    if joints == tuple(range(x.size(2))):
        return x
    return x[:, :, list(joints)]
