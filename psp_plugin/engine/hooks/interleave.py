"""Combines labelled and unlabelled batches."""
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

LABELED, UNLABELED = 0, 1  # indices of the loaders, for seeds


@HOOKS.register_module()
class InterleaveHook(Hook):
    """Adds one unlabelled batch to every labelled batch of a train loop.

    The batch ``dict(inputs, data_samples)`` of the loop becomes, in place,
    ``dict(inputs=dict(labeled, unlabeled), data_samples=dict(...))``. The
    labelled loader sets the length of an epoch; the unlabelled one restarts
    whenever it ends. On resuming, its past batches are skipped, as MMEngine's
    ``IterBasedTrainLoop`` does with the labelled ones.

    Its priority is above that of ``IterTimerHook``, so that ``data_time``
    includes the loading of both branches.

    Args:
        unlabeled_dataloader (dict): Dataloader config as in the toolbox;
            samplers, seeds, ranks and workers are handled by the runner.
            Without ``dataset`` the unlabelled clips of the
            ``SemiSupervisedDataset`` in the train dataloader are used, so
            that ratio and seed of a split are written once.

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
        """Builds the loader and skips the batches of past iterations.

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
            epoch, offset = 0, runner.iter  # one infinite pass
        self._batches = cycle(loader, epoch, runner.seed)
        for _ in range(offset):
            next(self._batches)

    def before_train_iter(self, runner: Runner, batch_idx: int,
                          data_batch: Optional[dict] = None) -> None:
        """Adds an unlabelled branch to the labelled batch.

        Args:
            runner (Runner): The runner.
            batch_idx (int): Index of the batch in the loop.
            data_batch (dict): The labelled batch, changed in place since the
                loop passes the same object to the model.
        """
        unlabeled = next(self._batches)
        for key, labeled in data_batch.items():
            data_batch[key] = dict(labeled=labeled, unlabeled=unlabeled[key])

    def after_train(self, runner: Runner) -> None:
        """Releases the loader, which ends its workers.

        Args:
            runner (Runner): The runner.
        """
        self.loader = self._batches = None


def with_dataset(cfg: dict, labeled: DataLoader) -> dict:
    """Returns the config of an unlabelled loader with its dataset.

    Args:
        cfg (dict): Dataloader config.
        labeled (DataLoader): The labelled loader, whose dataset defines the
            unlabelled clips if the config has no ``dataset``.
    """
    if 'dataset' in cfg:
        return dict(cfg)
    return dict(cfg, dataset=find_labeled(labeled.dataset).unlabeled_cfg())


def build_loader(runner: Runner, cfg: dict) -> DataLoader:
    """Builds a training loader in the same way as the runner.

    Args:
        runner (Runner): Its seed is used.
        cfg (dict): Dataloader config.
    """
    return runner.build_dataloader(
        cfg,
        seed=runner.seed,
        diff_rank_seed=runner._randomness_cfg.get('diff_rank_seed', False))


def is_endless(loader: DataLoader) -> bool:
    """Whether a loader makes one infinite pass."""
    return isinstance(loader.batch_sampler.sampler, InfiniteSampler)


def find_labeled(dataset) -> SemiSupervisedDataset:
    """Finds the ``SemiSupervisedDataset`` inside dataset wrappers.

    Args:
        dataset (Dataset): A dataset, possibly wrapped (``RepeatDataset``).

    Raises:
        InputError: If no wrapped dataset is one.
    """
    inner = dataset
    while not isinstance(inner, SemiSupervisedDataset):
        inner = getattr(inner, 'dataset', None)
        if inner is None:
            raise InputError(
                'InterleaveHook found no SemiSupervisedDataset in the train '
                f'dataloader ({type(dataset).__name__}): set dataset in '
                'unlabeled_dataloader')
    return inner


def check_unlabeled(loader: DataLoader) -> None:
    """Checks that an unlabelled loader yields batches.

    Raises:
        InputError: If it yields none.
    """
    if len(loader.dataset) == 0:
        raise InputError('the unlabelled loader has no clips, since all are '
                         'labelled: label fewer, or remove InterleaveHook')
    if len(loader) == 0:
        raise InputError(
            f'the unlabelled loader has {len(loader.sampler)} clips in '
            f'each process, fewer than one batch of {loader.batch_size}: '
            'lower its batch_size or set drop_last=False')


def seed_workers(loader: DataLoader, *key: int) -> None:
    """Seeds the workers of a loader's next pass, differently in each pass.

    MMEngine seeds workers with the same numbers whenever they start, that is
    in every pass, unless they are persistent. A ``worker_init_fn`` from the
    config is not changed.

    Args:
        loader (DataLoader): A loader built by MMEngine.
        *key (int): Seed of the run, index of the loader, index of the pass.
    """
    if getattr(loader.worker_init_fn, 'func', None) is worker_init_fn:
        seed = np.random.SeedSequence(key).generate_state(1)[0]
        loader.worker_init_fn = partial(
            loader.worker_init_fn, seed=int(seed) // 2)  # room for the rank


def cycle(loader: DataLoader, epoch: int = 0,
          seed: int = 0) -> Iterator[dict]:
    """Yields batches endlessly, each pass in the order of its epoch.

    Args:
        loader (DataLoader): A loader with at least one batch.
        epoch (int): The first pass. Defaults to 0.
        seed (int): Seed of the workers' random states. Defaults to 0.
    """
    sampler = loader.batch_sampler.sampler
    while True:
        if hasattr(sampler, 'set_epoch'):
            sampler.set_epoch(epoch)
        seed_workers(loader, seed, UNLABELED, epoch)
        yield from loader
        epoch += 1
