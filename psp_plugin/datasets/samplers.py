"""Orders of labelled clips in which every class comes equally often."""
import math
from typing import Any, Dict, Iterator, List, Optional, Sized

import numpy as np
from mmaction.registry import DATA_SAMPLERS
from mmengine.dataset import RepeatDataset
from mmengine.dist import get_dist_info, sync_random_seed
from torch.utils.data import Sampler

from psp_plugin.annotations import clip_name, is_integer, shown
from psp_plugin.errors import InputError


@DATA_SAMPLERS.register_module()
class ClassBalancedSampler(Sampler):
    """Orders labelled clips in rounds that have every class once.

    A round is one clip of each class, in random order. Each class goes through
    its clips in random order and starts over when it has had all, so that the
    clips of a rare class come more often than those of a frequent one. The
    epoch is as long as the dataset, rounded up to whole rounds: frequent
    classes do not show all their clips in an epoch, and show others in the
    next. Batches of as many clips as classes, or a multiple of it, have all
    classes equally often; others differ by what is left of a round.

    Epoch and seed alone settle the order. The copies that ``RepeatDataset``
    makes count as one clip. Of several processes each takes whole rounds, all
    of them equally many.

    Source: this project's own; class-aware sampling by rounds goes back to
    Shen, Lin and Huang, "Relay backpropagation" (ECCV 2016).

    In a config::

        train_dataloader = dict(sampler=dict(type='ClassBalancedSampler'))

    Args:
        dataset (Dataset): ``SemiSupervisedDataset``, ``CheckedPoseDataset`` or
            another with labels in ``get_data_info``, maybe repeated.
        shuffle (bool): True, as a config has it whose ``DefaultSampler`` is
            replaced. There is no other order. Defaults to True.
        seed (int, optional): The same in all processes. Defaults to None, one
            that they draw; the runner gives its own.

    Raises:
        InputError: If ``shuffle`` is False, or if the dataset has no clip, or
            one without a label or with a label that is no integer.
    """

    def __init__(self,
                 dataset: Sized,
                 shuffle: bool = True,
                 seed: Optional[int] = None) -> None:
        if not shuffle:
            raise InputError('ClassBalancedSampler draws at random: shuffle '
                             f'must be True, not {shuffle!r}; take '
                             'DefaultSampler for clips in their own order')
        self.rank, self.world_size = get_dist_info()
        self.seed = sync_random_seed() if seed is None else seed
        self.epoch = 0
        self.members = list(members_of_classes(dataset).values())
        rounds = math.ceil(len(dataset) / len(self.members))
        self.rounds = math.ceil(rounds / self.world_size)  # of one process

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
        """Sets the epoch, which has its own order.

        Args:
            epoch (int): Number of the epoch.
        """
        self.epoch = epoch


def draw(rng: np.random.Generator, indices: List[int],
         count: int) -> np.ndarray:
    """Goes through indices in random orders, one after the other.

    Args:
        rng (Generator): Source of the orders.
        indices (list[int]): What is drawn from.
        count (int): How many are drawn.

    Returns:
        ndarray: (count, ).
    """
    passes = math.ceil(count / len(indices))
    return np.concatenate([rng.permutation(indices)
                           for _ in range(passes)])[:count]


def members_of_classes(dataset: Sized) -> Dict[int, List[int]]:
    """The indices of each class that a dataset has, classes ascending.

    Args:
        dataset (Dataset): A dataset, maybe repeated.

    Raises:
        InputError: If a clip has no label or no integer as label, or if there
            is no clip.
    """
    while isinstance(dataset, RepeatDataset):
        dataset = dataset.dataset  # its indices name the first copies
    if not hasattr(dataset, 'get_data_info'):
        raise InputError('ClassBalancedSampler reads labels by get_data_info, '
                         f'which {type(dataset).__name__} does not have')
    members: Dict[int, List[int]] = {}
    for index in range(len(dataset)):
        label = checked_label(dataset.get_data_info(index))
        members.setdefault(label, []).append(index)
    if not members:
        raise InputError('ClassBalancedSampler has no clip to draw from: '
                         f'{type(dataset).__name__} is empty')
    return dict(sorted(members.items()))


def checked_label(info: Dict[str, Any]) -> int:
    """The class of a clip.

    Args:
        info (dict): The annotation of the clip.

    Raises:
        InputError: If it has no label, or one that is no integer.
    """
    label = info.get('label')
    if label is None:
        raise InputError(
            f'ClassBalancedSampler needs labels, clip {clip_name(info)!r} has '
            'none: take it for the labelled loader alone, and DefaultSampler '
            'for the unlabelled one')
    if not is_integer(label):
        raise InputError(
            f'ClassBalancedSampler needs one class a clip, clip '
            f'{clip_name(info)!r} has the label {shown(label)}: take '
            'DefaultSampler')
    return int(label)
