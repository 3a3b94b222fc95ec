"""CMD (Mao et al., ECCV 2022)."""
from typing import Dict

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS

from ..recognizers.step import Step
from ..recognizers.two_stream import Streams
from .momentum_contrast import check_positive, check_topk
from .skeleton_clr import SkeletonCLR


@MODELS.register_module()
class CMD(SkeletonCLR):
    """SkeletonCLR with distillation of similarities between the streams.

    The similarities of one stream's key to its nearest keys in the queue are
    the teacher; the student is the other stream's query and its similarities
    to the same clips in that stream's queue.

    Source: Mao et al. (arXiv 2208.12448), cross-modal mutual distillation, as
    the released ``moco/builder_cmd.py`` computes it, with the values of its
    NTU training script. Departures: those of :class:`MomentumContrast`; there
    is no bone stream, thus two distillations, not six; while the queue is not
    full, neighbours are searched only among keys of clips, while theirs may
    be initial random vectors.

    Args:
        topk (int): Number of neighbours. Defaults to 8192.
        teacher_temperature (float): Temperature of the key's similarities.
            Defaults to 0.05.
        student_temperature (float): Temperature of the query's similarities.
            Defaults to 0.1.
        queue_size (int): Defaults to 16384.
        **kwargs: See :class:`MomentumContrast`.

    Raises:
        InputError: If ``topk`` is not in [1, queue_size], or a temperature
            not positive.
    """

    name = 'cmd'

    def __init__(self, topk: int = 8192, teacher_temperature: float = 0.05,
                 student_temperature: float = 0.1, queue_size: int = 16384,
                 **kwargs) -> None:
        super().__init__(queue_size=queue_size, **kwargs)
        check_topk(self, topk)
        check_positive(self, teacher_temperature=teacher_temperature,
                       student_temperature=student_temperature)
        self.topk = topk
        self.teacher_temperature = teacher_temperature
        self.student_temperature = student_temperature

    def contrast(self, queries: Streams, keys: Streams,
                 step: Step) -> Dict[str, torch.Tensor]:
        """Computes SkeletonCLR's losses and ``loss_cmd_distill``.

        Args:
            queries (Streams): (N, D) each.
            keys (Streams): (N, D) each.
            step (Step): The batch.
        """
        losses = super().contrast(queries, keys, step)
        known = [queue[:self.num_filled] for queue in self.queues]
        of_keys = [key @ queue.t() for key, queue in zip(keys, known)]
        of_queries = [query @ queue.t()
                      for query, queue in zip(queries, known)]
        losses['loss_cmd_distill'] = sum(  # joint to motion, and back
            self.distill(teacher, student)
            for teacher, student in zip(of_keys, reversed(of_queries)))
        return losses

    def distill(self, teacher: torch.Tensor,
                student: torch.Tensor) -> torch.Tensor:
        """Computes the KL divergence over the teacher's nearest neighbours.

        Args:
            teacher (Tensor): (N, K) similarities of a key to its queue.
            student (Tensor): (N, K) similarities of the other stream's query
                to the queue of that stream.

        Returns:
            Tensor: Scalar, the mean over the clips.
        """
        nearest = teacher.topk(min(self.topk, teacher.size(1)))
        target = (nearest.values / self.teacher_temperature).softmax(1)
        student = student.gather(1, nearest.indices)
        student = (student / self.student_temperature).log_softmax(1)
        return F.kl_div(student, target, reduction='batchmean')
