"""PSP Learning from input to loss (arXiv 2302.02327, algorithm 1).

A training step, in the order of ``SemiSupervisedRecognizer.loss``:

1. ``encode`` (two_stream.py): ``stream_norm`` and ``backbone`` map joint and
   motion of the labelled and unlabelled clips to f_j and f_m,
   (N, M, C', T', V) each.
2. ``cls_head`` (heads/two_stream.py) classifies the labelled clips:
   ``loss_cls`` (Eq. 14 and 15).
3. ``neck`` (necks/ppa.py), the pyramid attention, maps each stream of the
   unlabelled clips to a body, a part and a joint level, (N, M, C', T', K)
   (Eq. 2 to 9).
4. ``projector`` (necks/projector.py) maps each level to z^p, h^p or g^p,
   (N, C'') (section 3.4).
5. ``loss_con`` (losses/coarse_to_fine.py) contrasts the streams per level
   (Eq. 10 to 13).
6. MMEngine adds up the losses (Eq. 16).

Shape legend: N batch (samples x clips per sample), M person, T frame,
V joint, C channel, K nodes of a level.
"""
from typing import Dict, Iterable, Optional

import torch
from mmaction.registry import MODELS

from .checks import channels_of, check_channels, check_neck
from .semi_supervised import SemiSupervisedRecognizer
from .step import Step
from .two_stream import Streams


@MODELS.register_module()
class PSPRecognizer(SemiSupervisedRecognizer):
    """Pyramid Self-attention Polymerization Learning.

    Labelled clips train the encoder and the classifier. Unlabelled clips
    train the encoder and the pyramid attention, by contrasting their joint
    with their motion data at body, part and joint level. Without ``neck``,
    ``projector`` and ``loss_con`` it is the paper's "supervised only" and
    accepts only labelled clips. Other methods for unlabelled clips can be
    combined with the contrast.

    Source: arXiv 2302.02327, figure 2 and algorithm 1. What the paper leaves
    open follows the released implementation: both streams of both branches
    go through the encoder as one batch, so they share its batch statistics;
    the neck is called once per stream, so its batch norms see either joint or
    motion data; an absent second person is averaged in. Departs from the
    paper in equation 3, which does not mix frames here, see
    :class:`PyramidPolymerizingAttention`.

    Args:
        *args: See :class:`SemiSupervisedRecognizer`: ``backbone`` and
            ``cls_head``.
        neck (dict, optional): Pyramid polymerizing attention, which turns
            (N, M, C', T', V) into a dict of levels. Defaults to None.
        projector (dict, optional): Maps a level to the contrastive space,
            (N, M, C', T', K) to (N, C''). Defaults to None.
        loss_con (dict, optional): Coarse-to-fine contrastive loss. Defaults
            to None.
        **kwargs: See :class:`SemiSupervisedRecognizer`: ``methods``,
            ``stream_norm``, ``skip_absent_persons`` and others.

    Raises:
        ValueError: If some, but not all, of ``neck``, ``projector`` and
            ``loss_con`` are given, or if the numbers of joints or channels of
            the modules differ.
    """

    uses_neck = True

    def __init__(self,
                 *args,
                 neck: Optional[dict] = None,
                 projector: Optional[dict] = None,
                 loss_con: Optional[dict] = None,
                 **kwargs) -> None:
        contrast = dict(neck=neck, projector=projector, loss_con=loss_con)
        absent = [name for name, cfg in contrast.items() if cfg is None]
        if 0 < len(absent) < len(contrast):
            raise ValueError('neck, projector and loss_con must be set '
                             'together or not at all, but '
                             f'{" and ".join(absent)} is None')
        super().__init__(*args, neck=neck, **kwargs)
        if self.with_neck:
            check_neck(self.backbone, self.neck)
            self.projector = MODELS.build(projector)
            self.loss_con = MODELS.build(loss_con)
        check_channels(self, channels_of(self.backbone))

    @property
    def uses_unlabeled(self) -> bool:
        """Whether the model has a contrast or another method."""
        return self.with_neck or super().uses_unlabeled

    def views_to_encode(
            self, clips: Dict[str, torch.Tensor]) -> Dict[str, torch.Tensor]:
        """Selects the clips of the contrast and of the other methods.

        Args:
            clips (dict[str, Tensor]): The labelled clips and all views.

        Returns:
            dict[str, Tensor]: By view, (B, num_clips, M, T, V, 2C) each.
        """
        views = super().views_to_encode(clips)
        if self.with_neck:
            views.setdefault('weak', clips['weak'])
        return views

    def unlabeled_losses(
            self, step: Step) -> Iterable[Dict[str, torch.Tensor]]:
        """Computes the contrast's losses, then those of the other methods.

        Args:
            step (Step): The batch and its features.

        Yields:
            dict[str, Tensor]: Losses by name.
        """
        if self.with_neck:
            yield self.contrast(step.features['weak'])
        yield from super().unlabeled_losses(step)

    def contrast(self, features: Streams) -> Dict[str, torch.Tensor]:
        """Contrasts joint with motion at every level of the pyramid.

        Args:
            features (Streams): f_j and f_m, (N, M, C', T', V) each.

        Returns:
            dict[str, Tensor]: ``loss_con_<level>``, equations 10 to 13.
        """
        projected = []
        # One call of the neck per stream: if its batch norms saw joint and
        # motion as one batch, the differences between clips would be lost.
        for stream in features:
            levels = self.neck(stream)  # body, part and joint, Eq. 2 to 9
            projected.append({  # z^p, h^p and g^p of section 3.4
                level: self.projector(x) for level, x in levels.items()})
        joint, motion = projected
        return self.loss_con(joint=joint, motion=motion)  # Eq. 10 to 13

    def attention(self, inputs: torch.Tensor,
                  features: Optional[Streams] = None) -> Dict[str, Streams]:
        """Computes the attention maps of both streams, for visualisation.

        Args:
            inputs (Tensor): (B, num_clips, M, T, V, 2C).
            features (Streams, optional): Their f_j and f_m, if they have been
                computed. Defaults to None.

        Returns:
            dict[str, Streams]: A_z, A_{h,z} and A_{g,h,z} as ``'body'``,
            ``'part'`` and ``'joint'``, (N, M, S, K, K) each; rows are queries.

        Raises:
            ValueError: If the model has no pyramid attention.
        """
        if not self.with_neck:
            raise ValueError('this PSPRecognizer has no neck, so it computes '
                             'no attention: set neck, projector and loss_con')
        if features is None:
            features = self.encode(dict(labeled=inputs))['labeled']
        joint, motion = (
            self.neck(stream, return_attention=True)[1] for stream in features)
        return {level: Streams(joint[level], motion[level]) for level in joint}

    def check_views(self, clips: Dict[str, torch.Tensor]) -> None:
        """Checks that the batch has the views of the contrast and the methods.

        Args:
            clips (dict[str, Tensor]): The labelled clips and all views.

        Raises:
            ValueError: If a view is missing, or if the batch has unlabelled
                clips that nothing uses.
        """
        if self.with_neck and set(clips) == {'labeled'}:
            raise ValueError(
                'this PSPRecognizer has a contrastive loss, but the batch has '
                'no unlabelled branch: add InterleaveHook to custom_hooks, or '
                'set neck, projector and loss_con to None')
        if self.with_neck and 'weak' not in clips:
            raise ValueError(
                "this PSPRecognizer contrasts the view 'weak' of the "
                'unlabelled clips, but the batch has only '
                f"{', '.join(clips)}: name one view of MultiView 'weak'")
        if not self.uses_unlabeled and set(clips) != {'labeled'}:
            raise ValueError(
                'the batch has an unlabelled branch, but this PSPRecognizer '
                'has no contrastive loss: set neck, projector and loss_con, '
                'or remove InterleaveHook from custom_hooks')
        super().check_views(clips)
