"""PSP Learning from input to loss (arXiv 2302.02327, algorithm 1).

Shape legend: N batch (every clip of a sample counts), M person, T frame,
V joint, C channel, K nodes of a level.
"""
from typing import Dict, List, NamedTuple, Optional, Tuple, Union

import torch
from mmaction.models.recognizers import BaseRecognizer
from mmaction.registry import MODELS
from mmaction.structures import ActionDataSample

from .checks import (
    channels_of,
    check_channels,
    check_clips,
    check_features,
    check_neck,
)
from .persons import find_present, stand_ins

Samples = List[ActionDataSample]


class Streams(NamedTuple):
    """What the joint and the motion data of the same clips became."""
    joint: torch.Tensor
    motion: torch.Tensor


@MODELS.register_module()
class PSPRecognizer(BaseRecognizer):
    """Pyramid Self-attention Polymerization Learning.

    Labelled clips train the encoder and the classifier. Unlabelled clips
    train the encoder and the pyramid attention, by contrasting their joint
    with their motion data at body, part and joint level. Without ``neck``,
    ``projector`` and ``loss_con`` it is the paper's "supervised only" and
    takes labelled clips alone. It predicts like any toolbox recognizer.

    Source: arXiv 2302.02327, figure 2 and algorithm 1. What the paper leaves
    open follows the released implementation: both streams of both branches
    go through the encoder as one batch, so they share its batch statistics;
    the neck is called once a stream, so its batch norms see joint or motion,
    never both; an absent second person is averaged in. Departure: no frames
    are mixed in equation 3, see :class:`PyramidPolymerizingAttention`.

    Args:
        backbone (dict): Encoder, (N, M, T, V, C) to (N, M, C', T', V):
            ``DSTANet``, the toolbox's ``STGCN`` or ``AAGCN``, or your own.
        cls_head (dict): Classifier of the two streams.
        neck (dict, optional): Pyramid polymerizing attention, which turns
            (N, M, C', T', V) into a dict of levels. Defaults to None.
        projector (dict, optional): Maps a level to the contrastive space,
            (N, M, C', T', K) to (N, C''). Defaults to None.
        loss_con (dict, optional): Coarse-to-fine contrastive loss. Defaults
            to None.
        stream_norm (dict, optional): Brings joint and motion data to one size
            in front of the encoder, ``dict(type='StreamNorm')``. Defaults to
            None: motion as it comes, a hundredth of the joints' coordinates.
        train_cfg (dict, optional): Kept by the base class. Defaults to None.
        test_cfg (dict, optional): Kept by the base class. Defaults to None.
        skip_absent_persons (bool): Whether a person of zeros is left out of
            the encoder, and of the averages over persons: the one who is
            there counts for both. Saves the time of most second persons of
            NTU, but batch sizes of the encoder change from step to step
            (``CompileHook`` needs ``dynamic=True`` then). An exported model,
            or a step compiled as a whole, computes all, which is the same in
            evaluation alone.
            Defaults to False: encoded and averaged in, as released.
        data_preprocessor (dict, optional): Defaults to
            ``dict(type='MultiBranchPreprocessor')``.

    Raises:
        ValueError: If some, but not all, of ``neck``, ``projector`` and
            ``loss_con`` are given, or if joints or channels of the parts do
            not fit each other.
    """

    def __init__(self,
                 backbone: dict,
                 cls_head: dict,
                 neck: Optional[dict] = None,
                 projector: Optional[dict] = None,
                 loss_con: Optional[dict] = None,
                 stream_norm: Optional[dict] = None,
                 train_cfg: Optional[dict] = None,
                 test_cfg: Optional[dict] = None,
                 skip_absent_persons: bool = False,
                 data_preprocessor: Optional[dict] = None) -> None:
        contrast = dict(neck=neck, projector=projector, loss_con=loss_con)
        absent = [name for name, cfg in contrast.items() if cfg is None]
        if 0 < len(absent) < len(contrast):
            raise ValueError('neck, projector and loss_con go together, but '
                             f'{" and ".join(absent)} is None')
        super().__init__(
            backbone=backbone,
            cls_head=cls_head,
            neck=neck,
            train_cfg=train_cfg,
            test_cfg=test_cfg,
            data_preprocessor=MODELS.build(
                data_preprocessor or dict(type='MultiBranchPreprocessor')))
        self.stream_norm = MODELS.build(stream_norm) if stream_norm else None
        self.skip_absent_persons = skip_absent_persons
        if self.with_neck:
            check_neck(self.backbone, self.neck)
            self.projector = MODELS.build(projector)
            self.loss_con = MODELS.build(loss_con)
        check_channels(self, channels_of(self.backbone))

    def loss(self, inputs: Union[torch.Tensor, Dict[str, torch.Tensor]],
             data_samples: Union[Samples, Dict[str, Samples]],
             **kwargs) -> Dict[str, torch.Tensor]:
        """Computes the losses of a training step.

        Args:
            inputs (dict[str, Tensor] or Tensor): Clips of the branches
                ``labeled`` and ``unlabeled``, or the labelled clips alone,
                (B, num_clips, M, T, V, 2C) with joint coordinates first and
                motion last in the channels.
            data_samples (dict[str, list] or list): Their data samples; only
                the labelled ones are read.

        Returns:
            dict[str, Tensor]: ``loss_cls``, ``loss_con_<level>`` and the
            labelled batch's accuracies. MMEngine adds up the losses, which
            is equation 16.

        Raises:
            ValueError: If the branches do not fit the model.
        """
        if not isinstance(inputs, dict):
            inputs = dict(labeled=inputs)
            data_samples = dict(labeled=data_samples)
        self._check_branches(inputs)

        features = self.encode(inputs)
        losses = self.cls_head.loss(features['labeled'],
                                    data_samples['labeled'])  # Eq. 14, 15
        if 'unlabeled' in features:
            losses.update(self.contrast(features['unlabeled']))
        return losses

    def encode(self, clips: Dict[str, torch.Tensor]) -> Dict[str, Streams]:
        """Encodes both streams of all branches in one pass.

        Args:
            clips (dict[str, Tensor]): Per branch,
                (B, num_clips, M, T, V, 2C).

        Returns:
            dict[str, Streams]: Per branch, the features f_j and f_m,
            (N, M, C', T', V) each.

        Raises:
            ValueError: If the clips have other joints than the encoder, or if
                its features have no joints.
        """
        pairs = [split_streams(x) for x in clips.values()]
        joint, motion = (torch.cat(streams) for streams in zip(*pairs))
        check_clips(self.backbone, joint)
        present = None
        if self.skip_absent_persons:
            present = torch.cat([find_present(x, 2) for x in clips.values()])
            present = present.repeat(2, 1)  # for both streams alike
        if self.stream_norm is not None:
            joint, motion = self.stream_norm(joint, motion)
        features = self.encode_persons(torch.cat((joint, motion)), present)
        # Not len(), which would fix the batch size in torch.export.
        sizes = [pair.joint.size(0) for pair in pairs]
        features = features.split(2 * sizes)
        return {branch: Streams(*pair) for branch, pair in zip(
            clips, zip(features[:len(sizes)], features[len(sizes):]))}

    def encode_persons(self, x: torch.Tensor,
                       present: Optional[torch.Tensor]) -> torch.Tensor:
        """Encodes all persons, or those who are there.

        Args:
            x (Tensor): (N, M, T, V, C).
            present (Tensor, optional): (N, M), whose features also stand at
                the places of the others, see :func:`stand_ins`. None for all.

        Returns:
            Tensor: (N, M, C', T', V).

        Raises:
            ValueError: If the features have no joints, or other channels than
                neck, projector and head take.
        """
        # A traced graph has one size: it computes all, which gives the same
        # in evaluation.
        skip = present is not None and not torch.compiler.is_compiling()
        given = x[present].unsqueeze(1) if skip else x
        features = self.backbone(given)
        check_features(self.backbone, given, features)
        check_channels(self, features.size(2))
        if present is None:
            return features
        if skip:
            return features.squeeze(1)[stand_ins(present)]
        return torch.where(present[..., None, None, None], features,
                           features.flip(1))

    def contrast(self, features: Streams) -> Dict[str, torch.Tensor]:
        """Contrasts joint with motion at every level of the pyramid.

        Args:
            features (Streams): f_j and f_m, (N, M, C', T', V) each.

        Returns:
            dict[str, Tensor]: ``loss_con_<level>``, equations 10 to 13.
        """
        # One call a stream: the neck's batch norms must not see joint and
        # motion as one batch, or they lose what tells the clips apart.
        joint, motion = ({  # z^p, h^p and g^p of section 3.4
            level: self.projector(x)
            for level, x in self.neck(stream).items()  # Eq. 2 to 9
        } for stream in features)
        return self.loss_con(joint=joint, motion=motion)

    def attention(self, inputs: torch.Tensor) -> Dict[str, Streams]:
        """Computes the attention maps of both streams, for looking at them.

        Args:
            inputs (Tensor): (B, num_clips, M, T, V, 2C).

        Returns:
            dict[str, Streams]: A_z, A_{h,z} and A_{g,h,z} as ``'body'``,
            ``'part'`` and ``'joint'``, (N, M, S, K, K) each; rows are queries.

        Raises:
            ValueError: If the model has no pyramid attention.
        """
        if not self.with_neck:
            raise ValueError('this PSPRecognizer has no neck, thus no '
                             'attention to look at')
        features = self.encode(dict(labeled=inputs))['labeled']
        joint, motion = (
            self.neck(stream, return_attention=True)[1] for stream in features)
        return {level: Streams(joint[level], motion[level]) for level in joint}

    def extract_feat(self, inputs: torch.Tensor, stage: str = 'backbone',
                     **kwargs) -> Tuple:
        """Extracts features for prediction, as toolbox recognizers do.

        Args:
            inputs (Tensor): (B, num_clips, M, T, V, 2C).
            stage (str): ``'backbone'`` for f_j and f_m or ``'head'`` for the
                logits. Defaults to ``'backbone'``.

        Returns:
            tuple: What the stage gives, and no arguments for the head.

        Raises:
            ValueError: If the stage is another one.
        """
        if stage not in ('backbone', 'head'):
            raise ValueError("stage must be 'backbone' or 'head', not "
                             f'{stage!r}')
        features = self.encode(dict(labeled=inputs))['labeled']
        if stage == 'head':
            return self.cls_head(features), dict()
        return features, dict()

    def _check_branches(self, inputs: Dict[str, torch.Tensor]) -> None:
        if 'labeled' not in inputs:
            raise ValueError('the batch has no labelled branch, but only '
                             f'{sorted(inputs)}')
        if self.with_neck and 'unlabeled' not in inputs:
            raise ValueError(
                'this PSPRecognizer has a contrastive loss, but the batch has '
                'no unlabelled branch: add InterleaveHook to custom_hooks, or '
                'set neck, projector and loss_con to None')
        if 'unlabeled' in inputs and not self.with_neck:
            raise ValueError(
                'the batch has an unlabelled branch, but this PSPRecognizer '
                'has no contrastive loss: set neck, projector and loss_con, '
                'or remove InterleaveHook from custom_hooks')


def split_streams(clips: torch.Tensor) -> Streams:
    """Takes joint and motion apart and counts every clip into the batch.

    Args:
        clips (Tensor): (B, num_clips, M, T, V, 2C), as the toolbox's
            ``GenSkeFeat(feats=['j', 'jm'])`` and ``FormatGCNInput`` give it.

    Returns:
        Streams: (B * num_clips, M, T, V, C) each.

    Raises:
        ValueError: If the channels cannot be halved.
    """
    if clips.size(-1) % 2:
        raise ValueError(
            f'{clips.size(-1)} channels cannot be halved into joint and '
            "motion: use GenSkeFeat with feats=['j', 'jm'] in the pipeline")
    return Streams(*clips.flatten(0, 1).chunk(2, dim=-1))
