"""What contrasts against a queue of a teacher's keys have in common.

Shape legend: N clips of the batch, K places of a queue, D channels of the
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
    """From clips to keys. Made from the recognizer's modules, it shares them.

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
        """Maps clips (B, num_clips, M, T, V, 2C) to (N, D) of both streams."""
        return project(self.encode(dict(clips=clips))['clips'],
                       self.projector)


class MomentumContrast(UnlabeledMethod):
    """Base of the methods that contrast queries with keys and a queue of keys.

    Of every unlabelled clip, the strong view is the query and the weak view
    the key. The keys come from a moving average of encoder and projector.
    Joint and motion have a queue each, of the keys of the last batches in all
    processes; the same place of both belongs to the same clip.

    Source: the MoCo (He et al., arXiv 1911.05722) of SkeletonCLR (Li et al.,
    arXiv 2104.14466) and its released implementation. Departures: it is
    trained in one stage with the labelled clips; with
    ``cls_head=dict(loss_cls=dict(type='CrossEntropyLoss', loss_weight=0.))``
    it pre-trains without labels, as published. Both streams share encoder and
    projector, theirs have one each, and thus the statistics of a batch norm.
    The queries go through the encoder together with the labelled clips; the
    keys alone, as published. Their two views are drawn alike.

    Args:
        dim (int): D. Defaults to 128.
        queue_size (int): K; with more places than unlabelled clips, every
            clip is among its own negatives, with three quarters of it about a
            third of them, since the order is drawn anew in every epoch.
            Defaults to 32768.
        temperature (float): Tau. Defaults to 0.07.
        decay (float): Of the moving average. Defaults to 0.999.
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
        """Computes the losses, then puts the keys into the queues.

        Args:
            step (Step): The batch, the view ``strong`` encoded.
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
        """Computes the method's losses, without their weight.

        Args:
            queries (Streams): (N, D) each, of length 1, at least float32.
            keys (Streams): The same clips', without gradients.
            step (Step): The batch.
        """
        raise NotImplementedError

    @property
    def queues(self) -> Streams:
        """Both queues, (K, D) each, as they are now."""
        return Streams(*(at_least_float32(getattr(self, f'queue_{stream}'))
                         .clone() for stream in Streams._fields))

    @property
    def num_filled(self) -> int:
        """How many places of a queue, the first ones, hold a key.

        The others hold the random vectors of the beginning, which are
        negatives, as published, but nobody's neighbours.
        """
        return min(int(self.num_enqueued), self.queue_size)

    @torch.no_grad()
    def enqueue(self, keys: Streams) -> None:
        """Lets the keys of all processes take the places of the oldest ones.

        Args:
            keys (Streams): Of this process, (N, D) each; the N may differ.
        """
        gathered = gather_rows(torch.cat(keys, 1))
        order = self.num_enqueued + torch.arange(
            len(gathered), device=gathered.device)
        places = order[-self.queue_size:] % self.queue_size
        for stream, new in zip(Streams._fields, gathered.chunk(2, 1)):
            queue = getattr(self, f'queue_{stream}')
            queue[places] = new[-self.queue_size:].to(queue.dtype)
        self.num_enqueued += len(gathered)


def project(features: Streams, projector: nn.Module) -> Streams:
    """Maps features to the unit sphere of the contrastive space.

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
    """Lays a query's similarity to its own key beside those to others.

    Args:
        query (Tensor): (N, D).
        key (Tensor): (N, D).
        others (Tensor): (N, K), similarities already.

    Returns:
        Tensor: (N, 1 + K).
    """
    return torch.cat(((query * key).sum(1, keepdim=True), others), 1)


def info_nce(query: torch.Tensor, key: torch.Tensor, queue: torch.Tensor,
             temperature: float) -> torch.Tensor:
    """Tells a query's key from the keys of the queue.

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
        x (Tensor): (N, D); the N may differ.
    """
    own = torch.tensor([len(x)], device=x.device)
    counts = torch.cat(all_gather(own)).tolist()
    padded = x.new_zeros(max(counts), x.size(1))
    padded[:len(x)] = x
    return torch.cat([rows[:n] for rows, n in zip(all_gather(padded),
                                                  counts)])


def check_positive(method: nn.Module, **numbers: float) -> None:
    """Checks arguments of a method.

    Args:
        method (nn.Module): Named in the error.
        **numbers (float): By the names of the arguments.

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
        method (MomentumContrast): It knows the size of its queues.
        topk (int): The number.

    Raises:
        InputError: If a queue has not as many places, or if it is none.
    """
    if not 1 <= topk <= method.queue_size:
        raise InputError(
            f'topk of {type(method).__name__} must be from 1 to queue_size, '
            f'{method.queue_size}, not {topk!r}')
