"""DSTA-Net, the encoder of PSP Learning.

Shi et al., "Decoupled Spatial-Temporal Attention Network for Skeleton-Based
Action-Gesture Recognition", ACCV 2020 (reference [21] of the PSP paper).

Shape legend: N batch, M person, T frame, V joint, C channel, S head.
"""
import math
from typing import Optional, Sequence, Tuple

import torch
import torch.nn as nn
from mmaction.registry import MODELS
from mmengine.model import BaseModule

LEAKY_SLOPE = 0.1
# (in, out, attention channels, temporal stride) per block, as released with
# PSP.
PSP_BLOCKS = ((64, 64, 16, 1), (64, 64, 16, 1), (64, 128, 32, 2),
              (128, 128, 32, 1), (128, 256, 64, 2), (256, 256, 64, 1),
              (256, 256, 64, 1), (256, 256, 64, 1))


def conv_bn(in_channels: int, out_channels: int, kernel: int = 1,
            stride: int = 1) -> nn.Sequential:
    """Builds a temporal convolution, per joint, and a batch norm."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, (kernel, 1), (stride, 1),
                  (kernel // 2, 0)), nn.BatchNorm2d(out_channels))


def sinusoidal_code(channels: int, length: int) -> torch.Tensor:
    """Position encoding of "Attention Is All You Need", (C, length).

    Even channels are sines, odd ones cosines.

    Raises:
        ValueError: If ``channels`` is odd.
    """
    if channels % 2:
        raise ValueError('the sinusoidal position encoding needs an even '
                         f'number of channels, not {channels}')
    rate = torch.exp(
        torch.arange(0, channels, 2) * (-math.log(10000.) / channels))
    angle = rate[:, None] * torch.arange(length)[None]
    return torch.stack((angle.sin(), angle.cos()), 1).flatten(0, 1)


class AttentionMap(nn.Module):
    """Multi-head tanh attention over one axis of a skeleton feature.

    ``A = alpha * tanh(Q K^T / size) + A_0`` with a learnt scale ``alpha`` and
    a learnt global map ``A_0`` per head; ``size`` is the length of the
    multiplied rows, as in DSTA-Net (no square root).

    Args:
        in_channels (int): Number of input channels C.
        channels (int): Channels of queries and keys of one head.
        num_heads (int): Number of heads S.
        length (int): Length of the attended axis, V (or T).
    """

    def __init__(self, in_channels: int, channels: int, num_heads: int,
                 length: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.register_buffer(
            'position', sinusoidal_code(in_channels, length), persistent=False)
        self.query_key = nn.Conv2d(in_channels, 2 * num_heads * channels, 1)
        self.alpha = nn.Parameter(torch.ones(num_heads, 1, 1))
        self.global_map = nn.Parameter(
            torch.full((num_heads, length, length), 1 / length))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Computes the maps.

        Args:
            x (Tensor): (N, C, L, V); attention is over the last axis.

        Returns:
            Tensor: (N, S, V, V), rows are queries.
        """
        qk = self.query_key(x + self.position[:, None])
        qk = qk.unflatten(1, (2 * self.num_heads, -1)).flatten(2, 3)
        query, key = qk.chunk(2, dim=1)  # (N, S, C'L, V) each
        score = query.transpose(2, 3) @ key / query.size(2)
        return self.alpha * score.tanh() + self.global_map


def attended(x: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
    """Applies the maps of all heads, y_v = sum_u x_u A_uv.

    One batched matrix product, whose result has the heads concatenated on the
    channels, in the memory format of ``x``, without a copy.

    Args:
        x (Tensor): (N, C, L, V).
        maps (Tensor): (N, S, V, V), rows are queries.

    Returns:
        Tensor: (N, SC, L, V).
    """
    n, c, length, v = x.shape
    if not x.is_contiguous(memory_format=torch.channels_last):
        heads = x.reshape(n, 1, c * length, v) @ maps  # (N, S, CL, V)
        return heads.reshape(n, -1, length, v)
    rows = maps.permute(0, 3, 1, 2).reshape(n, 1, -1, v)  # (N, 1, VS, V)
    heads = rows @ x.permute(0, 2, 3, 1)  # (N, L, VS, C)
    return heads.reshape(n, length, v, -1).permute(0, 3, 1, 2)


class AttentionUnit(nn.Module):
    """DSTA attention: map, merged heads, feed-forward, two residuals.

    As in DSTA-Net, the sum is over the queries (rows) of the map,
    ``y_v = sum_u x_u A_uv``.

    Args:
        in_channels (int): Number of input channels C.
        out_channels (int): Number of output channels C'.
        channels (int): Channels of queries and keys of one head.
        num_heads (int): Number of heads S.
        length (int): Length of the attended axis.
        project (bool): Whether the residuals are projected.
        stride (int): Stride over the attended axis. Defaults to 1.
    """

    def __init__(self, in_channels: int, out_channels: int, channels: int,
                 num_heads: int, length: int, project: bool,
                 stride: int = 1) -> None:
        super().__init__()
        self.stride = stride
        self.attention = AttentionMap(in_channels, channels, num_heads, length)
        self.merge = conv_bn(num_heads * in_channels, out_channels)
        self.feed_forward = conv_bn(out_channels, out_channels)
        self.residual1, self.residual2 = (
            conv_bn(in_channels, out_channels) if project else nn.Identity()
            for _ in range(2))
        self.act = nn.LeakyReLU(LEAKY_SLOPE, inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps (N, C, L, V) to (N, C', L, V / stride), attending over V."""
        y = self.merge(attended(x, self.attention(x)))
        y = self.act(self.residual1(x) + y)
        x, y = x[..., ::self.stride], y[..., ::self.stride]
        return self.act(self.residual2(x) + self.feed_forward(y))


class TemporalAttention(AttentionUnit):
    """The temporal attention of DSTA-Net, over the frames.

    As released, its global map is initialised to the identity, while that of
    the joints is initialised to 1 / V. The arguments are those of
    :class:`AttentionUnit`.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        start = self.attention.global_map.data
        start.copy_(torch.eye(start.size(-1)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps (N, C, T, V) to (N, C, T / stride, V)."""
        return super().forward(x.transpose(2, 3)).transpose(2, 3)


class TemporalConv(nn.Module):
    """7x1 temporal convolution, which replaces temporal attention.

    Source: the released implementations of PSP Learning and of DSTA-Net, both
    for NTU RGB+D. No departures.

    Args:
        channels (int): Number of channels C.
        stride (int): Stride over the frames.
        project (bool): Whether the residual is projected.
    """

    def __init__(self, channels: int, stride: int, project: bool) -> None:
        super().__init__()
        self.conv = conv_bn(channels, channels, kernel=7, stride=stride)
        self.residual = (
            conv_bn(channels, channels, stride=stride)
            if project else nn.Identity())
        self.act = nn.LeakyReLU(LEAKY_SLOPE, inplace=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Maps (N, C, T, V) to (N, C, T / stride, V)."""
        return self.act(self.residual(x) + self.conv(x))


@MODELS.register_module()
class DSTANet(BaseModule):
    """Decoupled spatial-temporal attention network.

    Source: Shi et al., ACCV 2020, in the form that PSP Learning uses (spatial
    attention, 7x1 temporal convolution); with ``temporal='attention'`` in
    DSTA-Net's decoupled form, with a global map over frames. Departs from the
    released implementations in the biases of convolutions, which are
    initialised to 0; ``init_cfg=dict(type='KaimingWeight', layer='Conv2d')``
    is theirs.

    Args:
        in_channels (int): Coordinates per joint. Defaults to 3.
        num_joints (int): Number of joints V. Defaults to 25.
        blocks (Sequence[tuple[int, int, int, int]]): Input channels, output
            channels, attention channels per head and temporal stride of every
            block. Defaults to the eight blocks released with PSP.
        num_heads (int): Number of attention heads S. Defaults to 4.
        temporal (str): ``'conv'`` (PSP) or ``'attention'`` (DSTA-Net).
            Defaults to ``'conv'``.
        num_frames (int, optional): Number of frames T, needed only for
            temporal attention. Defaults to None.
        channels_last (bool, optional): Whether the memory format is channels
            last, which is faster in half precision. In float32 on CPUs it is
            faster too, but PyTorch's batch norms are less precise in it.
            Defaults to None: under autocast.
        init_cfg (dict or list[dict], optional): Defaults to Kaiming (fan out)
            for convolutions, biases 0.

    Raises:
        ValueError: If ``temporal`` is unknown, if temporal attention lacks
            ``num_frames``, if a number is less than 1, or if a block's input
            channels are not the previous block's output channels.
    """

    def __init__(self,
                 in_channels: int = 3,
                 num_joints: int = 25,
                 blocks: Sequence[Tuple[int, int, int, int]] = PSP_BLOCKS,
                 num_heads: int = 4,
                 temporal: str = 'conv',
                 num_frames: Optional[int] = None,
                 channels_last: Optional[bool] = None,
                 init_cfg: Optional[dict] = dict(
                     type='Kaiming', layer='Conv2d', mode='fan_out')) -> None:
        super().__init__(init_cfg=init_cfg)
        if temporal not in ('conv', 'attention'):
            raise ValueError("temporal must be 'conv' or 'attention', not "
                             f'{temporal!r}')
        if temporal == 'attention' and num_frames is None:
            raise ValueError("temporal='attention' needs num_frames, the "
                             'length of the sampled clips')
        for name, value in dict(in_channels=in_channels, num_joints=num_joints,
                                blocks=len(blocks), num_heads=num_heads,
                                num_frames=num_frames).items():
            if value is not None and value < 1:
                raise ValueError(f'{name} must be at least 1, not {value}')
        self.in_channels = in_channels
        self.num_joints = num_joints
        self.channels_last = channels_last
        self.num_frames = num_frames if temporal == 'attention' else None
        self.embed = nn.Sequential(*conv_bn(in_channels, blocks[0][0]),
                                   nn.LeakyReLU(LEAKY_SLOPE, inplace=True))
        layers, channels, frames = [], blocks[0][0], num_frames
        for i, (inputs, outputs, att_channels, stride) in enumerate(blocks):
            if inputs != channels:
                raise ValueError(f'block {i} of blocks has {inputs} input '
                                 f'channels, but its input has {channels}: '
                                 f'set them to {channels}')
            project = inputs != outputs or stride != 1
            layers.append(
                AttentionUnit(inputs, outputs, att_channels, num_heads,
                              num_joints, project))
            if temporal == 'conv':
                layers.append(TemporalConv(outputs, stride, project))
            else:
                layers.append(
                    TemporalAttention(outputs, outputs, att_channels,
                                      num_heads, frames, project, stride))
                frames = math.ceil(frames / stride)
            channels = outputs
        self.layers = nn.Sequential(*layers)
        self.out_channels = channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Encodes skeletons.

        Args:
            x (Tensor): (N, M, T, V, C), the input of toolbox GCN backbones.

        Returns:
            Tensor: (N, M, C', T', V).

        Raises:
            ValueError: If the number of joints or coordinates (or, with
                temporal attention, frames) differs from that of the network.
        """
        n, m, t, v, c = x.shape
        if c != self.in_channels:
            raise ValueError(f'this DSTANet was built for {self.in_channels} '
                             f'coordinates, the data has {c}: set '
                             f'in_channels={c}')
        if v != self.num_joints:
            raise ValueError(f'this DSTANet was built for {self.num_joints} '
                             f'joints, the data has {v}: set num_joints={v}')
        if self.num_frames not in (None, t):
            raise ValueError(f'this DSTANet was built for {self.num_frames} '
                             f'frames, the clip has {t}: set num_frames={t}')
        last = self.channels_last
        if last is None:
            last = torch.is_autocast_enabled(x.device.type)
        x = x.flatten(0, 1).permute(0, 3, 1, 2).contiguous(
            memory_format=torch.channels_last
            if last else torch.contiguous_format)
        return self.layers(self.embed(x)).unflatten(0, (n, m))
