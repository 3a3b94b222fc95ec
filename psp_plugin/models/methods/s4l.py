"""S4L, self-supervised semi-supervised learning (Zhai et al., ICCV 2019)."""
from typing import Dict, Optional

import torch
import torch.nn.functional as F
from mmaction.registry import MODELS
from mmengine.model import normal_init
from torch import nn

from psp_plugin.errors import InputError

from ..precision import at_least_float32
from ..recognizers.checks import channels_of
from ..recognizers.step import Step
from ..recognizers.two_stream import Streams
from .base import UnlabeledMethod

# Cosine and sine of 0, 90, 180 and 270 degrees.
COSINES, SINES = (1, 0, -1, 0), (0, 1, 0, -1)


@MODELS.register_module()
class S4L(UnlabeledMethod):
    """Classifies by how many quarter turns a clip was rotated.

    Joint and motion data of a 3D clip are rotated by 0, 90, 180 or 270
    degrees about z, the vertical after ``NormalizeSkeleton3D``. That
    transform aligns the shoulders with x in the first frame, from which the
    turn is easily recognised: watch ``turn_accuracy``. If it is near 1 early,
    the task teaches little; random rotations in the pipelines make it harder.
    With random rotations by 45 degrees or more about z, quarter turns cannot
    be distinguished: use half turns, ``num_turns=2``.

    Source: Zhai et al. (arXiv 1905.03670), S4L-Rotation, section 4.1:
    equation 2, its loss averaged over labelled and unlabelled clips as in
    their code. Their turns are those of images; the turns of skeletons are
    this project's. Departures: ``copies='one'`` turns a clip once, by a
    random angle, and learns the labels from unturned clips; with ``'all'``,
    the published four copies, the unturned labelled ones (``loss_cls``) have
    the same total weight as the three turned ones (``loss_s4l_labeled``), not
    a third of it. The head is one linear layer on the mean over persons,
    frames and joints; its logits of joint and motion are added, as in
    ``TwoStreamHead``.

    Args:
        in_channels (int, optional): Channels C' of the encoder. Defaults to
            None: those of the classifier.
        copies (str): ``'one'``, which doubles the clips to be encoded, or
            ``'all'``, which quadruples them. Defaults to ``'one'``.
        num_turns (int): 4, or 2 for only 0 and 180 degrees. Defaults to 4.
        loss_weight (float): W of the rotation loss. Defaults to 1.
        ramp (dict, optional): Defaults to None, as published.

    Raises:
        InputError: If ``copies`` or ``num_turns`` is another value.
    """

    def __init__(self, in_channels: Optional[int] = None, copies: str = 'one',
                 num_turns: int = 4, loss_weight: float = 1.,
                 ramp: Optional[dict] = None) -> None:
        super().__init__(loss_weight, ramp)
        if copies not in ('one', 'all'):
            raise InputError("copies of S4L must be 'one' or 'all', not "
                             f'{copies!r}')
        if num_turns not in (2, 4):
            raise InputError(f'num_turns of S4L must be 2 or 4, not '
                             f'{num_turns!r}')
        self.in_channels = in_channels
        self.copies = copies
        self.num_turns = num_turns
        self.turns: Dict[str, torch.Tensor] = {}
        """By view: (copies * N, ) turns of its clips, as class indices."""

    def attach(self, model: nn.Module) -> None:
        """Builds the head that classifies the turn.

        Args:
            model (SemiSupervisedRecognizer): It has encoder and classifier.

        Raises:
            InputError: If the encoder's channels are unknown or differ from
                ``in_channels``.
        """
        width = self.in_channels or getattr(model.cls_head, 'in_channels',
                                            None)
        given = channels_of(model.backbone)
        if width is None or given not in (None, width):
            raise InputError(
                f'in_channels of S4L is {width}: set it to the channels of '
                f'the encoder {type(model.backbone).__name__}'
                + (f', {given}' if given else ''))
        self.fc = nn.Linear(width, self.num_turns)
        normal_init(self.fc, std=0.01)

    def views_to_encode(
            self, clips: Dict[str, torch.Tensor]) -> Dict[str, torch.Tensor]:
        """Turns the labelled clips and the view ``weak``.

        Args:
            clips (dict[str, Tensor]): ``labeled`` and the views,
                (B, num_clips, M, T, V, 2C) each.

        Returns:
            dict[str, Tensor]: ``labeled_turned`` and ``weak_turned``; with
            ``copies='all'`` these contain the copies with a turn other than
            0, and ``weak`` those without.

        Raises:
            InputError: If the clips are of 2D key points.
        """
        views = {} if self.copies == 'one' else dict(weak=clips['weak'])
        quarters = 4 // self.num_turns
        for view in ('labeled', 'weak'):
            x = clips[view]
            if view not in self.turns:  # only once, as it synchronises a GPU
                check_3d(x)
            if self.copies == 'one':
                turns = torch.randint(self.num_turns, x.shape[:2],
                                      device=x.device)
                self.turns[view] = turns.flatten()
                views[f'{view}_turned'] = turn(x, quarters * turns)
            else:
                n = x.shape[:2].numel()
                self.turns[view] = torch.arange(
                    self.num_turns, device=x.device).repeat_interleave(n)
                views[f'{view}_turned'] = torch.cat([
                    turn(x, torch.full(x.shape[:2], quarters * k,
                                       device=x.device))
                    for k in range(1, self.num_turns)])
        return views

    def forward(self, step: Step) -> Dict[str, torch.Tensor]:
        """Computes ``loss_s4l`` and, with all copies, ``loss_s4l_labeled``.

        Args:
            step (Step): The batch, with the turned clips encoded.

        Returns:
            dict[str, Tensor]: The losses, and ``turn_accuracy``, the share of
            the clips whose turn is classified correctly.
        """
        losses, right = [], []
        for view, turns in self.turns.items():
            logits = self.classify_turn(step.features[f'{view}_turned'])
            if self.copies == 'all':
                unturned = self.classify_turn(step.features[view])
                logits = torch.cat((unturned, logits))
            losses.append(F.cross_entropy(logits, turns))
            right.append(logits.argmax(1) == turns)
        result = dict(
            loss_s4l=self.weight(step) * torch.stack(losses).mean(),
            turn_accuracy=torch.cat(right).to(losses[0]).mean())
        if self.copies == 'all':
            labeled = step.model.cls_head.loss(
                step.features['labeled_turned'],
                (self.num_turns - 1) * step.samples['labeled'])
            result['loss_s4l_labeled'] = labeled['loss_cls']
        return result

    def classify_turn(self, features: Streams) -> torch.Tensor:
        """Classifies the turns of clips.

        Args:
            features (Streams): (N, M, C', T', V) of joint and motion.

        Returns:
            Tensor: Logits (N, num_turns), at least float32.
        """
        joint, motion = (at_least_float32(self.fc(x.mean((1, 3, 4))))
                         for x in features)
        return joint + motion


def turn(clips: torch.Tensor, turns: torch.Tensor) -> torch.Tensor:
    """Rotates clips by quarter turns about z, from x to y, exactly.

    Args:
        clips (Tensor): (B, num_clips, M, T, V, 6), x, y and z of the joints,
            then of their motion.
        turns (Tensor): (B, num_clips) of 0 to 3.

    Returns:
        Tensor: The same shape; zeros stay zero.
    """
    cosine, sine = (clips.new_tensor(table)[turns][..., None, None, None]
                    for table in (COSINES, SINES))
    x, y, z, u, v, w = clips.unbind(-1)
    return torch.stack((cosine * x - sine * y, sine * x + cosine * y, z,
                        cosine * u - sine * v, sine * u + cosine * v, w), -1)


def check_3d(clips: torch.Tensor) -> None:
    """Checks that clips are of 3D skeletons.

    A score is never negative, nor is the mean of scores that the toolbox
    stores as its motion. Heights above the spine and their differences have
    both signs.

    Args:
        clips (Tensor): (B, num_clips, M, T, V, 2C).

    Raises:
        InputError: If they do not have three coordinates, or if the third is
            a score.
    """
    way_out = ('S4L turns 3D skeletons about the vertical: remove S4L from '
               'methods, or train on 3D skeletons')
    channels = clips.size(-1) / 2
    if channels != 3:
        raise InputError(f'the clips have {channels:g} coordinates, but '
                         f'{way_out}')
    third = clips[..., [2, 5]]
    if (third >= 0).all() and third[..., 1].any():
        raise InputError('the third coordinate of the clips and its motion '
                         'are never negative, like the score of 2D key '
                         f'points, but {way_out}')
