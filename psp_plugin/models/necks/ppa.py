"""Pyramid Polymerizing Attention (PSP Learning, sections 3.2 and 3.3).

Shape legend: N batch, M person, C channel, T frame, S head, V joint, P part,
B body, K nodes of one level (V, P or B).
"""
from typing import Dict, Tuple, Union

import torch
import torch.nn as nn
from mmaction.registry import MODELS
from mmengine.model import BaseModule

from psp_plugin.skeletons import LEVELS, SkeletonPyramid, get_pyramid

Features = Dict[str, torch.Tensor]


class SkeletonPooling(nn.Module):
    """The pyramid generator of equation 2: joints to parts to bodies.

    Args:
        pyramid (SkeletonPyramid): The joint -> part -> body table.
        body_from (str): ``'part'``: a body is the mean of its parts (paper);
            ``'joint'``: the mean of its joints (released implementation).

    Raises:
        ValueError: If ``body_from`` is unknown.
    """

    def __init__(self, pyramid: SkeletonPyramid, body_from: str) -> None:
        super().__init__()
        if body_from not in ('part', 'joint'):
            raise ValueError(f"body_from must be 'part' or 'joint', not "
                             f'{body_from!r}')
        self.body_from = body_from
        owner = (
            pyramid.part_to_body
            if body_from == 'part' else pyramid.joint_to_body)
        self.register_buffer(
            'part_members', _members(pyramid.joint_to_part), persistent=False)
        self.register_buffer('body_members', _members(owner), persistent=False)

    def forward(self, x: torch.Tensor) -> Features:
        """Averages joint features (..., V) over parts and bodies, (..., K)."""
        part = _group_mean(x, self.part_members)
        finer = part if self.body_from == 'part' else x
        return dict(
            body=_group_mean(finer, self.body_members), part=part, joint=x)


def _members(owner: Tuple[int, ...]) -> torch.Tensor:
    """(K, G) matrix of ones where one of K members is in one of G groups."""
    return torch.nn.functional.one_hot(torch.tensor(owner)).float()


def _group_mean(x: torch.Tensor, members: torch.Tensor) -> torch.Tensor:
    """Averages (..., K) to (..., G) in the precision of x."""
    members = members.to(x.dtype)
    return x @ members / members.sum(0)


class LevelAttention(nn.Module):
    """Self-attention of one level: equations 3 and 4, and 5, 6 or 8.

    Args:
        channels (int): Number of channels C.
        num_heads (int): Number of heads S.
        scale (str): ``'sqrt'``: tanh(QK^T / sqrt(T C_e)) (paper, equation 4);
            ``'full'``: tanh(QK^T / (T C_e)) (released implementation).
    """

    def __init__(self, channels: int, num_heads: int, scale: str) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.exponent = 0.5 if scale == 'sqrt' else 1.
        self.query_key_value = nn.Conv2d(channels, 3 * channels, 1)
        self.feed_forward = nn.Sequential(
            nn.Conv2d(channels, channels, 1), nn.BatchNorm2d(channels))
        self.act = nn.LeakyReLU(0.1, inplace=True)

    def attend(self, x: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
        """Computes the level's own map and its values.

        Args:
            x (Tensor): (N, C, T, K).

        Returns:
            tuple[Tensor, Tensor]: The map (N, S, K, K) of equation 4, rows
            are queries, and the values (N, S, C_e T, K) of equation 3.
        """
        qkv = self.query_key_value(x)  # Eq. 3, (N, 3 S C_e, T, K)
        qkv = qkv.unflatten(1, (3 * self.num_heads, -1)).flatten(2, 3)
        query, key, value = qkv.chunk(3, dim=1)
        score = query.transpose(2, 3) @ key  # (N, S, K, K)
        return torch.tanh(score / query.size(2)**self.exponent), value  # Eq. 4

    def polymerize(self, x: torch.Tensor, value: torch.Tensor,
                   attention: torch.Tensor) -> torch.Tensor:
        """Equations 5, 6 and 8: sigma(Psi(concat(A V)) + x), (N, C, T, K)."""
        heads = value @ attention.transpose(2, 3)  # (N, S, C_e T, K)
        return self.act(self.feed_forward(heads.reshape(x.shape)) + x)


@MODELS.register_module()
class PyramidPolymerizingAttention(BaseModule):
    """Polymerizes attention from body to part to joint level.

    Source: PSP Learning (arXiv 2302.02327), equations 2 to 9. Departure: the
    weights W of equation 3 are C x C and shared by all frames, as in the
    released implementation; the paper's T C_e x T C would mix the frames. The
    paper does not define what the batch norms of Psi average over; here it is
    the batch of one call, and :class:`PSPRecognizer` makes one call per
    stream. ``scale='full'`` and ``body_from='joint'`` follow the released
    implementation as well.

    Args:
        in_channels (int): Number of channels C of the encoder.
        layout (str or dict): Joint layout: a name, or a custom table
            ``dict(parts=[[...]], bodies=[[...]])``, see
            :func:`psp_plugin.skeletons.get_pyramid`.
        num_heads (int): Number of heads S; must divide C. Defaults to 4.
        body_to_part (float): Lambda of equation 7. Defaults to 0.2.
        part_to_joint (float): Alpha of equation 9. Defaults to 0.12.
        body_to_joint (float): Beta of equation 9. Defaults to 0.24.
        scale (str): ``'sqrt'`` (equation 4) or ``'full'`` (released).
            Defaults to ``'sqrt'``.
        body_from (str): Whether a body is the mean of its parts, ``'part'``
            (section 3.2), or of its joints, ``'joint'`` (released). Defaults
            to ``'part'``.
        init_cfg (dict or list[dict], optional): Defaults to Kaiming (fan out)
            for convolutions.

    Raises:
        ValueError: If the layout is unknown or invalid, if ``scale`` or
            ``body_from`` is unknown, or if ``num_heads`` does not divide
            ``in_channels``.
    """

    def __init__(self,
                 in_channels: int,
                 layout: Union[str, dict],
                 num_heads: int = 4,
                 body_to_part: float = 0.2,
                 part_to_joint: float = 0.12,
                 body_to_joint: float = 0.24,
                 scale: str = 'sqrt',
                 body_from: str = 'part',
                 init_cfg: dict = dict(
                     type='Kaiming', layer='Conv2d', mode='fan_out')) -> None:
        super().__init__(init_cfg=init_cfg)
        if scale not in ('sqrt', 'full'):
            raise ValueError(f"scale must be 'sqrt' or 'full', not {scale!r}")
        if min(num_heads, in_channels) < 1 or in_channels % num_heads:
            raise ValueError(f'num_heads={num_heads} does not divide '
                             f'in_channels={in_channels}')
        self.in_channels = in_channels
        self.pyramid = get_pyramid(layout)
        self.body_to_part = body_to_part
        self.part_to_joint = part_to_joint
        self.body_to_joint = body_to_joint
        self.pooling = SkeletonPooling(self.pyramid, body_from)
        self.levels = nn.ModuleDict({
            level: LevelAttention(in_channels, num_heads, scale)
            for level in LEVELS
        })
        for name in ('joint_to_part', 'part_to_body', 'joint_to_body'):
            index = torch.tensor(getattr(self.pyramid, name))
            self.register_buffer(name, index, persistent=False)

    def forward(
        self,
        x: torch.Tensor,
        return_attention: bool = False
    ) -> Union[Features, Tuple[Features, Features]]:
        """Computes the polymerizing features of the three levels.

        Args:
            x (Tensor): Encoder features (N, M, C, T, V).
            return_attention (bool): Whether the maps are returned as well.
                Defaults to False.

        Returns:
            dict[str, Tensor]: By level ``'body'``, ``'part'``, ``'joint'``
            the features (N, M, C, T, K); with ``return_attention`` a tuple of
            it and of the maps A_z, A_{h,z}, A_{g,h,z}, (N, M, S, K, K) each.

        Raises:
            ValueError: If the numbers of joints or channels are not those of
                ``layout`` and ``in_channels``.
        """
        n, m = x.shape[:2]
        features, maps, values = self._attend(x)  # Eq. 2 to 4
        maps = self.polymerize_maps(maps)  # Eq. 7 and 9
        out = {
            level: self.levels[level].polymerize(
                features[level], values[level], maps[level]).unflatten(
                    0, (n, m))
            for level in LEVELS  # Eq. 5, 6, 8
        }
        if not return_attention:
            return out
        return out, {k: a.unflatten(0, (n, m)) for k, a in maps.items()}

    def own_maps(self, x: torch.Tensor) -> Features:
        """Computes the levels' own maps A_z, A_h and A_g, equation 4.

        No batch norm precedes them, so the call changes no statistics.

        Args:
            x (Tensor): Encoder features (N, M, C, T, V).

        Returns:
            dict[str, Tensor]: By level (N M, S, K, K), within (-1, 1).
        """
        return self._attend(x)[1]

    def _attend(self, x: torch.Tensor) -> Tuple[Features, Features, Features]:
        """Features, own maps and values of the levels, equations 2 to 4."""
        c, v = x.size(2), x.size(4)
        if c != self.in_channels:
            raise ValueError(
                f'this pyramid was built for {self.in_channels} channels, the '
                f'features have {c}: set in_channels={c}')
        if v != self.pyramid.num_joints:
            raise ValueError(
                f'layout {self.pyramid.name!r} has {self.pyramid.num_joints} '
                f'joints, the features have {v}: set layout to that of the '
                'data')
        features = self.pooling(x.flatten(0, 1))  # Eq. 2
        maps, values = {}, {}
        for level in LEVELS:
            maps[level], values[level] = self.levels[level].attend(
                features[level])
        return features, maps, values

    def polymerize_maps(self, maps: Features) -> Features:
        """Equations 7 and 9: adds the coarser maps to the finer ones.

        Args:
            maps (dict[str, Tensor]): The levels' own maps A_z, A_h and A_g,
                (N, S, K, K).

        Returns:
            dict[str, Tensor]: A_z, A_{h,z} and A_{g,h,z}. The joint map adds
            the part level's own map A_h, not the polymerized A_{h,z}.
        """
        body, part, joint = (maps[level] for level in LEVELS)
        return dict(
            body=body,
            part=part + self.body_to_part * _expand(body, self.part_to_body),
            joint=joint + self.part_to_joint *
            _expand(part, self.joint_to_part) +
            self.body_to_joint * _expand(body, self.joint_to_body))


def _expand(attention: torch.Tensor, owner: torch.Tensor) -> torch.Tensor:
    """v_{i,j} = w_{phi(i),phi(j)} of equation 7, by two index gathers."""
    return attention.index_select(-2, owner).index_select(-1, owner)
