"""Sampler of labelled clips that draws every class equally often."""
import math
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sized

import numpy as np
from mmaction.registry import DATA_SAMPLERS
from mmengine.dataset import RepeatDataset
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from psp_plugin.annotations import (
    clip_name,
    is_integer,
    is_unlabeled,
    shown,
)
from psp_plugin.errors import InputError

from .prepared import PreparedPoses
from .semi_supervised import SemiSupervisedDataset


@DATA_SAMPLERS.register_module()
class ClassBalancedSampler(Sampler):
    """Samples labelled clips in rounds of one clip per class.

    The order within a round is random. Each class iterates over its clips in
    random order and restarts after the last, so clips of a rare class are
    sampled more often than those of a frequent one. The length of an epoch is
    that of the dataset, rounded up to complete rounds: frequent classes
    contribute a part of their clips to an epoch, and others to the next. If
    the batch size is a multiple of the number of classes, every batch has
    equally many clips per class; otherwise up to an incomplete round.

    The order depends only on epoch and seed. The copies of a
    ``RepeatDataset`` count as one clip. Every process gets the same number of
    complete rounds.

    Source: this project; class-aware sampling by rounds goes back to Shen,
    Lin and Huang, "Relay backpropagation" (ECCV 2016).

    In a config::

        train_dataloader = dict(sampler=dict(type='ClassBalancedSampler'))

    Args:
        dataset (Dataset): ``SemiSupervisedDataset``, ``CheckedPoseDataset`` or
            another with labels in ``get_data_info``, possibly repeated.
        shuffle (bool): Must be True; accepted so that the sampler can replace
            ``DefaultSampler`` in a config. Defaults to True.
        seed (int, optional): Must be the same in all processes. Defaults to
            None, a random seed shared by them; a runner passes its own.

    Raises:
        InputError: If ``shuffle`` is False, or if the dataset is empty or has
            a clip whose label is missing or not an integer.
    """

    def __init__(self,
                 dataset: Sized,
                 shuffle: bool = True,
                 seed: Optional[int] = None) -> None:
        if not shuffle:
            raise InputError('ClassBalancedSampler draws at random: shuffle '
                             f'must be True, not {shuffle!r}; use '
                             'DefaultSampler for the order of the dataset')
        self.rank, self.world_size = get_dist_info()
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0
        self.members = list(members_of_classes(dataset).values())
        rounds = math.ceil(len(dataset) / len(self.members))
        self.rounds = math.ceil(rounds / self.world_size)  # per process

    def __iter__(self) -> Iterator[int]:
        """Yields the indices of this process."""
        rng = np.random.default_rng((self.seed, self.epoch))
        count = self.rounds * self.world_size
        rounds = np.stack([draw(rng, indices, count)
                           for indices in self.members], axis=1)
        rounds = rng.permuted(rounds, axis=1)
        return iter(rounds[self.rank::self.world_size].ravel().tolist())

    def __len__(self) -> int:
        """The number of indices of this process."""
        return self.rounds * len(self.members)

    def set_epoch(self, epoch: int) -> None:
        """Sets the epoch, which determines the order together with the seed.

        Args:
            epoch (int): Number of the epoch.
        """
        self.epoch = epoch


def draw(rng: np.random.Generator, indices: List[int],
         count: int) -> np.ndarray:
    """Concatenates random permutations of indices up to ``count``.

    Args:
        rng (Generator): Random number generator.
        indices (list[int]): The indices to permute.
        count (int): Number of indices to return.

    Returns:
        ndarray: (count, ).
    """
    passes = math.ceil(count / len(indices))
    return np.concatenate([rng.permutation(indices)
                           for _ in range(passes)])[:count]


def members_of_classes(dataset: Sized) -> Dict[int, List[int]]:
    """Returns the indices of the clips of each class, sorted by class.

    Args:
        dataset (Dataset): A dataset, possibly repeated.

    Raises:
        InputError: If a label is missing or not an integer, or if the dataset
            is empty.
    """
    while isinstance(dataset, RepeatDataset):
        dataset = dataset.dataset  # the same indices, for the first copies
    if not hasattr(dataset, 'get_data_info'):
        raise InputError('ClassBalancedSampler reads labels by get_data_info, '
                         f'which {type(dataset).__name__} does not have: use '
                         'SemiSupervisedDataset')
    members: Dict[int, List[int]] = {}
    for index, label in enumerate(labels_of(dataset)):
        if not is_integer(label) or is_unlabeled(label):
            label = checked_label(dataset.get_data_info(index))
        members.setdefault(int(label), []).append(index)
    if not members:
        raise InputError('ClassBalancedSampler has no clip to draw from: '
                         f'{type(dataset).__name__} is empty')
    return dict(sorted(members.items()))


def labels_of(dataset: Sized) -> Iterable[Any]:
    """Returns the labels of all clips, without reading clips if possible."""
    if isinstance(dataset, (SemiSupervisedDataset, PreparedPoses)):
        return dataset.names_and_labels()[1]
    return (dataset.get_data_info(index).get('label')
            for index in range(len(dataset)))


def checked_label(info: Dict[str, Any]) -> int:
    """Returns the class of a clip.

    Args:
        info (dict): The annotation of the clip.

    Raises:
        InputError: If its label is missing or not an integer.
    """
    label = info.get('label')
    if is_unlabeled(label):
        raise InputError(
            f'ClassBalancedSampler needs labels, clip {clip_name(info)!r} has '
            'none: use it for the labelled loader only, and DefaultSampler '
            'for the unlabelled one')
    if not is_integer(label):
        raise InputError(
            f'ClassBalancedSampler needs one class per clip, clip '
            f'{clip_name(info)!r} has the label {shown(label)}: use '
            'DefaultSampler')
    return int(label)
