"""Chooses clips of a dataset and computes one feature vector per clip.

Shape legend: B sample, N batch (samples x clips), M person,
T frame, V joint, C channel.
"""
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from mmengine.dataset import pseudo_collate
from torch import nn
from torch.utils.data import DataLoader, Dataset

from psp_plugin.commands.command_line import show_progress
from psp_plugin.errors import InputError
from psp_plugin.models.recognizers.checks import check_features
from psp_plugin.skeletons import LEVELS


def find_classes(names: Sequence[str], wanted: Sequence[str]) -> List[int]:
    """Finds classes by name or number.

    Args:
        names (Sequence[str]): The names of all classes.
        wanted (Sequence[str]): Names, or numbers from 0.

    Returns:
        list[int]: Labels, in the order of ``wanted``, without repetition.

    Raises:
        InputError: If a class does not exist.
    """
    labels: Dict[int, None] = {}
    for word in wanted:
        if word in names:
            label = list(names).index(word)
        elif word.isdecimal() and int(word) < len(names):
            label = int(word)
        else:
            raise InputError(
                f'there is no class {word!r}: give numbers from 0 to '
                f'{len(names) - 1} or names, which are {", ".join(names)}')
        labels[label] = None
    return list(labels)


def choose_clips(dataset,
                 labels: Optional[Sequence[int]] = None,
                 max_clips: Optional[int] = None,
                 seed: int = 0) -> List[Tuple[int, str, int]]:
    """Chooses the clips of some classes, a random subset if too many.

    Args:
        dataset (BaseDataset): A labelled dataset of the toolbox.
        labels (Sequence[int], optional): The classes. Defaults to None: all
            classes of the dataset.
        max_clips (int, optional): Maximum number of clips. Defaults to None:
            no limit.
        seed (int): Seed of the random subset. Defaults to 0.

    Returns:
        list[tuple[int, str, int]]: Index, name and label of each clip, in the
        order of the dataset.

    Raises:
        InputError: If ``max_clips`` is less than 1, if a clip does not have
            exactly one label, or if one of the classes has no clip.
    """
    if max_clips is not None and max_clips < 1:
        raise InputError(f'max_clips must be at least 1, not {max_clips}')
    clips, counts = [], dict.fromkeys(labels or (), 0)
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        name = info.get('frame_dir', info.get('filename', str(index)))
        label = info.get('label')
        if label is None or np.ndim(label):
            raise InputError(
                f'clip {name!r} of the dataset has '
                f'{"no label" if label is None else "several labels"}: '
                'every clip must have one class')
        if labels is None or label in counts:
            counts[label] = counts.get(label, 0) + 1
            clips.append((index, name, int(label)))
    absent = [str(label) for label, count in counts.items() if not count]
    if absent:
        raise InputError(f'the dataset has no clip of class '
                         f'{", ".join(absent)}: choose other classes')
    if max_clips is not None and max_clips < len(clips):
        chosen = np.random.default_rng(seed).choice(
            len(clips), max_clips, replace=False)
        clips = [clips[i] for i in sorted(chosen)]
    return clips


def clip_features(model: nn.Module,
                  dataset: Dataset,
                  level: Optional[str] = None,
                  batch_size: int = 8) -> torch.Tensor:
    """Computes the features of all samples of a dataset.

    These are encoder features, averaged over persons, frames and joints as in
    the classifier, or the L2-normalized projected features of a level, as in
    the contrastive loss. The streams of a ``PSPRecognizer`` are concatenated;
    the sampled clips of a sample are averaged.

    Source: PSP Learning (arXiv 2302.02327), figures 6 and 8, which do not
    specify the features; they are a choice of this package.

    Args:
        model (nn.Module): A toolbox recognizer in eval mode whose encoder
            returns (N, M, C, T, V): a ``PSPRecognizer`` or a GCN.
        dataset (Dataset): Samples as packed by their pipeline.
        level (str, optional): ``'body'``, ``'part'`` or ``'joint'`` for
            projected features. Defaults to None: encoder features.
        batch_size (int): Batch size. Defaults to 8.

    Returns:
        Tensor: (len(dataset), D), float32 on the CPU.

    Raises:
        InputError: If the level is unknown, or if the model does not have
            projected features of it.
        ValueError: If the encoder's features have no joint axis.
    """
    check_level(model, level)
    # No workers: their exceptions contain a traceback.
    loader = DataLoader(dataset, batch_size, collate_fn=pseudo_collate)
    rows = []
    for batch in show_progress(loader, 'computing features'):
        rows.append(batch_features(model, batch, level))
    return torch.cat(rows).cpu()


def check_level(model: nn.Module, level: Optional[str]) -> None:
    """Raises InputError if a model has no projected features of a level."""
    if level not in (None, *LEVELS):
        raise InputError(f'level must be one of {", ".join(LEVELS)}, not '
                         f'{level!r}')
    if level is not None and not hasattr(model, 'projector'):
        raise InputError(
            f'this {type(model).__name__} has no projector, thus no projected '
            f'features of level {level!r}: omit the level')


def batch_features(model: nn.Module, batch: dict,
                   level: Optional[str] = None,
                   per_joint: bool = False) -> torch.Tensor:
    """Computes the features of a batch, see :func:`clip_features`.

    Args:
        model (nn.Module): A toolbox recognizer in eval mode.
        batch (dict): Collated samples.
        level (str, optional): Level of projected features. Defaults to None:
            encoder features.
        per_joint (bool): Whether the encoder features are averaged over
            persons and frames only; not with a level. Defaults to False.

    Returns:
        Tensor: (B, D), or (B, V, D) per joint, float32.
    """
    inputs = model.data_preprocessor(batch)['inputs']
    samples, clips = inputs.shape[:2]
    with torch.no_grad():
        if level is None:
            vectors = pool_streams(encode_streams(model, inputs), per_joint)
        else:  # of the student, which has neck and projector
            vectors = _project(model, model.encode(
                dict(clips=inputs))['clips'], level)
    return vectors.unflatten(0, (samples, clips)).mean(1).float()


def encode_streams(model: nn.Module, inputs: torch.Tensor) -> tuple:
    """Returns the encoder features, (N, M, C, T, V) per stream."""
    features, _ = model.extract_feat(inputs, stage='backbone')
    streams = features if isinstance(features, tuple) else (features, )
    for x in streams:
        check_features(model.backbone, inputs.flatten(0, 1), x)
    return streams


def pool_streams(streams: tuple, per_joint: bool = False) -> torch.Tensor:
    """Averages features to (N, C) for one stream, (N, 2C) for two.

    Per joint to (N, V, C) and (N, V, 2C).
    """
    if per_joint:
        return torch.cat([x.mean((1, 3)).mT for x in streams], 2)
    return torch.cat([x.mean((1, 3, 4)) for x in streams], 1)


def _project(model: nn.Module, streams: tuple, level: str) -> torch.Tensor:
    """Computes z^p, h^p or g^p of section 3.4, scaled to length 1."""
    pyramid = model.neck(torch.cat(streams))
    if level not in pyramid:
        raise InputError(f'the neck {type(model.neck).__name__} has no level '
                         f'{level!r}, only {", ".join(pyramid)}')
    projected = F.normalize(model.projector(pyramid[level]), dim=1)
    return torch.cat(projected.chunk(len(streams)), 1)
