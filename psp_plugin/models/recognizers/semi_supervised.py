"""Semi-supervised training: one recognizer, a list of methods.

A training step, :meth:`SemiSupervisedRecognizer.loss`: collect the views of
the labelled and unlabelled clips, encode all of them in one pass, classify
the labelled clips (cross-entropy), and let every method compute its losses
from the features and logits of the unlabelled clips.

Shape legend: N batch (samples x clips per sample), M person, T frame,
V joint, C channel.
"""
from typing import Dict, Iterable, List, Optional, Tuple, Union

import torch
from mmaction.models.recognizers import BaseRecognizer
from mmaction.registry import MODELS
from mmengine.model import ModuleList
from torch import nn

from psp_plugin.errors import InputError

from .checks import channels_of, check_channels
from .step import Samples, Step
from .two_stream import TwoStreamClassifier, TwoStreamEncoding

Inputs = Union[torch.Tensor, Dict[str, Union[torch.Tensor,
                                             Dict[str, torch.Tensor]]]]


@MODELS.register_module()
class SemiSupervisedRecognizer(TwoStreamEncoding, BaseRecognizer):
    """Trains an encoder and a classifier from labelled and unlabelled clips.

    The labelled clips train both by cross-entropy. The methods, one file each
    in ``psp_plugin/models/methods``, define what the unlabelled clips add:
    they name the views that they need, all views are encoded in one pass
    together with the labelled clips, and every method turns features, logits
    or clips into losses. Without a method the model is trained on labels
    only. It predicts like any toolbox recognizer, with a method's teacher if
    a method has one.

    Source: this project; each method names its own source.

    Args:
        backbone (dict): Encoder, (N, M, T, V, C) to (N, M, C', T', V):
            ``DSTANet``, the toolbox's ``STGCN`` or ``AAGCN``, or your own.
        cls_head (dict): Classifier of the two streams.
        methods (list[dict]): Methods for the unlabelled clips, such as
            ``[dict(type='FixMatch')]``; their losses are added up. One with
            ``loss_weight=0`` is left out of the training. Defaults to none.
        stream_norm (dict, optional): Normalises joint and motion data to the
            same scale in front of the encoder, ``dict(type='StreamNorm')``.
            Defaults to None: motion is not scaled, about a hundredth of the
            joints' coordinates.
        neck (dict, optional): Only for subclasses that use one. Defaults to
            None.
        train_cfg (dict, optional): Kept by the base class. Defaults to None.
        test_cfg (dict, optional): Kept by the base class. Defaults to None.
        skip_absent_persons (bool): Whether persons whose coordinates are all
            zero are left out of the encoder and of the averages over persons;
            the features of the person who is present replace theirs. Saves
            the time of most second persons of NTU, but the encoder's batch
            size changes from step to step (``CompileHook`` then needs
            ``dynamic=True``). An exported model, or a completely compiled
            step, encodes all persons, which gives the same result only in
            evaluation. Defaults to False: absent persons are encoded and
            averaged in, as in the released implementation.
        data_preprocessor (dict, optional): Defaults to
            ``dict(type='MultiBranchPreprocessor')``.

    Raises:
        ValueError: If the numbers of joints or channels of the modules
            differ.
        InputError: If ``methods`` is not a list of configs, if two of them
            have a teacher that predicts, or if a neck is given that is not
            used.
    """

    uses_neck = False

    def __init__(self,
                 backbone: dict,
                 cls_head: dict,
                 methods: Iterable[dict] = (),
                 stream_norm: Optional[dict] = None,
                 neck: Optional[dict] = None,
                 train_cfg: Optional[dict] = None,
                 test_cfg: Optional[dict] = None,
                 skip_absent_persons: bool = False,
                 data_preprocessor: Optional[dict] = None) -> None:
        if neck is not None and not self.uses_neck:
            raise InputError(f'{type(self).__name__} uses no neck: remove it, '
                             'or use PSPRecognizer')
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
        check_channels(self, channels_of(self.backbone))
        if not isinstance(methods, (list, tuple)) or not all(
                isinstance(method, dict) for method in methods):
            raise InputError('methods must be a list of configs, such as '
                             f"[dict(type='FixMatch')], not {methods!r}")
        # Methods must not change the random initialisation of encoder and
        # head.
        with torch.random.fork_rng(devices=[]):
            self.methods = ModuleList(map(MODELS.build, methods))
            for method in self.methods:
                method.attach(self)
                if not method.loss_weight:  # DDP would wait for gradients
                    method.requires_grad_(False)
        predicting = [type(method).__name__ for method in self.active
                      if method.has_teacher]
        if len(predicting) > 1:
            raise InputError(f'{" and ".join(predicting)} each have a '
                             'teacher that predicts: keep one of them')

    def loss(self, inputs: Inputs, data_samples: Union[Samples, dict],
             **kwargs) -> Dict[str, torch.Tensor]:
        """Computes the losses of a training step.

        Args:
            inputs (dict or Tensor): Clips of the branches ``labeled`` and
                ``unlabeled``, or only the labelled clips. The unlabelled
                branch is a dict of views, or a tensor, which is the view
                ``weak``. (B, num_clips, M, T, V, 2C) with joint coordinates
                first and motion last in the channels.
            data_samples (dict or list): Their data samples; labels of
                unlabelled clips are not read.

        Returns:
            dict[str, Tensor]: ``loss_cls`` and the methods' losses, which
            MMEngine adds up, and values to be logged.

        Raises:
            ValueError: If the branches do not fit the model.
        """
        clips, samples = views_of(inputs), views_of(data_samples)
        self.check_views(clips)
        samples = {view: samples_of_clips(samples[view], clips[view])
                   for view in samples}
        features = self.encode(self.views_to_encode(clips))  # f_j and f_m
        step = Step(self, clips, samples, features)
        losses = self.cls_head.loss(features['labeled'], samples['labeled'])
        for method_losses in self.unlabeled_losses(step):
            duplicates = sorted(losses.keys() & method_losses.keys())
            if duplicates:
                raise InputError(f'two methods return {duplicates[0]!r}: keep '
                                 'one of them')
            losses.update(method_losses)
        return losses

    @property
    def uses_unlabeled(self) -> bool:
        """Whether the model has a method for unlabelled clips."""
        return len(self.methods) > 0

    @property
    def active(self) -> List[nn.Module]:
        """The methods whose ``loss_weight`` is not 0."""
        return [method for method in self.methods if method.loss_weight]

    def views_to_encode(
            self, clips: Dict[str, torch.Tensor]) -> Dict[str, torch.Tensor]:
        """Selects the clips that are encoded with gradients.

        Args:
            clips (dict[str, Tensor]): The labelled clips and all views.

        Returns:
            dict[str, Tensor]: By view, (B, num_clips, M, T, V, 2C) each.
        """
        views = dict(labeled=clips['labeled'])
        for method in self.active:
            views.update(method.views_to_encode(clips))
        return views

    def unlabeled_losses(
            self, step: Step) -> Iterable[Dict[str, torch.Tensor]]:
        """Computes the losses of each method.

        Args:
            step (Step): The batch and its features.

        Returns:
            list[dict[str, Tensor]]: One dict of losses per method.
        """
        return [method(step) for method in self.active]

    def check_views(self, clips: Dict[str, torch.Tensor]) -> None:
        """Checks that the batch has the views that the methods need.

        Args:
            clips (dict[str, Tensor]): The labelled clips and all views.

        Raises:
            ValueError: If a view is missing, or if the batch has unlabelled
                clips that no method uses.
        """
        if 'labeled' not in clips:
            raise ValueError('the batch has no labelled branch, but only '
                             f'{sorted(clips)}')
        given = [view for view in clips if view != 'labeled']
        for method in self.active:
            absent = [view for view in method.views if view not in given]
            if not absent:
                continue
            name = type(method).__name__
            if not given:
                raise ValueError(
                    f'{name} needs unlabelled clips, but the batch has no '
                    'unlabelled branch: add InterleaveHook to custom_hooks, '
                    f'or remove {name} from methods')
            raise ValueError(
                f'{name} needs the view {absent[0]!r} of the unlabelled '
                f'clips, but the batch has only {", ".join(given)}: end the '
                'pipeline of the unlabelled clips (unlabeled_pipeline of '
                'SemiSupervisedDataset) with MultiView(' + ', '.join(
                    f'{view}=[...]' for view in method.views) + ')')
        if given and not self.uses_unlabeled:
            raise ValueError(
                'the batch has an unlabelled branch, but this '
                f'{type(self).__name__} has no method for it: set methods, or '
                'remove InterleaveHook from custom_hooks')

    def classifier(self) -> TwoStreamClassifier:
        """Returns encoder and classifier, sharing this model's modules."""
        return TwoStreamClassifier(self.backbone, self.cls_head,
                                   self.stream_norm, self.skip_absent_persons)

    @property
    def predictor(self) -> nn.Module:
        """The model that predicts: a method's teacher, or else this model."""
        for method in self.active:
            teacher = method.teacher_that_predicts()
            if teacher is not None:
                return teacher
        return self

    def predict(self, inputs: torch.Tensor, data_samples: Samples,
                **kwargs) -> Samples:
        """Predicts the classes of clips.

        Args:
            inputs (Tensor): (B, num_clips, M, T, V, 2C).
            data_samples (list): Their data samples.

        Returns:
            list: The data samples with ``pred_score``.
        """
        features, _ = self.extract_feat(inputs)
        return self.predictor.cls_head.predict(features, data_samples)

    def extract_feat(self, inputs: torch.Tensor, stage: str = 'backbone',
                     **kwargs) -> Tuple:
        """Extracts features for prediction, as toolbox recognizers do.

        Args:
            inputs (Tensor): (B, num_clips, M, T, V, 2C).
            stage (str): ``'backbone'`` for f_j and f_m or ``'head'`` for the
                logits. Defaults to ``'backbone'``.

        Returns:
            tuple: The output of the stage, and an empty dict of arguments for
            the head.

        Raises:
            ValueError: If the stage is unknown.
        """
        if stage not in ('backbone', 'head'):
            raise ValueError("stage must be 'backbone' or 'head', not "
                             f'{stage!r}')
        predictor = self.predictor
        features = predictor.encode(dict(labeled=inputs))['labeled']
        if stage == 'head':
            return predictor.cls_head(features), dict()
        return features, dict()


def views_of(branches) -> dict:
    """Flattens the branches and views of a batch into one dict.

    Args:
        branches (Any): Clips or data samples of the labelled clips, or a dict
            of ``labeled`` and ``unlabeled``, the latter a dict of views or
            the view ``weak``.

    Returns:
        dict: With the keys ``labeled`` and the names of the views.

    Raises:
        InputError: If a view has the name of the labelled branch.
    """
    if not isinstance(branches, dict):
        return dict(labeled=branches)
    views = dict(branches)
    unlabeled = views.pop('unlabeled', None)
    if isinstance(unlabeled, dict):
        if 'labeled' in unlabeled:
            raise InputError("a view of MultiView is named 'labeled', which "
                             'is the name of the labelled branch: rename it')
        views.update(unlabeled)
    elif unlabeled is not None:
        views['weak'] = unlabeled
    return views


def samples_of_clips(samples: Samples, clips: torch.Tensor) -> Samples:
    """Repeats data samples for every clip of a sample.

    Args:
        samples (list): One per sample, or already one per clip.
        clips (Tensor): (B, num_clips, M, T, V, 2C).

    Returns:
        list: B * num_clips data samples.
    """
    if len(samples) != clips.size(0):
        return samples
    return [sample for sample in samples for _ in range(clips.size(1))]
