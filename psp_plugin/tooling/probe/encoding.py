"""Clips, labelled clips and features for evaluating a frozen encoder."""
from collections import Counter
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from torch import nn
from torch.utils.data import Dataset

from psp_plugin.annotations import is_integer, pass_pipeline, take_clip
from psp_plugin.commands.clips import innermost_dataset
from psp_plugin.datasets import SemiSupervisedDataset
from psp_plugin.datasets.semi_supervised import Source, open_source
from psp_plugin.errors import InputError

from ..visualization import clip_features


def find_dataset(cfg: Config, use: str) -> dict:
    """Returns the innermost dataset config of a dataloader.

    Args:
        cfg (Config): The config.
        use (str): ``'train'``, ``'val'`` or ``'test'``.

    Raises:
        InputError: If the config has no such dataloader.
    """
    dataset = innermost_dataset(cfg, use)
    if not dataset:
        raise InputError(f'{cfg.filename} has no {use}_dataloader')
    return dataset


class Clips(NamedTuple):
    """All clips of a dataset.

    Args:
        cfg (dict): Config of the dataset, without pipeline.
        source (Source): The built dataset.
        names (list[str]): One per clip.
        labels (list[int]): One per clip.
    """
    cfg: dict
    source: Source
    names: List[str]
    labels: List[int]


def open_clips(cfg: dict, **changes: Any) -> Clips:
    """Reads names and labels of a dataset.

    Args:
        cfg (dict): Config of the dataset. Labels are read even if it sets
            ``drop_labels``, as for pre-training.
        **changes: Arguments of the dataset to override.

    Raises:
        InputError: If the dataset cannot be built or is empty, or if a clip
            does not have exactly one label.
        FileNotFoundError: If the annotation file is missing.
    """
    cfg = dict(cfg, pipeline=[], **changes)
    if cfg.get('drop_labels'):
        cfg['drop_labels'] = False
    try:
        source = open_source(cfg)
    except TypeError as error:
        raise InputError(f'a probe cannot use the dataset: {error}') from error
    names, labels = source.clips
    if not names:
        raise InputError(f'{source} has no clip')
    for name, label in zip(names, labels):
        if not is_integer(label):
            what = 'no label' if label is None else f'the label {label!r}'
            raise InputError(f'{source}: clip {name!r} has {what}: a probe '
                             'needs one class number of every clip')
    return Clips(cfg, source, names, [int(label) for label in labels])


def sample_labeled(clips: Clips, ratio: float, seed: int,
                   balanced: bool) -> List[int]:
    """Samples the labelled clips as ``SemiSupervisedDataset`` does.

    Args:
        clips (Clips): All clips.
        ratio (float): Label fraction, in (0, 1]; 1 selects all clips.
        seed (int): Seed of the sampling.
        balanced (bool): Whether to sample the same number per class instead
            of int(ratio * N) over all classes.

    Returns:
        list[int]: Indices of the labelled clips.

    Raises:
        InputError: If the clips cannot be sampled.
    """
    if ratio == 1:
        return list(range(len(clips.names)))
    labeled = SemiSupervisedDataset(
        clips.cfg, labeled_ratio=ratio, seed=seed, balanced=balanced)
    place = {name: i for i, name in enumerate(clips.names)}
    return [place[name] for name in labeled.labeled_names]


class TestClips:
    """The clips of several test splits, without repetition.

    Splits may overlap: clips with the same name count as one clip, which is
    encoded once.

    Args:
        cfg (dict): Config of the test dataset.
        splits (Sequence[str], optional): Names of splits. Defaults to None:
            the split of the config.

    Raises:
        InputError: If a split does not exist or contains a name twice.
        FileNotFoundError: If the annotation file is missing.
    """
    __test__ = False  # not a test class of pytest

    def __init__(self, cfg: dict,
                 splits: Optional[Sequence[str]] = None) -> None:
        # A dataset without splits: all clips.
        changes = {split: dict(split=split) for split in splits or ()}
        self.items: List[Tuple[Source, int]] = []
        self.labels: List[int] = []
        self.splits = {}
        place = {}
        for name, change in (changes or {
                cfg.get('split') or 'test': {}}).items():
            clips = open_clips(cfg, **change)
            twice, times = Counter(clips.names).most_common(1)[0]
            if times > 1:
                raise InputError(f'{clips.source}: clip {twice!r} is listed '
                                 f'{times} times, not once')
            for i, clip in enumerate(clips.names):
                if clip not in place:
                    place[clip] = len(self.items)
                    self.items.append((clips.source, i))
                    self.labels.append(clips.labels[i])
            self.splits[name] = [place[clip] for clip in clips.names]


def find_pipeline(cfg: Config, *uses: str) -> Tuple[list, int]:
    """Returns pipeline and batch size of the first dataloader with a pipeline.

    Args:
        cfg (Config): The config.
        *uses (str): Dataloaders in order, such as ``'val', 'test'``.

    Raises:
        InputError: If no dataloader has a pipeline.
    """
    for use in uses:
        loader = cfg.get(f'{use}_dataloader')
        pipeline = loader and find_dataset(cfg, use).get('pipeline')
        if pipeline:
            return pipeline, loader.get('batch_size', 1)
    raise InputError(f'{cfg.filename} has no pipeline in '
                     f'{" or ".join(f"{use}_dataloader" for use in uses)}')


class Samples(Dataset):
    """Applies a pipeline to clips and raises if it fails for one.

    Args:
        items (Sequence): Source and index of each clip.
        pipeline (list): Configs of the transforms.
    """

    def __init__(self, items: Sequence[Tuple[Source, int]],
                 pipeline: list) -> None:
        self.items = items
        self.pipeline = Compose(pipeline)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> dict:
        """Returns the output of the pipeline for a clip.

        Raises:
            InvalidClipError: If the pipeline fails.
        """
        return take_clip(self._prepare, index, len(self), 'stop', True)

    def _prepare(self, index: int) -> dict:
        source, number = self.items[index]
        info = source.dataset.get_data_info(number)
        return pass_pipeline(self.pipeline, info, str(source))


def features_of(model: nn.Module, samples: Samples,
                batch_size: int) -> torch.Tensor:
    """Computes the features of clips.

    Args:
        model (nn.Module): A recognizer, in eval mode.
        samples (Samples): The clips.
        batch_size (int): Batch size.

    Returns:
        Tensor: (N, D), float32, on the CPU.

    Raises:
        InputError: If a feature is not finite.
        InvalidClipError: If the pipeline fails for a clip.
    """
    rows = clip_features(model, samples, batch_size=batch_size)
    bad = (~rows.isfinite().all(1)).nonzero()[:, 0].tolist()
    if bad:
        source, number = samples.items[bad[0]]
        raise InputError(
            f'the features of clip {source.clips[0][number]!r} of {source} '
            f'are not finite, as those of {len(bad)} of {len(rows)} clips: '
            'has the training of this encoder diverged?')
    return rows
