"""X-CAR (Xu et al., IEEE TIP 2022)."""
from math import cos, radians, sin
from typing import Dict, Optional

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from torch import nn

from psp_plugin.errors import InputError

from ..precision import at_least_float32
from ..recognizers.step import Step
from .base import UnlabeledMethod


@MODELS.register_module()
class XCAR(UnlabeledMethod):
    """Pulls a clip to its rotated, sheared, scaled copy, from the other clips.

    How the copy is made is learned with everything else, by the same loss:
    each entry of a fixed rotation, shear and scaling is multiplied with a
    factor of its own. All coordinates of all clips are mapped by the product
    of the three, joint and motion by the same.

    Source: Xu et al. (DOI 10.1109/TIP.2022.3175605). Taken from its abstract:
    adaptive-combination augmentation by learned factors, the pull-push
    contrastive loss, and one stage with the cross-entropy. Taken from the
    released ``src/initializer.py``: the matrices, their order and first
    factors; features averaged over persons, frames and joints, without a
    projector; cosines with a target that is not trained, in both directions,
    without temperature; a weight of 1. Departures: the released code writes
    the copy over the clip, so that it contrasts the copy with itself, and
    adds the loss with the opposite sign; here the loss does what the abstract
    says. The equations of the paper were not at hand. It is computed for
    joint and motion, theirs for one feature of all. The cross-entropy is that
    of the labelled clips themselves, theirs of the sum of the logits of clip
    and copy. Scaling has its three factors alone. Labelled clips, clips and
    copies are encoded together and share the statistics of batch norms and
    ``StreamNorm``; theirs are encoded apart.

    Args:
        angle (float): Of the rotation about each axis, in degrees. Defaults
            to 30.
        shear (float): Defaults to 1.
        scale (float): Defaults to 2.
        loss_weight (float): Defaults to 1.
        ramp (dict, optional): Defaults to None.
    """

    def __init__(self, angle: float = 30., shear: float = 1.,
                 scale: float = 2., loss_weight: float = 1.,
                 ramp: Optional[dict] = None) -> None:
        super().__init__(loss_weight, ramp)
        one = torch.eye(3)
        self.register_buffer('rotation', rotate(radians(angle)), False)
        self.register_buffer('shear', one + shear * (1 - one), False)
        self.register_buffer('scale', scale * one, False)
        # The first factors of the rotation leave only that about x.
        self.rotation_factors = nn.Parameter(torch.tensor(
            [[1., 0., 0.], [0., 0.7, 0.7], [0., 0.7, 0.7]]))
        self.shear_factors = nn.Parameter(one + 0.8 * (1 - one))
        self.scale_factors = nn.Parameter(torch.full((3, ), 0.6))

    @property
    def matrix(self) -> torch.Tensor:
        """What maps a coordinate, a row of three, to that of the copy."""
        return ((self.rotation * self.rotation_factors)
                @ (self.shear * self.shear_factors)
                @ (self.scale * self.scale_factors))

    def views_to_encode(
            self, clips: Dict[str, torch.Tensor]) -> Dict[str, torch.Tensor]:
        """The weak view and its copy, ``xcar``.

        Args:
            clips (dict[str, Tensor]): (B, num_clips, M, T, V, 2C) each.

        Raises:
            InputError: If the clips are not of three dimensions.
        """
        weak = clips['weak']
        if weak.size(-1) != 6:
            raise InputError('XCAR needs joint and motion data of three '
                             f'dimensions, 6 channels, not {weak.size(-1)}: '
                             'take it out of methods')
        with torch.autocast(weak.device.type, enabled=False):
            copy = weak.unflatten(-1, (2, 3)) @ self.matrix.to(weak.dtype)
        return dict(weak=weak, xcar=copy.flatten(-2))

    def forward(self, step: Step) -> Dict[str, torch.Tensor]:
        """Computes ``loss_xcar_joint`` and ``loss_xcar_motion``.

        Args:
            step (Step): The batch, clip and copy encoded.
        """
        pairs = zip(step.features['weak'], step.features['xcar'])
        losses = [pull_push(*(x.mean((1, 3, 4)) for x in pair))
                  for pair in pairs]
        weight = self.weight(step)
        return {f'loss_xcar_{stream}': weight * loss
                for stream, loss in zip(('joint', 'motion'), losses)}


def pull_push(clip: torch.Tensor, copy: torch.Tensor) -> torch.Tensor:
    """Pulls the two of a clip together and pushes those of others apart.

    Args:
        clip (Tensor): (N, C').
        copy (Tensor): (N, C').

    Returns:
        Tensor: Scalar from -4 to 4, the sum of both directions. Without
        another clip in the batch it only pulls.
    """
    with torch.autocast(clip.device.type, enabled=False):
        clip, copy = (F.normalize(at_least_float32(x), dim=1)
                      for x in (clip, copy))
        loss, n = 0., len(clip)
        for feature, target in ((copy, clip.detach()), (clip, copy.detach())):
            cosine = feature @ target.t()
            pulled = cosine.trace()
            pushed = (cosine.sum() - pulled) / max(n - 1, 1)
            loss = loss + (pushed - pulled) / n
        return loss


def rotate(angle: float) -> torch.Tensor:
    """The product of the rotations about x, y and z.

    Args:
        angle (float): Of each, in radians.
    """
    c, s = cos(angle), sin(angle)
    about_x = torch.tensor([[1, 0, 0], [0, c, -s], [0, s, c]])
    about_y = torch.tensor([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    about_z = torch.tensor([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    return about_x @ about_y @ about_z
