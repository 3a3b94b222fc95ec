"""Virtual adversarial training (Miyato et al., TPAMI 2019).

Shape legend: N clip (samples x clips per sample), M person, T frame,
V joint, C coordinate.
"""
from contextlib import contextmanager
from typing import Dict, Iterator, Optional

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from torch import nn
from torch.backends import cuda, cudnn

from psp_plugin.errors import InputError

from ..precision import at_least_float32
from ..recognizers.step import Step
from .base import UnlabeledMethod
from .statistics import frozen_statistics


@MODELS.register_module()
class VAT(UnlabeledMethod):
    """Consistency of predictions under the worst small displacement of joints.

    Joints are displaced, and their motion by the displacement's difference
    to the next sampled frame. That is the effect of a real displacement on
    clips whose frames are consecutive and whose streams show the same view.
    If only a share of the frames is sampled, or with ``StreamsApart``, the
    motion stream is displaced independently, and strongly relative to its
    scale: see docs/methods/compared.md. Joints of absent persons stay zero.
    With ``EntropyMinimization`` it is the tables' "VAT + EntMin".

    Source: Miyato et al. (arXiv 1704.03976), equations 5 to 8 and, for the
    power iteration, section 3.3 and algorithm 1; weight and ramp are those of
    USB (Wang et al., NeurIPS 2022). Departures: the size of r is given per
    coordinate, in metres; ``xi`` is 1e-3, since at the 1e-6 of their code the
    direction is lost in float32's rounding; only unlabelled clips are used,
    not the labelled ones as well; no dropout. The clips are encoded in
    separate passes, in which batch norms do not update their running
    statistics, in float32 (neither autocast nor TF32).

    Args:
        radius (float): Epsilon in metres (the unit of the clips): the root
            mean square of a clip's displacement over all coordinates that
            are displaced. Defaults to 0.02.
        xi (float): L2 norm per clip of the displacement at which the gradient
            is computed; 1e-4 to 1e-2 work. Defaults to 1e-3.
        num_iters (int): K of the power iteration. Defaults to 1.
        coordinates (int, optional): Number of coordinates, from the first,
            that are displaced: 2 for 2D key points, whose third is a score.
            Defaults to None: all C.
        loss_weight (float): Defaults to 0.3.
        ramp (dict, optional): Defaults to ``LinearRamp`` over 40% of the
            training.

    Raises:
        InputError: If a number is not positive.
    """

    encoded = ()

    def __init__(self, radius: float = 0.02, xi: float = 1e-3,
                 num_iters: int = 1, coordinates: Optional[int] = None,
                 loss_weight: float = 0.3,
                 ramp: Optional[dict] = dict(type='LinearRamp')) -> None:
        super().__init__(loss_weight, ramp)
        for name, value in dict(radius=radius, xi=xi, num_iters=num_iters,
                                coordinates=coordinates).items():
            if value is not None and not value > 0:
                raise InputError(f'{name} of VAT must be greater than 0, not '
                                 f'{value!r}')
        self.radius = radius
        self.xi = xi
        self.num_iters = num_iters
        self.coordinates = coordinates

    def forward(self, step: Step) -> Dict[str, torch.Tensor]:
        """Computes ``loss_vat``.

        Args:
            step (Step): The batch; the view ``weak`` need not be encoded.

        Raises:
            InputError: If the clips have fewer coordinates than
                ``coordinates``.
        """
        clips, model = step.clips['weak'], step.model.classifier()
        with full_float32(clips.device.type), frozen_statistics(model):
            clips = at_least_float32(clips)
            with torch.no_grad():
                log_q = model(clips).log_softmax(1)
            displacement = self.worst_displacement(model, clips, log_q)
            loss = kl_divergence(  # Eq. 5 and 7
                log_q, model(displace(clips, displacement)))
        return dict(loss_vat=self.weight(step) * loss)  # Eq. 8

    def worst_displacement(self, model: nn.Module, clips: torch.Tensor,
                           log_q: torch.Tensor) -> torch.Tensor:
        """Finds r_vadv (equation 6) by power iteration (section 3.3).

        Args:
            model (nn.Module): Clips to logits.
            clips (Tensor): (B, num_clips, M, T, V, 2C).
            log_q (Tensor): (N, classes) log-probabilities that it predicts.

        Returns:
            Tensor: (B, num_clips, M, T, V, C), without gradients.
        """
        mask = self.displaced_coordinates(clips)
        direction = unit(torch.randn_like(mask) * mask)
        for _ in range(self.num_iters):
            with torch.enable_grad():
                probe = (self.xi * direction).requires_grad_()
                loss = kl_divergence(log_q, model(displace(clips, probe)))
                gradient, = torch.autograd.grad(loss, probe)
            direction = unit(gradient * mask)
        count = mask.sum((2, 3, 4, 5), keepdim=True)
        return self.radius * count.sqrt() * direction

    def displaced_coordinates(self, clips: torch.Tensor) -> torch.Tensor:
        """Computes the mask of the coordinates that are displaced.

        Args:
            clips (Tensor): (B, num_clips, M, T, V, 2C).

        Returns:
            Tensor: (B, num_clips, M, T, V, C), 1 for the displaced
            coordinates of present joints, else 0.

        Raises:
            InputError: If the clips have fewer coordinates than
                ``coordinates``.
        """
        joint, _ = clips.chunk(2, -1)
        channels = joint.size(-1)
        moved = self.coordinates or channels
        if moved > channels:
            raise InputError(f'VAT is to displace {moved} coordinates, but '
                             f'the clips have {channels}: set coordinates to '
                             f'{channels} or less')
        present = (joint != 0).any(-1, keepdim=True)
        return present * (torch.arange(channels, device=clips.device) <
                          moved).to(clips)


def displace(clips: torch.Tensor, displacement: torch.Tensor) -> torch.Tensor:
    """Adds a displacement to joints, and its difference to their motion.

    Motion must be the difference to the next frame, 0 in the last one, as
    computed by ``GenSkeFeat``. Where joint and motion are zero, as those of
    absent persons, motion stays zero.

    Args:
        clips (Tensor): (B, num_clips, M, T, V, 2C).
        displacement (Tensor): (B, num_clips, M, T, V, C), 0 for absent joints.

    Returns:
        Tensor: (B, num_clips, M, T, V, 2C).
    """
    motion = displacement.diff(dim=3, append=displacement[:, :, :, -1:])
    motion = motion * (clips != 0).any(-1, keepdim=True)
    return clips + torch.cat((displacement, motion), -1)


def kl_divergence(log_q: torch.Tensor, logits: torch.Tensor) -> torch.Tensor:
    """Computes KL(q || p), averaged over clips.

    Args:
        log_q (Tensor): (N, classes) log-probabilities, the target.
        logits (Tensor): (N, classes) logits of p.

    Returns:
        Tensor: Scalar.
    """
    return F.kl_div(logits.log_softmax(1), log_q, reduction='batchmean',
                    log_target=True)


def unit(x: torch.Tensor) -> torch.Tensor:
    """Scales every clip to L2 norm 1, without underflow of small values.

    Args:
        x (Tensor): (B, num_clips, M, T, V, C).

    Returns:
        Tensor: The same shape; a clip of zeros stays zero.
    """
    tiny = torch.finfo(x.dtype).tiny
    # Squares of small values would underflow to 0.
    x = x / x.abs().amax((2, 3, 4, 5), keepdim=True).clamp(min=tiny)
    return x / x.square().sum((2, 3, 4, 5), keepdim=True).sqrt().clamp(
        min=tiny)


@contextmanager
def full_float32(device_type: str) -> Iterator[None]:
    """Switches off autocast, and TF32, a GPU's default for convolutions.

    Args:
        device_type (str): Such as ``'cuda'``.
    """
    try:
        matmul = torch.get_float32_matmul_precision()
        switches = {cudnn: ('allow_tf32', cudnn.allow_tf32, False)}
    except RuntimeError:  # PyTorch refuses to mix old and new switches
        matmul = None
        switches = {part: ('fp32_precision', part.fp32_precision, 'ieee')
                    for part in (cudnn.conv, cuda.matmul)}
    try:
        for part, (name, _, off) in switches.items():
            setattr(part, name, off)
        if matmul:
            torch.set_float32_matmul_precision('highest')
        with torch.autocast(device_type, enabled=False):
            yield
    finally:
        for part, (name, before, _) in switches.items():
            setattr(part, name, before)
        if matmul:
            torch.set_float32_matmul_precision(matmul)
