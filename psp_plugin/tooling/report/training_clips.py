"""Which clips a config trains on, labelled and unlabelled."""
from collections import Counter
from dataclasses import replace
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Set

import numpy as np
from mmaction.registry import DATASETS
from mmengine.config import Config

from psp_plugin.annotations import is_integer
from psp_plugin.commands.batches import DatasetClips
from psp_plugin.configs import find_dicts
from psp_plugin.datasets.semi_supervised import (
    Source,
    classes_of,
    open_source,
)
from psp_plugin.errors import InputError

SPLIT = 'SemiSupervisedDataset'


class TrainingClips(NamedTuple):
    """The clips of a training; labels of unlabelled ones are not read."""
    labeled: int
    """Number of labelled clips; 0 for a pre-training, which reads none."""
    per_class: Dict[int, int]
    """Number of labelled clips by class."""
    unlabeled: List[DatasetClips]
    """The unlabelled clips, without the labelled ones; empty without any."""

    @property
    def num_unlabeled(self) -> int:
        """Number of unlabelled clips."""
        return sum(map(len, self.unlabeled))


class Opened(NamedTuple):
    """A dataset of the training."""
    source: Source
    labeled: Optional[Set[str]] = None
    """The labelled clips of a ``SemiSupervisedDataset``, None for others."""


def find_training_clips(cfg: Config) -> TrainingClips:
    """Finds the labelled and the unlabelled clips of a config.

    The unlabelled ones are those of ``InterleaveHook``: of its own dataset,
    or those that the ``SemiSupervisedDataset`` of the training leaves; in a
    pre-training they are all training clips.

    Args:
        cfg (Config): A toolbox config.

    Raises:
        InputError: If a dataset cannot be read.
        FileNotFoundError: If an annotation file is missing.
    """
    train = list(innermost((cfg.get('train_dataloader') or {}).get('dataset')))
    if not cfg.model.get('cls_head'):
        return TrainingClips(0, {}, [
            _unlabeled(Opened(_source(part))) for part in train])
    opened = [_open(part) for part in train]
    labels = [label for each in opened for label in _labels(each)]
    classes = Counter(int(each) for label in labels
                      for each in classes_of(label) if is_integer(each))
    return TrainingClips(len(labels), dict(classes),
                         [_unlabeled(opened[train.index(part)]
                                     if part in train else _open(part))
                          for part in _pools(cfg, train)])


def innermost(dataset: Optional[Dict[str, Any]]) -> Iterator[Dict[str, Any]]:
    """Yields the datasets inside wrappers, ``SemiSupervisedDataset`` whole."""
    if not dataset:
        return
    inner = [dataset['dataset']] if 'dataset' in dataset else (
        dataset.get('datasets') or [])
    if dataset.get('type') == SPLIT or not inner:
        yield dataset
        return
    for part in inner:
        yield from innermost(part)


def _source(part: Dict[str, Any]) -> Source:
    return open_source(part['dataset'] if part.get('type') == SPLIT else part)


def _open(part: Dict[str, Any]) -> Opened:
    """Opens a dataset of the training, and draws its labelled clips."""
    source = _source(part)  # kept, so that the view reads no file again
    if part.get('type') != SPLIT:
        return Opened(source)
    view = DATASETS.build(dict(
        part, subset='labeled', unlabeled_pipeline=None,
        dataset=dict(part['dataset'], pipeline=[])))
    return Opened(source, set(view.labeled_names))


def _labels(opened: Opened) -> List[Any]:
    """The labels that a training dataset gives to its classifier."""
    return [label for name, label in zip(*opened.source.clips)
            if (label is not None if opened.labeled is None
                else name in opened.labeled)]


def _pools(cfg: Config,
           train: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """The datasets that ``InterleaveHook`` draws unlabelled clips from."""
    pools: List[Dict[str, Any]] = []
    for _, hook in find_dicts(cfg.get('custom_hooks') or []):
        if hook.get('type') != 'InterleaveHook':
            continue
        own = hook['unlabeled_dataloader'].get('dataset')
        found = list(innermost(own)) if own else [
            part for part in train if part.get('type') == SPLIT]
        if not found:
            raise InputError(
                'InterleaveHook has no dataset in unlabeled_dataloader, and '
                f'the training has no {SPLIT}: set one of them')
        pools += found
    return pools


def _unlabeled(opened: Opened) -> DatasetClips:
    names, _ = opened.source.clips
    return DatasetClips(opened.source, [
        place for place, name in enumerate(names)
        if name not in (opened.labeled or ())], labeled=False)


def draw(pools: List[DatasetClips], limit: int,
         seed: int) -> List[DatasetClips]:
    """Draws clips at random if there are more than a limit.

    Args:
        pools (list[DatasetClips]): The clips.
        limit (int): Maximum number of clips of all pools together.
        seed (int): Seed of the draw.
    """
    sizes = list(map(len, pools))
    if sum(sizes) <= limit:
        return pools
    chosen = np.zeros(sum(sizes), bool)
    chosen[np.random.default_rng(seed).choice(
        len(chosen), limit, replace=False)] = True
    parts = np.split(chosen, np.cumsum(sizes)[:-1])
    return [replace(pool, places=[place for place, wanted in zip(
        pool.places, part) if wanted]) for pool, part in zip(pools, parts)]
