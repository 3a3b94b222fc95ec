"""What a model makes of clips, as one vector a clip.

Shape legend: B sample, N batch (every clip of a sample counts), M person,
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
        list[int]: Labels, in the order of ``wanted``, each once.

    Raises:
        InputError: If there is no such class.
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
    """Chooses the clips of some classes, at random where they are too many.

    Args:
        dataset (BaseDataset): A labelled dataset of the toolbox.
        labels (Sequence[int], optional): The classes. Defaults to None: all
            that the dataset has.
        max_clips (int, optional): The most clips to choose. Defaults to None,
            no limit.
        seed (int): Seed of the choice. Defaults to 0.

    Returns:
        list[tuple[int, str, int]]: Index, name and label of each clip, in the
        order of the dataset.

    Raises:
        InputError: If ``max_clips`` is less than 1, if a clip has not one
            label, or if no clip is of one of the classes.
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
                f'clip {name!r} of the data set has '
                f'{"no label" if label is None else "several labels"}: '
                'clips of one class each are needed')
        if labels is None or label in counts:
            counts[label] = counts.get(label, 0) + 1
            clips.append((index, name, int(label)))
    absent = [str(label) for label, count in counts.items() if not count]
    if absent:
        raise InputError(f'the data set has no clip of class '
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

    Those of the encoder, averaged over persons, frames and joints as the
    classifier does, or what the contrastive loss compares: projected features
    of a level, scaled to length 1. The streams of a ``PSPRecognizer`` are
    concatenated; the sampled clips of a sample are averaged.

    Source: PSP Learning (arXiv 2302.02327), figures 6 and 8, which do not say
    which features they show; that is settled here.

    Args:
        model (nn.Module): A toolbox recognizer in eval mode whose encoder
            gives (N, M, C, T, V): a ``PSPRecognizer`` or a GCN.
        dataset (Dataset): Samples as its pipeline packs them.
        level (str, optional): ``'body'``, ``'part'`` or ``'joint'`` for the
            projected features. Defaults to None, the encoder's.
        batch_size (int): Number of samples in a batch. Defaults to 8.

    Returns:
        Tensor: (len(dataset), D), float32 on the CPU.

    Raises:
        InputError: If the level is another one, or if the model has none.
        ValueError: If the encoder's features have no joints.
    """
    if level not in (None, *LEVELS):
        raise InputError(f'level must be one of {", ".join(LEVELS)}, not '
                         f'{level!r}')
    if level is not None and not hasattr(model, 'projector'):
        raise InputError(
            f'this {type(model).__name__} has no projector, thus no projected '
            f'features of level {level!r}: leave the level away')
    # In this process: what a worker raises is a page, not a sentence.
    loader = DataLoader(dataset, batch_size, collate_fn=pseudo_collate)
    rows = []
    for batch in show_progress(loader, 'computing features'):
        inputs = model.data_preprocessor(batch)['inputs']
        samples, clips = inputs.shape[:2]
        with torch.no_grad():
            if level is None:
                vectors = _pool(_encode(model, inputs))
            else:  # of the student, whose neck and projector they are
                vectors = _project(model, model.encode(
                    dict(clips=inputs))['clips'], level)
        rows.append(vectors.unflatten(0, (samples, clips)).mean(1).float())
    return torch.cat(rows).cpu()


def _encode(model: nn.Module, inputs: torch.Tensor) -> tuple:
    """The encoder's features, (N, M, C, T, V) a stream."""
    features, _ = model.extract_feat(inputs, stage='backbone')
    streams = features if isinstance(features, tuple) else (features, )
    for x in streams:
        check_features(model.backbone, inputs.flatten(0, 1), x)
    return streams


def _pool(streams: tuple) -> torch.Tensor:
    """(N, C) of a single stream, (N, 2C) of two."""
    return torch.cat([x.mean((1, 3, 4)) for x in streams], 1)


def _project(model: nn.Module, streams: tuple, level: str) -> torch.Tensor:
    """z^p, h^p or g^p of section 3.4, of length 1 as the loss has them."""
    pyramid = model.neck(torch.cat(streams))
    if level not in pyramid:
        raise InputError(f'the neck {type(model.neck).__name__} gives no '
                         f'level {level!r}, but {", ".join(pyramid)}')
    projected = F.normalize(model.projector(pyramid[level]), dim=1)
    return torch.cat(projected.chunk(len(streams)), 1)
