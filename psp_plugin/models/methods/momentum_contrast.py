"""Momentum contrast: queries against keys of a teacher and queues of keys.

Shape legend: N clips of the batch, K size of a queue, D channels of the
contrastive space.
"""
from typing import Dict, Optional

import torch
import torch.nn.functional as F
from mmengine.dist import all_gather
from mmengine.model import initialize
from torch import nn

from psp_plugin.errors import InputError

from ..necks import PooledMLP
from ..precision import at_least_float32
from ..recognizers.checks import channels_of
from ..recognizers.step import Step
from ..recognizers.two_stream import Streams, TwoStreamEncoding
from .base import UnlabeledMethod
from .teacher import Teacher


class KeyEncoder(TwoStreamEncoding, nn.Module):
    """Encoder and projector: maps clips to keys.

    It shares the modules that it is given.

    Args:
        model (nn.Module): The recognizer.
        projector (nn.Module): (N, M, C', T', V) to (N, D).
    """

    def __init__(self, model: nn.Module, projector: nn.Module) -> None:
        super().__init__()
        self.backbone = model.backbone
        self.stream_norm = model.stream_norm
        self.skip_absent_persons = model.skip_absent_persons
        self.projector = projector

    def forward(self, clips: torch.Tensor) -> Streams:
        """Maps clips (B, num_clips, M, T, V, 2C) to (N, D) per stream."""
        return project(self.encode(dict(clips=clips))['clips'],
                       self.projector)


class MomentumContrast(UnlabeledMethod):
    """Base class of methods that contrast queries with keys in a queue.

    Of every unlabelled clip, the strong view is the query and the weak view
    the key. Keys are computed by a moving average of encoder and projector.
    Each stream has a queue of the keys of the last batches of all processes;
    the same index of both queues belongs to the same clip.

    Source: the MoCo (He et al., arXiv 1911.05722) of SkeletonCLR (Li et al.,
    arXiv 2104.14466) and its released implementation. Departures: it is
    trained in one stage with the labelled clips; with
    ``cls_head=dict(loss_cls=dict(type='CrossEntropyLoss', loss_weight=0.))``
    it pre-trains without labels, as published. Both streams share one encoder
    and projector, and thus batch norm statistics; theirs have one each. The
    queries are encoded together with the labelled clips; the keys separately,
    as published. Their two views are augmented in the same way.

    Args:
        dim (int): D. Defaults to 128.
        queue_size (int): K. If it exceeds the number of unlabelled clips,
            every clip is among its own negatives; at three quarters of that
            number about a third of the clips are, since the order changes in
            every epoch. Defaults to 32768.
        temperature (float): Tau. Defaults to 0.07.
        decay (float): Decay of the moving average. Defaults to 0.999.
        loss_weight (float): Defaults to 1.
        ramp (dict, optional): Defaults to None, as published.

    Raises:
        InputError: If a number is not positive, or the decay not in [0, 1).
    """

    views = ('weak', 'strong')
    encoded = ('strong', )

    def __init__(self, dim: int = 128, queue_size: int = 32768,
                 temperature: float = 0.07, decay: float = 0.999,
                 loss_weight: float = 1.,
                 ramp: Optional[dict] = None) -> None:
        super().__init__(loss_weight, ramp)
        check_positive(self, dim=dim, queue_size=queue_size,
                       temperature=temperature)
        self.dim = dim
        self.queue_size = queue_size
        self.temperature = temperature
        self.decay = decay
        for stream in Streams._fields:
            queue = F.normalize(torch.randn(queue_size, dim), dim=1)
            self.register_buffer(f'queue_{stream}', queue)
        self.register_buffer('num_enqueued', torch.zeros((), dtype=torch.long))

    def attach(self, model: nn.Module) -> None:
        """Builds the projector and copies encoder and projector.

        Args:
            model (SemiSupervisedRecognizer): The student.
        """
        channels = channels_of(model.backbone) or model.cls_head.in_channels
        self.projector = PooledMLP(channels, out_channels=self.dim)
        initialize(self.projector, self.projector.init_cfg)
        self.teacher = Teacher(KeyEncoder(model, self.projector), self.decay,
                               warm_up=False)

    def forward(self, step: Step) -> Dict[str, torch.Tensor]:
        """Computes the losses, then enqueues the keys.

        Args:
            step (Step): The batch, with the view ``strong`` encoded.
        """
        self.teacher.update(KeyEncoder(step.model, self.projector))
        queries = project(step.features['strong'], self.projector)
        with torch.no_grad():
            keys = self.teacher.module(step.clips['weak'])
        with torch.autocast(keys.joint.device.type, enabled=False):
            losses = self.contrast(queries, keys, step)
        self.enqueue(keys)
        weight = self.weight(step)
        return {name: weight * loss for name, loss in losses.items()}

    def contrast(self, queries: Streams, keys: Streams,
                 step: Step) -> Dict[str, torch.Tensor]:
        """Computes the method's losses, before they are weighted.

        Args:
            queries (Streams): (N, D) each, of length 1, at least float32.
            keys (Streams): (N, D) each, of the same clips, without gradients.
            step (Step): The batch.

        Returns:
            dict[str, Tensor]: Losses by name.
        """
        raise NotImplementedError

    @property
    def queues(self) -> Streams:
        """Copies of both queues, (K, D) each."""
        return Streams(*(at_least_float32(getattr(self, f'queue_{stream}'))
                         .clone() for stream in Streams._fields))

    @property
    def num_filled(self) -> int:
        """Number of keys in a queue; they fill it from index 0.

        The other rows are the initial random vectors, which are negatives, as
        published, but never neighbours of a query.
        """
        return min(int(self.num_enqueued), self.queue_size)

    @torch.no_grad()
    def enqueue(self, keys: Streams) -> None:
        """Replaces the oldest keys by the keys of all processes.

        Args:
            keys (Streams): Those of this process, (N, D) each; N may differ
                between processes.
        """
        gathered = gather_rows(torch.cat(keys, 1))
        order = self.num_enqueued + torch.arange(
            len(gathered), device=gathered.device)
        rows = order[-self.queue_size:] % self.queue_size
        for stream, new in zip(Streams._fields, gathered.chunk(2, 1)):
            queue = getattr(self, f'queue_{stream}')
            queue[rows] = new[-self.queue_size:].to(queue.dtype)
        self.num_enqueued += len(gathered)


def project(features: Streams, projector: nn.Module) -> Streams:
    """Projects features onto the unit sphere of the contrastive space.

    Args:
        features (Streams): (N, M, C', T', V) each.
        projector (nn.Module): (N, M, C', T', V) to (N, D).

    Returns:
        Streams: (N, D) each, of length 1, at least float32.
    """
    return Streams(*(F.normalize(at_least_float32(projector(x)), dim=1)
                     for x in features))


def positive_first(query: torch.Tensor, key: torch.Tensor,
                   others: torch.Tensor) -> torch.Tensor:
    """Concatenates a query's similarity to its key with those to others.

    Args:
        query (Tensor): (N, D).
        key (Tensor): (N, D).
        others (Tensor): (N, K) similarities to other keys.

    Returns:
        Tensor: (N, 1 + K).
    """
    return torch.cat(((query * key).sum(1, keepdim=True), others), 1)


def info_nce(query: torch.Tensor, key: torch.Tensor, queue: torch.Tensor,
             temperature: float) -> torch.Tensor:
    """InfoNCE of queries with their keys against the keys of a queue.

    Source: equation 1 of MoCo (arXiv 1911.05722).

    Args:
        query (Tensor): (N, D) of length 1.
        key (Tensor): (N, D) of length 1, the positives.
        queue (Tensor): (K, D) of length 1, the negatives.
        temperature (float): Tau.

    Returns:
        Tensor: Scalar, the mean over the clips.
    """
    logits = positive_first(query, key, query @ queue.t()) / temperature
    return F.cross_entropy(logits, logits.new_zeros(len(logits)).long())


def gather_rows(x: torch.Tensor) -> torch.Tensor:
    """Concatenates the rows of all processes, by rank, without gradients.

    Args:
        x (Tensor): (N, D); N may differ between processes.
    """
    own = torch.tensor([len(x)], device=x.device)
    counts = torch.cat(all_gather(own)).tolist()
    padded = x.new_zeros(max(counts), x.size(1))
    padded[:len(x)] = x
    return torch.cat([rows[:n] for rows, n in zip(all_gather(padded),
                                                  counts)])


def check_positive(method: nn.Module, **numbers: float) -> None:
    """Checks that arguments of a method are positive.

    Args:
        method (nn.Module): The method, named in the error.
        **numbers (float): The arguments by name.

    Raises:
        InputError: If one is not positive.
    """
    for name, value in numbers.items():
        if not value > 0:
            raise InputError(f'{name} of {type(method).__name__} must be '
                             f'positive, not {value!r}')


def check_topk(method: MomentumContrast, topk: int) -> None:
    """Checks the number of neighbours.

    Args:
        method (MomentumContrast): The method, with its ``queue_size``.
        topk (int): The number.

    Raises:
        InputError: If it is not in [1, queue_size].
    """
    if not 1 <= topk <= method.queue_size:
        raise InputError(
            f'topk of {type(method).__name__} must be from 1 to queue_size, '
            f'{method.queue_size}, not {topk!r}')
