"""A plain implementation of PSP, which the fast path must agree with.

It follows the equations literally: channels first in memory, einsums over
heads and loops over nodes. The parameters are those of a
:class:`psp_plugin.models.PSPRecognizer`; only the encoder ``DSTANet`` with
``temporal='conv'`` is supported.

Shape legend: N batch, M person, T frame, V joint, C channel, S head, K nodes
of a level.
"""
from typing import Dict, List, Tuple

import torch
import torch.nn.functional as F

from psp_plugin.errors import InputError
from psp_plugin.models import DSTANet, PSPRecognizer
from psp_plugin.models.backbones.dsta import AttentionUnit
from psp_plugin.models.necks.ppa import (
    LevelAttention,
    PyramidPolymerizingAttention,
)
from psp_plugin.models.recognizers.two_stream import Streams
from psp_plugin.skeletons import LEVELS, SkeletonPyramid

Features = Dict[str, torch.Tensor]


class ReferencePath:
    """Encoder and contrast of :class:`PSPRecognizer`, implemented plainly.

    Args:
        model (PSPRecognizer): The model whose parameters are used.

    Raises:
        InputError: If the encoder is not ``DSTANet`` with
            ``temporal='conv'``, the neck is not
            ``PyramidPolymerizingAttention``, or absent persons are skipped.
    """

    def __init__(self, model: PSPRecognizer) -> None:
        backbone = model.backbone
        if type(backbone) is not DSTANet or backbone.num_frames:
            raise InputError('the reference path supports only DSTANet with '
                             "temporal='conv': leave it out of --modes")
        if model.with_neck and type(
                model.neck) is not PyramidPolymerizingAttention:
            raise InputError('the reference path supports only '
                             'PyramidPolymerizingAttention, not '
                             f'{type(model.neck).__name__}: leave it out of '
                             '--modes')
        if model.skip_absent_persons:
            raise InputError('the reference path does not support '
                             'skip_absent_persons: leave it out of --modes')
        self.model = model

    def encode(self, clips: Features) -> Dict[str, Streams]:
        """Returns the result of :meth:`PSPRecognizer.encode`."""
        pairs = [x.flatten(0, 1).chunk(2, dim=-1) for x in clips.values()]
        if self.model.stream_norm is not None:
            pairs = standardize(pairs)
        streams = [stream for pair in pairs for stream in pair]
        features = encode(self.model.backbone, torch.cat(streams))
        features = features.split([len(x) for x in streams])
        return {branch: Streams(*features[2 * i:2 * i + 2])
                for i, branch in enumerate(clips)}

    def contrast(self, features: Streams) -> Features:
        """Returns the result of :meth:`PSPRecognizer.contrast`, equations 2 to
        13."""
        model, loss = self.model, self.model.loss_con
        joint, motion = (polymerize(model.neck, x) for x in features)
        return {
            f'loss_con_{level}': loss.loss_weight * weight * nt_xent(
                model.projector(joint[level]), model.projector(motion[level]),
                loss.temperature)
            for level, weight in loss.level_weights.items()
        }


def standardize(pairs: List[Tuple[torch.Tensor, ...]]) -> List[list]:
    """Standardizes every coordinate of a stream, over all branches and the
    frames in which a person is present, as ``StreamNorm`` does in training.
    """
    present = [(joint != 0).any(-1, keepdim=True).any(-2, keepdim=True)
             for joint, _ in pairs]
    columns = []
    for stream in zip(*pairs):  # joint, then motion, per branch
        counted = torch.cat([x[mask[..., 0, 0]].flatten(0, -2)
                             for x, mask in zip(stream, present)])
        mean, deviation = counted.mean(0), counted.std(0, unbiased=False)
        columns.append([(x - mean) / deviation * mask
                        for x, mask in zip(stream, present)])
    return [list(pair) for pair in zip(*columns)]


def encode(backbone: DSTANet, x: torch.Tensor) -> torch.Tensor:
    """Encodes (N, M, T, V, C) to (N, M, C', T', V)."""
    n, m = x.shape[:2]
    x = x.permute(0, 1, 4, 2, 3).flatten(0, 1).contiguous()
    x = backbone.embed(x)
    for layer in backbone.layers:
        x = attend(layer, x) if isinstance(layer, AttentionUnit) else layer(x)
    return x.unflatten(0, (n, m))


def attend(unit: AttentionUnit, x: torch.Tensor) -> torch.Tensor:
    """Computes a unit of DSTA-Net, (N, C, T, V) to (N, C', T, V)."""
    n, _, t, v = x.shape
    maps, heads = unit.attention, unit.attention.num_heads
    qk = maps.query_key(x + maps.position[None, :, None])
    query, key = qk.view(n, 2 * heads, -1, t, v).chunk(2, dim=1)
    score = torch.einsum('nsctu,nsctv->nsuv', query, key)
    score = torch.tanh(score / (query.size(2) * t)) * maps.alpha
    score = score + maps.global_map
    y = torch.einsum('nctu,nsuv->nsctv', x, score).contiguous()
    y = unit.merge(y.view(n, -1, t, v))
    y = unit.act(unit.residual1(x) + y)
    return unit.act(unit.residual2(x) + unit.feed_forward(y))


def polymerize(neck: PyramidPolymerizingAttention,
               x: torch.Tensor) -> Features:
    """Computes pyramid polymerizing attention of (N, M, C, T, V), equations 2
    to 9."""
    n, m = x.shape[:2]
    features = pool(neck.pyramid, x.flatten(0, 1), neck.pooling.body_from)
    maps, values = {}, {}
    for level in LEVELS:
        maps[level], values[level] = attend_level(
            neck.levels[level], features[level])
    body, part, joint = (maps[level] for level in LEVELS)
    pyramid = neck.pyramid
    maps = dict(
        body=body,
        part=part + neck.body_to_part * spread(body, pyramid.part_to_body),
        joint=joint +
        neck.part_to_joint * spread(part, pyramid.joint_to_part) +
        neck.body_to_joint * spread(body, pyramid.joint_to_body))
    out = {}
    for level in LEVELS:
        unit, feature = neck.levels[level], features[level]
        y = torch.einsum('nsctk,nsqk->nsctq', values[level], maps[level])
        y = unit.feed_forward(y.reshape(feature.shape))
        out[level] = unit.act(y + feature).unflatten(0, (n, m))
    return out


def pool(pyramid: SkeletonPyramid, x: torch.Tensor,
         body_from: str) -> Features:
    """Averages joints to parts and bodies, equation 2."""
    part = torch.stack([x[..., list(members)].mean(-1)
                        for members in pyramid.parts], -1)
    finer, groups = ((part, pyramid.bodies) if body_from == 'part' else
                     (x, pyramid.body_joints))
    body = torch.stack([finer[..., list(members)].mean(-1)
                        for members in groups], -1)
    return dict(body=body, part=part, joint=x)


def attend_level(unit: LevelAttention,
                 x: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
    """Computes map (N, S, K, K) and values (N, S, C_e, T, K), equations 3 and
    4."""
    n, _, t, k = x.shape
    qkv = unit.query_key_value(x).view(n, 3 * unit.num_heads, -1, t, k)
    query, key, value = qkv.chunk(3, dim=1)
    score = torch.einsum('nsctp,nsctq->nspq', query, key)
    return torch.tanh(score / (query.size(2) * t)**unit.exponent), value


def spread(attention: torch.Tensor, owner: Tuple[int, ...]) -> torch.Tensor:
    """Expands a map to a finer level, pair by pair, equation 7."""
    rows = [torch.stack([attention[..., i, j] for j in owner], -1)
            for i in owner]
    return torch.stack(rows, -2)


def nt_xent(joint: torch.Tensor, motion: torch.Tensor,
            temperature: float) -> torch.Tensor:
    """Computes the contrastive loss, the mean over all 2N features, equation
    10."""
    features = torch.cat((joint, motion))
    features = features.to(torch.promote_types(features.dtype, torch.float32))
    features = F.normalize(features, dim=1)
    similarity = torch.exp(features @ features.t() / temperature)
    others = similarity.sum(1) - similarity.diagonal()
    positive = similarity.diagonal(len(joint))
    return -torch.log(torch.cat((positive, positive)) / others).mean()
