"""Classifies skeleton clips with a trained model."""
import sys
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple, Union

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.utils import ProgressBar

from psp_plugin.commands.classes import class_names
from psp_plugin.commands.clips import (
    Clip,
    ClipError,
    ClipPreparer,
    clip_name,
    find_test_dataset,
)
from psp_plugin.commands.loading import choose_device, load_model
from psp_plugin.recordings import ReadOptions
from psp_plugin.tooling.faster import make_faster
from psp_plugin.tooling.onnx_scores import OnnxScores
from psp_plugin.tooling.visualization import scores_of

from .persons import of_all_persons, split_persons
from .pictures import Pictures

# Results to be completed, and the inputs of the model for each.
Prepared = Tuple[List[Dict[str, Any]], List[Dict[str, Any]]]
RUNTIMES = ('torch', 'onnx')


class SkeletonInferencer(Pictures):
    """Classifies skeleton clips, one or many, as ``tools/test.py`` does.

    The config's test pipeline prepares the clips, so that the scores equal
    those of testing: same normalization, same frames. Any toolbox recognizer
    of skeletons is supported. 2D clips without ``img_shape`` get that of the
    pipeline's ``PreNormalize2D``, by default 1080 x 1920 pixels. A model
    without a head, such as ``HACMPretrainer``, has no ``classes``: its
    inferencer prepares clips, but raises an error when called.

    Source: the toolbox's ``ActionRecogInferencer``, for skeletons. It does not
    inherit from MMEngine's ``BaseInferencer``, where one invalid clip loses
    the results of all others.

    Args:
        config (str or Path or Config): A toolbox config.
        checkpoint (str or Path): Path or address of a checkpoint.
        device (str, optional): Defaults to None: ``'cuda:0'`` where there is
            one, else ``'cpu'``.
        classes (str or Sequence[str], optional): The names of the classes, or
            a file with one per line. Defaults to None: those of the
            checkpoint, else of the config, else numbers.
        scored (bool): Whether the last channel of a recording is the score
            of its joints. Defaults to False.
        options (ReadOptions, optional): How recordings are read; ``scored``
            is then taken from it. Defaults to None.
        runtime (str): ``'torch'``, or ``'onnx'`` to compute the scores with
            ONNX Runtime on the CPU, see
            :class:`psp_plugin.tooling.onnx_scores.OnnxScores`. Defaults to
            ``'torch'``.

    Raises:
        ValueError: If device, checkpoint, names or runtime do not fit, or if
            the config has no test pipeline.
        FileNotFoundError: If config or checkpoint are missing.
        ImportError: If a package of ``runtime='onnx'`` is missing.
    """

    def __init__(self,
                 config: Union[str, Path, Config],
                 checkpoint: Union[str, Path],
                 device: Optional[str] = None,
                 classes: Optional[Union[str, Sequence[str]]] = None,
                 scored: bool = False,
                 options: Optional[ReadOptions] = None,
                 runtime: str = 'torch') -> None:
        if not isinstance(config, Config):
            config = Config.fromfile(config)
        dataset = find_test_dataset(config)
        self.device = device_of(runtime, device)
        self.model, self.meta = load_model(config, str(checkpoint),
                                           self.device)
        make_faster(self.model, self.device)
        self.onnx = OnnxScores(self.model) if runtime == 'onnx' else None
        self.prepare = ClipPreparer(
            dataset, self.model, options or ReadOptions(scored=scored),
            self.meta.get('dataset_meta'))
        self.read = self.prepare.read
        head = self.model.cls_head if self.model.with_cls_head else None
        self.classes = class_names(head.num_classes if head else 0, classes,
                                   self.meta, dataset)

    def __call__(self,
                 clips: Union[Clip, Iterable[Clip]],
                 batch_size: int = 16,
                 top_k: int = 5,
                 on_error: str = 'raise',
                 progress: bool = False,
                 per_person: bool = False) -> List[Dict[str, Any]]:
        """Classifies clips.

        Args:
            clips (str or Path or dict, or many of them): Recordings, see
                :func:`psp_plugin.recordings.read_recording`, or
                annotations as a ``PoseDataset`` has them.
            batch_size (int): Number of clips in a batch. Defaults to 16.
            top_k (int): Number of best classes in ``top``. Defaults to 5.
            on_error (str): ``'raise'`` the error of an invalid clip, or
                ``'return'`` it among the results of the others. Defaults to
                ``'raise'``.
            progress (bool): Whether to show a progress bar on the standard
                error if there is more than one batch. Defaults to False.
            per_person (bool): Whether each person of a clip is classified as
                a clip of their own, see
                :func:`psp_plugin.apis.persons.split_persons`. Defaults to
                False.

        Returns:
            list[dict]: For every clip ``name`` (str), its path or
            ``frame_dir``, and either ``scores`` (num_classes,), float32, and
            ``top``, (label, class name, score) of the best ``top_k`` classes,
            or ``error`` (str). With ``per_person``, ``persons`` instead: a
            dict for each with ``person``, ``start``, ``end``, ``scores`` and
            ``top``.

        Raises:
            ClipError: If a clip cannot be read or prepared, or does not fit
                the model: before its batch is run, given
                ``on_error='raise'``.
            ValueError: If another argument is out of range, or if the model
                does not average its scores over sampled clips.
        """
        if batch_size < 1 or top_k < 1:
            raise ValueError('batch_size and top_k must be at least 1, not '
                             f'{batch_size} and {top_k}')
        check_on_error(on_error)
        clips = as_list(clips)
        bar = None
        if progress and len(clips) > batch_size:
            bar = ProgressBar(len(clips), file=sys.stderr)
        results = []
        for start in range(0, len(clips), batch_size):
            batch = clips[start:start + batch_size]
            results += self._classify(batch, top_k, on_error, per_person)
            if bar:
                bar.update(len(batch))
        if bar:
            bar.file.write('\n')
        return results

    def _classify(self, clips: List[Clip], top_k: int, on_error: str,
                  per_person: bool) -> List[Dict[str, Any]]:
        """The results of one batch."""
        prepare = self._prepare_persons if per_person else self._prepare_clip
        results: List[Dict[str, Any]] = [
            dict(name=clip_name(clip)) for clip in clips]
        taken, inputs = [], []
        for clip, result in zip(clips, results):
            try:
                parts, prepared = prepare(clip, result)
            except ClipError as error:
                if on_error == 'raise':
                    raise
                result['error'] = str(error)
            else:
                taken += parts
                inputs += prepared
        for start in range(0, len(inputs), len(clips)):
            part = slice(start, start + len(clips))
            for result, scores in zip(taken[part], self.predict(inputs[part])):
                result.update(scores=scores, top=self.best(scores, top_k))
        return results

    def _prepare_clip(self, clip: Clip, result: Dict[str, Any]) -> Prepared:
        return [result], [self.prepare(clip)]

    def _prepare_persons(self, clip: Clip, result: Dict[str, Any]) -> Prepared:
        """Adds ``persons`` to the result of a clip and prepares them."""
        data = self.read_persons(clip)
        persons = list(split_persons(data))
        inputs = [self.prepare(person.clip) for person in persons]
        result['persons'] = [
            dict(person=person.person, start=person.start, end=person.end)
            for person in persons]
        return result['persons'], inputs

    def read_persons(self, clip: Clip) -> Dict[str, Any]:
        """Reads a clip with all persons, not only as many as the model has.

        Args:
            clip (str or Path or dict): See :meth:`__call__`.

        Returns:
            dict: A valid annotation.

        Raises:
            ClipError: If the clip is invalid.
        """
        data = of_all_persons(self.prepare).read(clip)
        self.prepare.check(data, clip_name(clip))
        return data

    def best(self, scores: np.ndarray,
             top_k: int) -> List[Tuple[int, str, float]]:
        """Returns (label, class name, score) of the best classes, in order.

        Args:
            scores (np.ndarray): (num_classes,).
            top_k (int): Number of classes.
        """
        labels = np.argsort(-scores, kind='stable')[:top_k].tolist()
        return [(label, self.classes[label], float(scores[label]))
                for label in labels]

    def predict(self, inputs: List[Dict[str, Any]]) -> List[np.ndarray]:
        """Computes the scores of prepared clips.

        Args:
            inputs (list[dict]): What ``prepare`` returns for each clip.

        Returns:
            list[np.ndarray]: (num_classes,) each, float32.

        Raises:
            ValueError: If the model does not average its scores over sampled
                clips, or if scores are NaN.
            ExportError: If ``runtime='onnx'`` cannot run the model.
        """
        if not inputs:
            return []
        if self.onnx is not None:
            scores = self.onnx([each['inputs'] for each in inputs])
        else:
            with torch.no_grad():
                scores = scores_of(self.model.test_step(
                    pseudo_collate(inputs)))
        if np.isnan(scores).any():
            raise ValueError("the model's scores are NaN: its checkpoint has "
                             'weights that are NaN or infinite')
        return scores


def as_list(clips: Union[Clip, Iterable[Clip]]) -> List[Clip]:
    """Returns a list of one clip or of many."""
    return [clips] if isinstance(clips, (str, Path, dict)) else list(clips)


def check_on_error(on_error: str) -> None:
    """Raises ValueError unless ``on_error`` is a known value."""
    if on_error not in ('raise', 'return'):
        raise ValueError("on_error must be 'raise' or 'return', not "
                         f'{on_error!r}')


def device_of(runtime: str, device: Optional[str]) -> torch.device:
    """Selects the device of a runtime, see :class:`SkeletonInferencer`.

    Raises:
        ValueError: If the runtime is unknown or cannot compute on the device.
    """
    if runtime not in RUNTIMES:
        raise ValueError(f'runtime must be one of {", ".join(RUNTIMES)}, not '
                         f'{runtime!r}')
    if runtime == 'onnx':
        if device not in (None, 'cpu'):
            raise ValueError('ONNX Runtime computes on the CPU here, not on '
                             f"{device!r}: use device 'cpu', or runtime "
                             "'torch'")
        device = 'cpu'
    return choose_device(device)
