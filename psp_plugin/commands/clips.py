"""Reads clips and makes of them what a model takes.

Shape legend: M person, T frame, V joint, C channel.
"""
import copy
import inspect
from pathlib import Path
from typing import Optional, Union

import numpy as np
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose
from torch import nn

from psp_plugin.annotations import find_problems
from psp_plugin.models import SemiSupervisedRecognizer
from psp_plugin.models.recognizers.checks import num_joints_of
from psp_plugin.recordings import RecordingError, read_recording

Clip = Union[str, Path, dict]
# What transforms raise on data that they are not made for.
REFUSALS = (AssertionError, IndexError, KeyError, TypeError, ValueError)


class ClipError(ValueError):
    """Why a clip cannot be classified, in one sentence for the user."""


class ClipPreparer:
    """Passes clips through the test pipeline of a config, checking the fit.

    Args:
        dataset (ConfigDict): The test dataset of a config, see
            :func:`find_test_dataset`; of it the pipeline is used.
        model (nn.Module): The model, with its config as ``cfg``.
        scored (bool): Whether the third channel of a recording is the score
            of its joints. Defaults to False.
    """

    def __init__(self, dataset: ConfigDict, model: nn.Module,
                 scored: bool = False) -> None:
        self.transforms = Compose(dataset.pipeline).transforms
        self.num_joints = num_joints_of(model.backbone)
        # A model of heat maps has no joints, and other channels.
        self.num_channels = (None if self.num_joints is None else
                             num_channels_of(model))
        self.scored = scored
        # Which of two persons is the first is for the pipeline to say.
        self.max_persons = max([2] + [
            getattr(transform, 'num_person', 0)
            for transform in self.transforms
        ])

    def read(self, clip: Clip) -> dict:
        """Reads a recording, or copies an annotation.

        Args:
            clip (str or Path or dict): A recording, see
                :func:`psp_plugin.recordings.read_recording`, or an
                annotation as a ``PoseDataset`` has it.

        Returns:
            dict: ``frame_dir``, ``keypoint`` (M, T, V, C), ``total_frames``
            and what else the clip has.

        Raises:
            ClipError: If it cannot be read.
        """
        if isinstance(clip, dict):
            return copy.deepcopy(clip)
        try:
            return read_recording(str(clip), self.scored, self.max_persons)
        except RecordingError as error:
            raise ClipError(str(error)) from error

    def __call__(self, clip: Clip) -> dict:
        """Makes of a clip what the model takes.

        Args:
            clip (str or Path or dict): See :meth:`read`.

        Returns:
            dict: ``inputs`` (num_clips, M, T, V, C) and ``data_samples``.

        Raises:
            ClipError: If the clip cannot be read or prepared, or does not fit
                the model.
        """
        data, name = self.read(clip), clip_name(clip)
        self._check(data, name)
        _, num_frames, _, coordinates = data['keypoint'].shape
        given = f'{name} has {coordinates} coordinates a joint and ' \
                f'{"" if "keypoint_score" in data else "no "}scores'
        # As the toolbox's datasets complete an annotation.
        data = {'total_frames': num_frames, **data, 'modality': 'Pose',
                'start_index': 0}
        for transform in self.transforms:
            try:
                data = transform(data)
            except REFUSALS as error:
                raise ClipError(
                    f'{given}, on which {type(transform).__name__} of the '
                    'test pipeline fails: '
                    f'{str(error) or type(error).__name__}') from error
        channels = data['inputs'].shape[-1]
        if self.num_channels not in (None, channels):
            raise ClipError(
                f'{given}, of which the test pipeline makes {channels} '
                f'channels, but the model takes {self.num_channels}')
        return data

    def _check(self, data: dict, name: str) -> None:
        """Raises ClipError for what no pipeline could mend."""
        keypoint = data.get('keypoint')
        shape = getattr(keypoint, 'shape', ())
        if len(shape) != 4 or 0 in shape:
            raise ClipError(
                f'{name} has no keypoint of shape (persons, frames, joints, '
                f'2 or 3), but {shape or type(keypoint).__name__}')
        if self.num_joints not in (None, shape[2]):
            raise ClipError(f'{name} has {shape[2]} joints, but the model '
                            f'takes {self.num_joints}')
        if keypoint.dtype.kind == 'f' and not np.isfinite(keypoint).all():
            raise ClipError(f'{name} has coordinates that are NaN or '
                            'infinite: write missing joints as zeros')
        problem = next(find_problems({**data, 'label': None}), None)
        if problem is not None:
            raise ClipError(f'{name} {problem.text}')


def clip_name(clip: Clip) -> str:
    """What a clip is called in results and errors."""
    if isinstance(clip, dict):
        return str(clip.get('frame_dir', 'a clip without frame_dir'))
    return str(clip)


def num_channels_of(model: nn.Module) -> Optional[int]:
    """The channels that a joint has in the inputs of a model.

    None if its encoder has no argument ``in_channels``.
    """
    backbone = model.backbone
    arguments = inspect.signature(type(backbone)).parameters
    if 'in_channels' not in arguments:
        return None
    channels = model.cfg.model.backbone.get(
        'in_channels', arguments['in_channels'].default)
    return channels * (2 if isinstance(model, SemiSupervisedRecognizer) else 1)


def find_test_dataset(cfg: Config) -> ConfigDict:
    """The test dataset of a config, within whatever wraps it.

    Raises:
        ValueError: If there is none with a pipeline.
    """
    dataset = innermost_dataset(cfg, 'test')
    if 'pipeline' not in dataset:
        raise ValueError(f'{cfg.filename or "the config"} has no pipeline in '
                         'test_dataloader.dataset, to prepare clips with')
    return dataset


def innermost_dataset(cfg: Config, use: str) -> ConfigDict:
    """What the wrappers of a dataset hold; empty if there is none.

    Args:
        cfg (Config): A toolbox config.
        use (str): ``'train'``, ``'val'`` or ``'test'``.
    """
    loader = cfg.get(f'{use}_dataloader') or {}
    dataset = loader.get('dataset', ConfigDict())
    while 'pipeline' not in dataset and 'dataset' in dataset:
        dataset = dataset.dataset
    return dataset
