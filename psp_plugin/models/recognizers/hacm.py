"""HA-CM and MAMP from input to loss: masked pre-training without labels.

A training step, :meth:`HACMPretrainer.loss`: split clips into one sequence
per person, embed them as tokens, choose the visible tokens (``masking``),
encode these, decode the motion of every token (``decoder``), compare it with
that of the masked ones (``loss_rec``), and contrast the groups of visible
tokens (``loss_cc``, HA-CM only).

Shape legend: S sample, N batch (samples x clips per sample), M person,
B sequence (one person who is present), T frame, P patch of frames, V joint,
C coordinate, D channel, K visible token of a group.
"""
from typing import Dict, List, NamedTuple, Optional, Tuple

import torch
from mmaction.models.recognizers import BaseRecognizer
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample

from psp_plugin.errors import InputError

from ..tokens import gather_tokens
from .checks import check_clips
from .persons import find_present


class Reconstruction(NamedTuple):
    """Output of :meth:`HACMPretrainer.reconstruct` for B sequences."""
    clips: torch.Tensor
    """(B, T, V, C) coordinates to be restored, of the joints with tokens."""
    groups: List[torch.Tensor]
    """Indices p V + v of the visible tokens, (B, K) per group."""
    latent: torch.Tensor
    """(B, K of all groups, D) encoded visible tokens."""
    prediction: torch.Tensor
    """(B, P V, p C) predicted motion of every token, visible ones too."""

    @property
    def visible(self) -> torch.Tensor:
        """(B, K of all groups) indices, in the order of ``latent``."""
        return torch.cat(self.groups, 1)


@MODELS.register_module()
class HACMPretrainer(BaseRecognizer):
    """Pre-trains an encoder by restoring the motion of masked tokens.

    Labels are not read and classes not predicted: a second config loads the
    encoder with ``init_cfg=dict(type='Pretrained', checkpoint=...,
    prefix='backbone.')``. With ``CrossMasking`` and ``CrossContrastLoss`` it
    is HA-CM; with ``MotionAwareMasking``, Euclidean tokens and no contrast it
    is MAMP.

    Source: HA-CM (arXiv 2409.17951) and MAMP (arXiv 2308.07092). Departs from
    the released HA-CM where its tensor layouts do not match (see the modules)
    and in leaving out persons whose coordinates are all zero.

    Args:
        backbone (dict): ``SkeletonTransformer``.
        masking (dict): Which tokens stay visible: ``CrossMasking`` or
            ``MotionAwareMasking``.
        decoder (dict): ``MaskedMotionDecoder``; the sizes that follow from
            the encoder can be left out.
        loss_rec (dict): ``MaskedMotionLoss``.
        loss_cc (dict, optional): ``CrossContrastLoss``. Defaults to None.
        coordinates (int, optional): How many of the C coordinates are
            restored and used by MAMP's masking to measure motion; 2 leaves
            out the score of 2D key points. Defaults to None: all.
        skip_absent_persons (bool): Whether persons whose coordinates are all
            zero are left out; the released HA-CM includes them. Defaults to
            True.
        data_preprocessor (dict, optional): Defaults to
            ``dict(type='ActionDataPreprocessor')``.

    Raises:
        InputError: If the modules do not fit each other.
    """

    def __init__(self,
                 backbone: dict,
                 masking: dict,
                 decoder: dict,
                 loss_rec: dict = dict(type='MaskedMotionLoss'),
                 loss_cc: Optional[dict] = None,
                 coordinates: Optional[int] = None,
                 skip_absent_persons: bool = True,
                 data_preprocessor: Optional[dict] = None) -> None:
        super().__init__(backbone, data_preprocessor=data_preprocessor)
        encoder = self.backbone
        if not hasattr(encoder, 'tokenize'):
            raise InputError(
                f'the encoder {type(encoder).__name__} has no tokens to be '
                'masked: HACMPretrainer needs a SkeletonTransformer')
        if coordinates is None:
            coordinates = encoder.in_channels
        if not 1 <= coordinates <= encoder.in_channels:
            raise InputError(f'coordinates must be from 1 to the encoder\'s '
                             f'{encoder.in_channels}, not {coordinates}')
        self.coordinates = coordinates
        self.skip_absent_persons = skip_absent_persons
        self.masking = MODELS.build(masking)
        dims = getattr(self.masking, 'embed_dims', encoder.out_channels)
        if dims != encoder.out_channels:
            raise InputError(
                f'the encoder gives {encoder.out_channels} channels, but '
                f'masking is built for {dims}: set masking=dict(embed_dims='
                f'{encoder.out_channels})')
        frames = encoder.num_frames // encoder.num_patches
        if frames * coordinates == 1:
            raise InputError(
                'the target of a token is normalised, which a single number '
                'per token cannot be: increase frames_per_token')
        self.decoder = MODELS.build(dict(
            dict(in_channels=encoder.out_channels,
                 out_channels=frames * self.coordinates,
                 num_joints=len(encoder.token_joints),
                 num_patches=encoder.num_patches), **decoder))
        self.loss_rec = MODELS.build(loss_rec)
        self.loss_cc = MODELS.build(loss_cc) if loss_cc else None

    def loss(self, inputs: torch.Tensor,
             data_samples: Optional[List[ActionDataSample]] = None,
             **kwargs) -> Dict[str, torch.Tensor]:
        """Computes the losses of a training step.

        Args:
            inputs (Tensor): (S, num_clips, M, T, V, C).
            data_samples (list, optional): Not read.

        Returns:
            dict[str, Tensor]: ``loss_rec``, and with a contrast
            ``loss_cc_spatial_global``, ``loss_cc_temporal_global`` and
            ``loss_cc_temporal_spatial``. MMEngine adds them up.
        """
        out = self.reconstruct(inputs)
        losses = self.loss_rec(out.prediction, out.clips, out.visible)
        if self.loss_cc is not None:
            sizes = [group.size(1) for group in out.groups]
            losses.update(self.loss_cc(out.latent.split(sizes, 1)))
        return losses

    def reconstruct(self, inputs: torch.Tensor) -> Reconstruction:
        """Masks tokens and predicts their motion from the others.

        Args:
            inputs (Tensor): (S, num_clips, M, T, V, C).
        """
        tokens = self.backbone.tokenize(self.sequences(inputs))
        tokens = tokens._replace(clips=tokens.clips[..., :self.coordinates])
        groups = self.masking(tokens)
        visible = torch.cat(groups, 1)

        seen = gather_tokens(tokens.euclid.flatten(1, 2), visible)
        latent = self.backbone.encode(seen)
        prediction = self.decoder(latent, visible)
        return Reconstruction(tokens.clips, groups, latent, prediction)

    def sequences(self, clips: torch.Tensor) -> torch.Tensor:
        """Splits clips into one sequence per person.

        Args:
            clips (Tensor): (S, num_clips, M, T, V, C).

        Returns:
            Tensor: (B, T, V, C). With ``skip_absent_persons``, persons whose
            coordinates are all zero are left out, except the first one of a
            clip without any person.
        """
        check_clips(self.backbone, clips)
        persons = clips.flatten(0, 1)
        if self.skip_absent_persons:
            return persons[find_present(clips)]
        return persons.flatten(0, 1)

    def extract_feat(self, inputs: torch.Tensor, stage: str = 'backbone',
                     **kwargs) -> Tuple:
        """Encodes all tokens, for tools that read features.

        Args:
            inputs (Tensor): (S, num_clips, M, T, V, C).
            stage (str): ``'backbone'``, the only one.

        Returns:
            tuple: Features (N, M, D, P, V), and an empty dict of arguments
            for a head.

        Raises:
            InputError: If the stage is unknown.
        """
        if stage != 'backbone':
            raise InputError('HACMPretrainer has a backbone, but no '
                             f'{stage!r}')
        check_clips(self.backbone, inputs)
        return self.backbone(inputs.flatten(0, 1)), dict()

    def predict(self, *args, **kwargs) -> None:
        """Not supported: the model has no classifier.

        Raises:
            InputError: Always.
        """
        raise InputError(
            'HACMPretrainer is pre-trained without labels and predicts no '
            'class: use tools/linear_probe.py, or fine-tune its encoder (a '
            'config of configs/pretrain with `finetune` in its name)')
