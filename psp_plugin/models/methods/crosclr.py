"""CrosSCLR (Li et al., CVPR 2021)."""
from typing import Dict

import torch
from mmaction.registry import MODELS

from psp_plugin.errors import InputError

from ..recognizers.step import Step
from ..recognizers.two_stream import Streams
from .momentum_contrast import check_topk, positive_first
from .skeleton_clr import SkeletonCLR


@MODELS.register_module()
class CrosSCLR(SkeletonCLR):
    """SkeletonCLR in which each stream mines positives for the other one.

    The clips of the queue that are most similar to the query in one stream
    are positives of the query in the other stream, in addition to its own
    key. The context, the product of both streams' similarities, is contrasted
    in the same way. Before ``mining_start`` it is :class:`SkeletonCLR`.

    Source: Li et al. (arXiv 2104.14466), cross-view consistent knowledge
    mining, as the released ``net/crossclr.py`` computes it with
    ``context=True``: the loss is the mean of -log p over a query's
    positives. Departures: those of :class:`MomentumContrast`; neighbours are
    searched only among keys of clips, while theirs may be initial random
    vectors of the queue; the moving averages of both streams continue when
    the mining starts, while the released code stops that of the joint stream.

    Args:
        topk (int): Number of neighbours per stream. Defaults to 1.
        mining_start (float): The share of the training after which they are
            positives. Defaults to 0.5, 150 of 300 epochs.
        **kwargs: See :class:`MomentumContrast`.

    Raises:
        InputError: If ``topk`` is not in [1, queue_size], or ``mining_start``
            not in [0, 1].
    """

    name = 'crosclr'

    def __init__(self, topk: int = 1, mining_start: float = 0.5,
                 **kwargs) -> None:
        super().__init__(**kwargs)
        check_topk(self, topk)
        if not 0 <= mining_start <= 1:
            raise InputError('mining_start of CrosSCLR must be a share of the '
                             f'training in [0, 1], not {mining_start!r}')
        self.topk = topk
        self.mining_start = mining_start

    def contrast(self, queries: Streams, keys: Streams,
                 step: Step) -> Dict[str, torch.Tensor]:
        """Computes ``loss_crosclr_joint`` and ``loss_crosclr_motion``.

        Args:
            queries (Streams): (N, D) each.
            keys (Streams): (N, D) each.
            step (Step): Its ``progress`` is read.
        """
        if step.progress < self.mining_start:
            return super().contrast(queries, keys, step)
        similarities = Streams(*(query @ queue.t() for query, queue in zip(
            queries, self.queues)))  # (N, K)
        context = similarities.joint * similarities.motion
        filled = self.num_filled
        neighbours = Streams(*(
            x[:, :filled].topk(min(self.topk, filled)).indices
            for x in similarities))  # indices in the queue, (N, topk)
        losses = {}
        for stream, query, key, similarity, found in zip(
                Streams._fields, queries, keys, similarities,
                reversed(neighbours)):  # those of the other stream
            logits = positive_first(query, key,
                                    torch.cat((similarity, context), 1))
            first = found.new_zeros(len(found), 1)  # its own key
            positives = torch.cat(
                (first, 1 + found, 1 + self.queue_size + found), 1)
            log_p = (logits / self.temperature).log_softmax(1)
            losses[f'loss_{self.name}_{stream}'] = -log_p.gather(
                1, positives).mean()
        return losses
