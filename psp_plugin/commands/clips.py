"""Reads clips and prepares them as inputs of a model.

Shape legend: M person, T frame, V joint, C channel.
"""
import copy
import inspect
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Tuple, Union

import numpy as np
from mmaction.models.recognizers import BaseRecognizer
from mmengine.config import Config, ConfigDict
from mmengine.dataset import Compose

from psp_plugin.annotations import find_problems
from psp_plugin.models import SemiSupervisedRecognizer
from psp_plugin.models.recognizers.checks import num_joints_of
from psp_plugin.recordings import (
    InvalidRecording,
    ReadOptions,
    RecordingError,
    in_order,
    read_clip,
    same_rate,
)
from psp_plugin.skeletons import get_pyramid

Clip = Union[str, Path, Dict[str, Any]]
# Exceptions that transforms raise on data they do not support.
UNSUPPORTED = (AssertionError, IndexError, KeyError, TypeError, ValueError)
# The square of a larger coordinate is infinite in float32.
LARGEST = 1e18


class ClipError(ValueError):
    """Raised for a clip that cannot be classified, with a user message."""


class ClipPreparer:
    """Applies the test pipeline of a config and checks inputs and outputs.

    Args:
        dataset (ConfigDict): The test dataset of a config, see
            :func:`find_test_dataset`; only its pipeline is used.
        model (BaseRecognizer): The model, with its config as ``cfg``.
        options (ReadOptions, optional): How recordings are read; the number
            of persons is that of the pipeline. Defaults to None.
        meta (dict, optional): ``dataset_meta`` of the checkpoint, with the
            ``fps``, ``layout`` and ``joint_names`` of the training clips, if
            known. Defaults to None.
    """

    def __init__(self, dataset: ConfigDict, model: BaseRecognizer,
                 options: Optional[ReadOptions] = None,
                 meta: Optional[Dict[str, Any]] = None) -> None:
        self.transforms = Compose(dataset.pipeline).transforms
        self.num_joints = num_joints_of(model.backbone)
        # A model for heat maps has neither joints nor these channels.
        self.num_channels = (None if self.num_joints is None else
                             num_channels_of(model))
        # At least two, so that the pipeline can choose the main person.
        self.options = replace(
            options or ReadOptions(),
            max_persons=max([2] + [getattr(transform, 'num_person', 0)
                                   for transform in self.transforms]))
        self.fps = (meta or {}).get('fps')
        self.layout = (meta or {}).get('layout')
        self.joint_names = tuple((meta or {}).get('joint_names') or ())

    def read(self, clip: Clip) -> Dict[str, Any]:
        """Reads a recording, or copies an annotation.

        Args:
            clip (str or Path or dict): A recording, see
                :func:`psp_plugin.recordings.read_recording`, or an
                annotation in the format of ``PoseDataset``.

        Returns:
            dict: ``frame_dir``, ``keypoint`` (M, T, V, C), ``total_frames``
            and the clip's other keys; of a recording also ``fps``, if known.

        Raises:
            ClipError: If it cannot be read.
        """
        if isinstance(clip, dict):
            return copy.deepcopy(clip)
        try:
            read = read_clip(str(clip), self.options)
            if self.joint_names:
                read = in_order(read, self.joint_names, 'the training clips')
        except RecordingError as error:
            raise ClipError(str(error)) from error
        except InvalidRecording as problem:
            raise ClipError(f'{clip} {problem}') from problem
        self.compare(str(clip), dict(layout=read.layout, fps=read.fps))
        if read.fps is None:
            return read.annotation
        return dict(read.annotation, fps=read.fps)

    def compare(self, shown: str, metainfo: Dict[str, Any]) -> None:
        """Compares what is known of clips with the training clips.

        Warns if their frame rates differ by more than 1%.

        Args:
            shown (str): The clip or file, for messages.
            metainfo (dict): Its ``layout``, ``joint_names`` and ``fps``,
                where known.

        Raises:
            ClipError: If it has other joints than the training clips, or in
                another order.
        """
        layout, fps = metainfo.get('layout'), metainfo.get('fps')
        names = tuple(metainfo.get('joint_names') or ())
        if layout and self.layout and layout != self.layout:
            own, trained = (get_pyramid(each).name
                            for each in (layout, self.layout))
            raise ClipError(f'{shown} has the joints of {own!r}, but the '
                            f'model was trained on those of {trained!r}')
        if names and self.joint_names and names != self.joint_names:
            raise ClipError(f'{shown} has other joints than the training '
                            'clips, or in another order: convert it together '
                            'with them')
        if fps and self.fps and not same_rate((fps, self.fps)):
            warnings.warn(
                f'{shown} has {fps:g} frames per second, but the model was '
                f'trained with {self.fps:g}: resample with --fps '
                f'{self.fps:g}, of convert_skeletons.py for pickles',
                stacklevel=2)

    def __call__(self, clip: Clip) -> Dict[str, Any]:
        """Prepares a clip as input of the model.

        Args:
            clip (str or Path or dict): See :meth:`read`.

        Returns:
            dict: ``inputs`` (num_clips, M, T, V, C) and ``data_samples``.

        Raises:
            ClipError: If the clip cannot be read or prepared, or does not fit
                the model.
        """
        data, name = self.read(clip), clip_name(clip)
        self.check(data, name)
        _, num_frames, _, coordinates = data['keypoint'].shape
        given = f'{name} has {coordinates} coordinates per joint and ' \
                f'{"" if "keypoint_score" in data else "no "}scores'
        # The keys that the toolbox's datasets add to an annotation.
        data = {'total_frames': num_frames, **data, 'modality': 'Pose',
                'start_index': 0}
        for transform in self.transforms:
            try:
                data = transform(data)
            except UNSUPPORTED as error:
                raise ClipError(
                    f'{given}, on which {type(transform).__name__} of the '
                    'test pipeline fails: '
                    f'{str(error) or type(error).__name__}') from error
        channels = data['inputs'].shape[-1]
        if self.num_channels not in (None, channels):
            raise ClipError(
                f'{given}, from which the test pipeline makes {channels} '
                f'channels, but the model expects {self.num_channels}')
        return data

    def check(self, data: Dict[str, Any], name: str) -> None:
        """Checks a clip for problems that no pipeline can correct.

        Args:
            data (dict): What :meth:`read` returns.
            name (str): Its name for messages.

        Raises:
            ClipError: If it has one.
        """
        keypoint = data.get('keypoint')
        shape: Tuple[int, ...] = getattr(keypoint, 'shape', ())
        if keypoint is None or len(shape) != 4 or 0 in shape:
            raise ClipError(
                f'{name} must have a keypoint of shape (persons, frames, '
                f'joints, 2 or 3), not {shape or type(keypoint).__name__}')
        if self.num_joints not in (None, shape[2]):
            raise ClipError(f'{name} has {shape[2]} joints, but the model '
                            f'expects {self.num_joints}')
        if keypoint.dtype.kind == 'f' and not np.isfinite(keypoint).all():
            raise ClipError(f'{name} has coordinates that are NaN or '
                            'infinite: write missing joints as zeros')
        if (keypoint.dtype.kind == 'f'
                and float(np.abs(keypoint).max()) > LARGEST):
            raise ClipError(f'{name} has a coordinate above {LARGEST:g}, '
                            'which is too large: write missing joints as '
                            'zeros')
        problem = next(find_problems({**data, 'label': None}), None)
        if problem is not None:
            raise ClipError(f'{name} {problem.text}')


def clip_name(clip: Clip) -> str:
    """Returns the name of a clip in results and errors."""
    if isinstance(clip, dict):
        return str(clip.get('frame_dir', 'a clip without frame_dir'))
    return str(clip)


def num_channels_of(model: BaseRecognizer) -> Optional[int]:
    """Returns the number of channels per joint in the inputs of a model.

    None if its encoder has no argument ``in_channels``.
    """
    backbone = model.backbone
    arguments = inspect.signature(type(backbone)).parameters
    if 'in_channels' not in arguments:
        return None
    channels: int = model.cfg.model.backbone.get(
        'in_channels', arguments['in_channels'].default)
    return channels * (2 if isinstance(model, SemiSupervisedRecognizer) else 1)


def find_test_dataset(cfg: Config) -> ConfigDict:
    """Returns the innermost test dataset of a config, without wrappers.

    Raises:
        ValueError: If it has no pipeline.
    """
    dataset = innermost_dataset(cfg, 'test')
    if 'pipeline' not in dataset:
        raise ValueError(f'{cfg.filename or "the config"} has no pipeline in '
                         'test_dataloader.dataset to prepare clips with')
    return dataset


def innermost_dataset(cfg: Mapping[str, Any], use: str) -> ConfigDict:
    """Returns the dataset config inside any wrappers, empty without one.

    Args:
        cfg (Config or dict): A toolbox config.
        use (str): ``'train'``, ``'val'`` or ``'test'``.
    """
    loader = cfg.get(f'{use}_dataloader') or {}
    dataset = loader.get('dataset', ConfigDict())
    while 'pipeline' not in dataset and 'dataset' in dataset:
        dataset = dataset.dataset
    return dataset
