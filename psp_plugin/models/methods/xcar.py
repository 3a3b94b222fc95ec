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
    """Contrast of a clip with its rotated, sheared and scaled copy.

    A clip and its copy are pulled together and pushed away from the other
    clips. The augmentation is trained by the same loss: each entry of a fixed
    rotation, shear and scaling matrix is multiplied by a learned factor. The
    product of the three matrices maps all coordinates of all clips, those of
    joint and of motion.

    Source: Xu et al. (DOI 10.1109/TIP.2022.3175605). Taken from its abstract:
    adaptive-combination augmentation by learned factors, the pull-push
    contrastive loss, and one stage with the cross-entropy. Taken from the
    released ``src/initializer.py``: the matrices, their order and initial
    factors; features averaged over persons, frames and joints, without a
    projector; cosines with a detached target, in both directions, without
    temperature; a weight of 1. Departures: the released code overwrites the
    clip with the copy, so that it contrasts the copy with itself, and adds
    the loss with the opposite sign; here the loss follows the abstract. The
    equations of the paper were not available. The loss is computed for joint
    and for motion, theirs for one common feature. The cross-entropy is that
    of the labelled clips, theirs of the sum of the logits of clip and copy.
    Scaling has only its three diagonal factors. Labelled clips, clips and
    copies are encoded together, with common statistics of batch norms and
    ``StreamNorm``; theirs are encoded separately.

    Args:
        angle (float): Angle of rotation about each axis, in degrees. Defaults
            to 30.
        shear (float): Off-diagonal entries of the shear matrix. Defaults to
            1.
        scale (float): Scale of all coordinates. Defaults to 2.
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
        # The initial factors leave only the rotation about x.
        self.rotation_factors = nn.Parameter(torch.tensor(
            [[1., 0., 0.], [0., 0.7, 0.7], [0., 0.7, 0.7]]))
        self.shear_factors = nn.Parameter(one + 0.8 * (1 - one))
        self.scale_factors = nn.Parameter(torch.full((3, ), 0.6))

    @property
    def matrix(self) -> torch.Tensor:
        """(3, 3) matrix that maps coordinates, as rows, to the copy's."""
        return ((self.rotation * self.rotation_factors)
                @ (self.shear * self.shear_factors)
                @ (self.scale * self.scale_factors))

    def views_to_encode(
            self, clips: Dict[str, torch.Tensor]) -> Dict[str, torch.Tensor]:
        """Selects the weak view and computes its copy, ``xcar``.

        Args:
            clips (dict[str, Tensor]): (B, num_clips, M, T, V, 2C) each.

        Returns:
            dict[str, Tensor]: ``weak`` and ``xcar``, of the same shape.

        Raises:
            InputError: If the clips are not three-dimensional.
        """
        weak = clips['weak']
        if weak.size(-1) != 6:
            raise InputError('XCAR needs joint and motion data of three '
                             f'dimensions, 6 channels, not {weak.size(-1)}: '
                             'remove it from methods')
        with torch.autocast(weak.device.type, enabled=False):
            copy = weak.unflatten(-1, (2, 3)) @ self.matrix.to(weak.dtype)
        return dict(weak=weak, xcar=copy.flatten(-2))

    def forward(self, step: Step) -> Dict[str, torch.Tensor]:
        """Computes ``loss_xcar_joint`` and ``loss_xcar_motion``.

        Args:
            step (Step): The batch, with clips and copies encoded.
        """
        pairs = zip(step.features['weak'], step.features['xcar'])
        losses = [pull_push(*(x.mean((1, 3, 4)) for x in pair))
                  for pair in pairs]
        weight = self.weight(step)
        return {f'loss_xcar_{stream}': weight * loss
                for stream, loss in zip(('joint', 'motion'), losses)}


def pull_push(clip: torch.Tensor, copy: torch.Tensor) -> torch.Tensor:
    """Pull-push loss: pulls clip and copy together, pushes others away.

    Args:
        clip (Tensor): (N, C') features of the clips.
        copy (Tensor): (N, C') features of their copies.

    Returns:
        Tensor: Scalar from -4 to 4, the sum of both directions. With a single
        clip in the batch it only pulls.
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
    """Computes the product of the rotations about x, y and z.

    Args:
        angle (float): Angle of each rotation, in radians.

    Returns:
        Tensor: (3, 3).
    """
    c, s = cos(angle), sin(angle)
    about_x = torch.tensor([[1, 0, 0], [0, c, -s], [0, s, c]])
    about_y = torch.tensor([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    about_z = torch.tensor([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    return about_x @ about_y @ about_z
