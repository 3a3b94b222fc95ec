"""Puts unlabelled batches beside labelled ones."""
from functools import partial
from typing import Iterator, Optional

import numpy as np
from mmaction.registry import HOOKS
from mmengine.dataset import InfiniteSampler, worker_init_fn
from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner
from torch.utils.data import DataLoader

from psp_plugin.datasets import SemiSupervisedDataset
from psp_plugin.errors import InputError

from ..distributed import check_equal_epochs

LABELED, UNLABELED = 0, 1  # numbers of the loaders


@HOOKS.register_module()
class InterleaveHook(Hook):
    """Adds one unlabelled batch to every labelled batch of a train loop.

    The batch ``dict(inputs, data_samples)`` of the loop becomes, in place,
    ``dict(inputs=dict(labeled, unlabeled), data_samples=dict(...))``. The
    labelled loader sets the length of an epoch; the unlabelled one starts
    over whenever it ends. On resuming, it is wound forward to where it was,
    as MMEngine's ``IterBasedTrainLoop`` winds the labelled one.

    Its priority is above that of ``IterTimerHook``, so that ``data_time``
    counts the loading of both branches.

    Args:
        unlabeled_dataloader (dict): Dataloader config as any in the toolbox;
            samplers, seeds, ranks and workers are handled by the runner.
            Without ``dataset`` it takes the unlabelled view of the
            ``SemiSupervisedDataset`` in the train dataloader, so that ratio
            and seed of a split are written once.

    Raises:
        InputError: In ``before_train``, if no ``dataset`` is given and the
            train dataloader has no ``SemiSupervisedDataset``, if the
            unlabelled loader yields no batch, or if processes have labelled
            epochs of unequal length.
    """

    priority = 'ABOVE_NORMAL'

    def __init__(self, unlabeled_dataloader: dict) -> None:
        self.unlabeled_dataloader = unlabeled_dataloader
        self.loader: Optional[DataLoader] = None
        self._batches: Optional[Iterator[dict]] = None

    def before_train(self, runner: Runner) -> None:
        """Builds the loader and winds it forward to the runner's iteration.

        Args:
            runner (Runner): The runner, its checkpoint loaded.
        """
        if not isinstance(runner.train_loop, IterBasedTrainLoop):
            check_equal_epochs(runner.train_dataloader)
        loader = self.loader = build_loader(runner, with_dataset(
            self.unlabeled_dataloader, runner.train_dataloader))
        check_unlabeled(loader)
        epoch, offset = divmod(runner.iter, len(loader))
        if is_endless(loader):
            epoch, offset = 0, runner.iter  # it is one pass without an end
        self._batches = cycle(loader, epoch, runner.seed)
        for _ in range(offset):
            next(self._batches)

    def before_train_iter(self, runner: Runner, batch_idx: int,
                          data_batch: Optional[dict] = None) -> None:
        """Makes the labelled batch one of two branches.

        Args:
            runner (Runner): The runner.
            batch_idx (int): Index of the batch in the loop.
            data_batch (dict): The labelled batch, changed in place since the
                loop hands the same object to the model.
        """
        unlabeled = next(self._batches)
        for key, labeled in data_batch.items():
            data_batch[key] = dict(labeled=labeled, unlabeled=unlabeled[key])

    def after_train(self, runner: Runner) -> None:
        """Ends the loader's workers.

        Args:
            runner (Runner): The runner.
        """
        self.loader = self._batches = None


def with_dataset(cfg: dict, labeled: DataLoader) -> dict:
    """The config of an unlabelled loader, its dataset filled in.

    Args:
        cfg (dict): Dataloader config.
        labeled (DataLoader): Gives the clips it leaves, where the config has
            no ``dataset``.
    """
    if 'dataset' in cfg:
        return dict(cfg)
    return dict(cfg, dataset=find_labeled(labeled.dataset).unlabeled_cfg())


def build_loader(runner: Runner, cfg: dict) -> DataLoader:
    """Builds a training loader as the runner builds its own.

    Args:
        runner (Runner): Gives the seed.
        cfg (dict): Dataloader config.
    """
    return runner.build_dataloader(
        cfg,
        seed=runner.seed,
        diff_rank_seed=runner._randomness_cfg.get('diff_rank_seed', False))


def is_endless(loader: DataLoader) -> bool:
    """Whether a loader makes one pass that does not end."""
    return isinstance(loader.batch_sampler.sampler, InfiniteSampler)


def find_labeled(dataset) -> SemiSupervisedDataset:
    """Finds the ``SemiSupervisedDataset`` inside dataset wrappers.

    Args:
        dataset (Dataset): A dataset, maybe wrapped (``RepeatDataset``).

    Raises:
        InputError: If there is none.
    """
    inner = dataset
    while not isinstance(inner, SemiSupervisedDataset):
        inner = getattr(inner, 'dataset', None)
        if inner is None:
            raise InputError(
                'InterleaveHook found no SemiSupervisedDataset in the train '
                f'dataloader ({type(dataset).__name__}): give '
                'unlabeled_dataloader a dataset of its own')
    return inner


def check_unlabeled(loader: DataLoader) -> None:
    """Checks that an unlabelled loader has batches to give.

    Raises:
        InputError: If it has none.
    """
    if len(loader.dataset) == 0:
        raise InputError('the unlabelled loader holds no clip: all are '
                         'labelled')
    if len(loader) == 0:
        raise InputError(
            f'the unlabelled loader holds {len(loader.sampler)} clips in '
            f'each process, fewer than one batch of {loader.batch_size}: '
            'lower its batch_size or set drop_last=False')


def seed_workers(loader: DataLoader, *key: int) -> None:
    """Gives the workers of a loader's next pass random states of their own.

    MMEngine seeds workers with the same numbers whenever they start, that is
    in every pass, unless they are persistent. A ``worker_init_fn`` of the
    config's own is left as it is.

    Args:
        loader (DataLoader): A loader that MMEngine has built.
        *key (int): Seed of the run, number of the loader, number of the pass.
    """
    if getattr(loader.worker_init_fn, 'func', None) is worker_init_fn:
        seed = np.random.SeedSequence(key).generate_state(1)[0]
        loader.worker_init_fn = partial(
            loader.worker_init_fn, seed=int(seed) // 2)  # room for the rank


def cycle(loader: DataLoader, epoch: int = 0,
          seed: int = 0) -> Iterator[dict]:
    """Yields batches without end, each pass in its epoch's own order.

    Args:
        loader (DataLoader): A loader of at least one batch.
        epoch (int): The pass to start with. Defaults to 0.
        seed (int): Seed of the workers' random states. Defaults to 0.
    """
    sampler = loader.batch_sampler.sampler
    while True:
        if hasattr(sampler, 'set_epoch'):
            sampler.set_epoch(epoch)
        seed_workers(loader, seed, UNLABELED, epoch)
        yield from loader
        epoch += 1
