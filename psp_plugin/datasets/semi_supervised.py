"""Labelled and unlabelled views of one toolbox dataset."""
import copy
import functools
import json
import logging
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union
from weakref import WeakValueDictionary

import numpy as np
from mmaction.registry import DATASETS
from mmengine.dataset import BaseDataset, Compose, force_full_init
from mmengine.logging import print_log

from psp_plugin.annotations import (
    annotation_path,
    check_annotation_file,
    clip_name,
    is_integer,
    is_unlabeled,
    pass_pipeline,
    take_clip,
)
from psp_plugin.errors import InputError

from .axes import warn_of_axes
from .draw import draw_in_proportion, draw_over_all, draw_per_class
from .split import (
    check_count,
    clips_over_all,
    clips_per_class,
    exact_ratio,
    read_split,
    sorted_names,
)

# How labelled clips are sampled.
DRAWS = ('balanced', 'proportional', 'over-all')


class Source:
    """A toolbox dataset without pipeline, and the names of its clips.

    Both views of a dataset share one source, so that its annotation file is
    read once per process.
    """

    def __init__(self, dataset: BaseDataset) -> None:
        self.dataset = dataset
        # By the arguments of a draw, the places of the labelled clips.
        self.drawn: Dict[str, np.ndarray] = {}

    def __str__(self) -> str:
        """The annotation file, or else the dataset's type, and the split."""
        split = getattr(self.dataset, 'split', None)
        return (self.dataset.ann_file or type(self.dataset).__name__) + (
            '' if split is None else f', split {split!r}')

    @functools.cached_property
    def clips(self) -> Tuple[Sequence[str], Sequence[Any]]:
        """Names and labels of all clips, in the dataset's order.

        The label of an unlabelled clip is None, also if it is -1 in the file.
        Those of a prepared file are read when asked for.
        """
        names, labels = [], []
        try:
            self.dataset.full_init()
            if getattr(self.dataset, 'is_prepared', False):
                return self.dataset.names_and_labels()
            for index in range(len(self.dataset)):
                # Not the dataset's own method, which may open a file per
                # clip and converts lists of labels to vectors.
                info = BaseDataset.get_data_info(self.dataset, index)
                names.append(clip_name(info))
                label = info.get('label')
                labels.append(None if is_unlabeled(label) else label)
        except (AssertionError, KeyError, TypeError) as error:
            raise InputError(
                f'{type(self.dataset).__name__} cannot read split '
                f'{getattr(self.dataset, "split", None)!r} of '
                f'{self.dataset.ann_file}: {error!r}') from error
        return names, labels


def checked_draw(draw: Optional[str], balanced: bool, given: str) -> str:
    """Returns how the labelled clips are sampled, one of ``DRAWS``.

    Args:
        draw (str, optional): The setting; None leaves it to ``balanced``.
        balanced (bool): The older setting.
        given (str): Name of the argument with the amount of labelled clips.

    Raises:
        InputError: If it is unknown, contradicts ``balanced``, or needs
            another argument than the given one.
    """
    if draw not in (None, *DRAWS):
        raise InputError(f'draw must be one of {", ".join(map(repr, DRAWS))}, '
                         f'not {draw!r}')
    if not balanced and draw not in (None, 'over-all'):
        raise InputError(f'balanced=False contradicts draw={draw!r}: set '
                         'balanced=True')
    chosen = draw or ('balanced' if balanced else 'over-all')
    if chosen != 'balanced' and given != 'labeled_ratio':
        setting = f'draw={draw!r}' if draw else 'balanced=False'
        raise InputError(
            f'{setting} draws a labeled_ratio of the clips, which contradicts '
            f'{given}: set labeled_ratio instead, or leave '
            f'{setting.partition("=")[0]} out')
    return chosen


def classes_of(label: Any) -> List[Any]:
    """Returns the classes of a clip as a list, for one or several labels."""
    return np.ravel(label).tolist() if np.ndim(label) else [label]


def part_of(items: Sequence[Any], places: np.ndarray) -> Sequence[Any]:
    """Returns the items at some places."""
    if hasattr(items, 'take'):  # read when asked for
        return items.take(places)
    return [items[place] for place in places.tolist()]


_SOURCES: 'WeakValueDictionary[str, Source]' = WeakValueDictionary()


def open_source(cfg: dict) -> Source:
    """Builds a dataset without its pipeline, or returns the cached one.

    Args:
        cfg (dict): Dataset config; ``pipeline`` is ignored, and the
            annotations are not read yet.

    Raises:
        FileNotFoundError: If the annotation file is missing.
    """
    cfg = dict(cfg, pipeline=[], lazy_init=True)
    path = annotation_path(cfg)
    if path:
        check_annotation_file(path)
    # A file that was rewritten in the meantime is another source.
    stamp = Path(path).stat().st_mtime_ns if Path(path).is_file() else None
    key = json.dumps([cfg, stamp], sort_keys=True, default=repr)
    source = _SOURCES.get(key)
    if source is None:
        source = _SOURCES[key] = Source(DATASETS.build(cfg))
    return source


@DATASETS.register_module()
class SemiSupervisedDataset:
    """The labelled or the unlabelled clips of a toolbox dataset.

    The labelled clips are sampled according to ``draw``, depending only on
    clip names, labels and seed (see :mod:`psp_plugin.datasets.split`), or are
    read from a split file. Clips of the unlabelled view enter the pipeline
    without a label.

    In a partly labelled dataset, where the label of other clips is missing,
    None or -1, the labelled clips are sampled among those that have a label,
    and N is their number. All others are unlabelled.
    ``labeled_ratio=1, draw='over-all'`` takes every clip that has a label.

    Source: PSP Learning, section 4.2. No departures by default; the released
    implementation's unlabelled loader contains the entire training set, which
    is ``include_labeled=True``. ``draw='over-all'`` is the sampling of MAMP,
    CMD and HA-CM; ``draw='proportional'`` is of this project, for imbalanced
    classes, and departs from the paper's equal numbers.

    A clip that fails in the pipeline stops the training, or is replaced by
    the next one of the view, according to the dataset's ``invalid_clips``
    (see :class:`psp_plugin.datasets.CheckedPoseDataset`); a dataset without
    that setting stops.

    Args:
        dataset (dict or BaseDataset): The dataset, preferably a
            ``CheckedPoseDataset``.
        subset (str): ``'labeled'`` or ``'unlabeled'``. Defaults to
            ``'labeled'``.
        labeled_ratio (float, optional): Label fraction, in (0, 1].
        labeled_per_class (int, optional): Labelled clips per class.
        split_file (str, optional): File with the names of the labelled clips.
            Exactly one of these three must be given.
        seed (int): Seed of the sampling. Defaults to 0.
        include_labeled (bool): Whether the unlabelled view contains the
            labelled clips too, without their labels. Defaults to False.
        lazy_init (bool): Whether the annotations are read only when needed.
            Defaults to False.
        balanced (bool): False is the same as ``draw='over-all'``. Defaults to
            True.
        unlabeled_pipeline (list, optional): Transforms of the unlabelled
            view, e.g. ending with ``MultiView``. Defaults to None, those of
            the dataset.
        reveal_labels (bool): Whether clips of the unlabelled view have their
            label as ``revealed_label``, for monitoring pseudo-labels: with
            this name in ``meta_keys`` the methods log their accuracy. No loss
            reads it. Defaults to False.
        draw (str, optional): How the labelled clips are sampled.
            ``'balanced'``: equally many per class, ``labeled_per_class`` or
            k = floor(ratio * N / classes). ``'proportional'``: of each class
            with n clips round(ratio * n), at least one; requires
            ``labeled_ratio``. ``'over-all'``: floor(ratio * N) independent
            of their labels, with a warning in the log if a class gets none;
            requires ``labeled_ratio``. Defaults to None: ``'balanced'``, or
            ``'over-all'`` with ``balanced=False``.

    Raises:
        InputError: If the arguments contradict each other, or if the split
            cannot be made.
        FileNotFoundError: If the annotation file is missing.
    """

    def __init__(self,
                 dataset: Union[dict, BaseDataset],
                 subset: str = 'labeled',
                 labeled_ratio: Optional[float] = None,
                 labeled_per_class: Optional[int] = None,
                 split_file: Optional[str] = None,
                 seed: int = 0,
                 include_labeled: bool = False,
                 lazy_init: bool = False,
                 balanced: bool = True,
                 unlabeled_pipeline: Optional[list] = None,
                 reveal_labels: bool = False,
                 draw: Optional[str] = None) -> None:
        if subset not in ('labeled', 'unlabeled'):
            raise InputError("subset must be 'labeled' or 'unlabeled', not "
                             f'{subset!r}')
        ways = dict(
            labeled_ratio=labeled_ratio,
            labeled_per_class=labeled_per_class,
            split_file=split_file)
        given = [name for name, value in ways.items() if value is not None]
        if len(given) != 1:
            raise InputError(f'exactly one of {", ".join(ways)} must be given,'
                             f' not {" and ".join(given) or "none"}')
        self.draw = checked_draw(draw, balanced, given[0])
        self.cfg = dict(ways, dataset=dataset, seed=seed, balanced=balanced,
                        include_labeled=include_labeled,
                        unlabeled_pipeline=unlabeled_pipeline,
                        reveal_labels=reveal_labels, draw=draw,
                        type=type(self).__name__)
        self.subset = subset
        self.labeled_ratio = labeled_ratio
        self.labeled_per_class = labeled_per_class
        self.split_file = split_file
        self.seed = seed
        self.balanced = self.draw == 'balanced'
        self.include_labeled = include_labeled
        self.reveal_labels = reveal_labels
        if isinstance(dataset, dict):
            self._source = open_source(dataset)
            self.pipeline = Compose(dataset.get('pipeline', []))
        else:
            self._source = Source(dataset)
            self.pipeline = dataset.pipeline
        if subset == 'unlabeled' and unlabeled_pipeline is not None:
            self.pipeline = Compose(unlabeled_pipeline)
        self._fully_initialized = False
        if not lazy_init:
            self.full_init()

    def unlabeled_cfg(self) -> dict:
        """The config of the unlabelled view of the same split."""
        return dict(self.cfg, subset='unlabeled')

    @property
    def metainfo(self) -> dict:
        """A copy of the wrapped dataset's meta information."""
        return copy.deepcopy(self._source.dataset.metainfo)

    def full_init(self) -> None:
        """Reads the annotations and selects the clips of this view."""
        if self._fully_initialized:
            return
        names, labels = self._source.clips
        try:
            self._labeled = self._draw(names, labels)
        except ValueError as error:
            raise InputError(f'{self._source}: {error}') from error
        # Arrays, which forked workers do not copy as they do objects.
        keep = np.full(len(names), self.include_labeled)
        if self.subset == 'labeled':
            keep[:] = False
            keep[self._labeled] = True
        elif not self.include_labeled:
            keep[:] = True
            keep[self._labeled] = False
        self._indices = np.flatnonzero(keep).astype(np.int32)
        self._fully_initialized = True
        warn_of_axes(self.pipeline, self._source.dataset)
        print_log(f'{len(self)} {self.subset} of {len(names)} clips '
                  f'({len(self._labeled)} labelled in total)',
                  logger='current')
        if self.subset == 'labeled' and self.draw == 'over-all':
            self._warn_of_classes_left_out(
                labels, part_of(labels, self._labeled))

    @property
    def labeled_names(self) -> List[str]:
        """The names of the labelled clips, sorted."""
        self.full_init()
        return sorted_names(self._source.clips[0], self._labeled)

    def _draw(self, names: Sequence[str],
              labels: Sequence[Any]) -> np.ndarray:
        """Returns the places of the labelled clips, ascending."""
        if self.split_file is not None:
            return self._read_split(names, labels)
        key = repr((self.labeled_ratio, self.labeled_per_class, self.seed,
                    self.draw))
        if key not in self._source.drawn:
            known = self._with_labels(labels)
            if known.all():
                chosen = self._choose(names, labels)
            else:
                places = np.flatnonzero(known)
                chosen = places[self._choose(part_of(names, places),
                                             part_of(labels, places))]
            self._source.drawn[key] = chosen.astype(np.int32)
        return self._source.drawn[key]

    def _choose(self, names: Sequence[str],
                labels: Sequence[Any]) -> np.ndarray:
        """Returns the labelled ones among the places of clips with labels."""
        others = [(place, label) for place, label in enumerate(labels)
                  if type(label) is not int]
        several = [place for place, label in others if np.ndim(label)]
        if several and self.draw != 'over-all':
            raise InputError(
                f'clip {names[several[0]]!r} has several labels; a draw per '
                'class needs one: name the labelled clips in a split_file, or '
                "draw a labeled_ratio over all classes with draw='over-all'")
        wrong = [place for place, label in others
                 if not all(map(is_integer, classes_of(label)))]
        if wrong:
            raise InputError(
                f'clip {names[wrong[0]]!r} has a label that is not an integer '
                f'(such clips: {len(wrong)} of {len(names)}): number the '
                'classes from 0')
        if self.draw == 'over-all':
            count = clips_over_all(self.labeled_ratio, len(names))
            return draw_over_all(names, count, self.seed)
        if self.draw == 'proportional':
            return draw_in_proportion(
                names, labels, exact_ratio(self.labeled_ratio), self.seed)
        count = self.labeled_per_class
        if count is None:
            count = clips_per_class(self.labeled_ratio, len(names),
                                    len(set(labels)))
        check_count(count)
        return draw_per_class(names, labels, count, self.seed)

    def _with_labels(self, labels: Sequence[Any]) -> np.ndarray:
        """Returns of each clip whether it has a label.

        Raises:
            InputError: If none has.
        """
        known = np.fromiter((label is not None for label in labels), bool,
                            len(labels))
        if not known.any() and len(labels):
            raise InputError(f'none of the {len(labels)} clips has a label: '
                             'label some, or train on them without labels '
                             '(configs/pretrain)')
        if not known.all():
            print_log(f'{self._source}: the labelled clips are drawn among '
                      f'the {known.sum()} of {len(labels)} that have a label',
                      logger='current')
        return known

    def _read_split(self, names: Sequence[str],
                    labels: Sequence[Any]) -> np.ndarray:
        labeled = read_split(self.split_file)
        wanted = set(labeled)
        found = [(place, name, label) for place, (name, label) in enumerate(
            zip(names, labels)) if name in wanted]
        counts = Counter(name for _, name, _ in found)
        label_of = {name: label for _, name, label in found}
        for name in labeled:
            if counts[name] != 1:
                raise InputError(
                    f'split file {self.split_file} names clip {name!r}, which '
                    f'occurs {counts[name]} times in the dataset, not once: '
                    'is it a split of another dataset?')
            if label_of[name] is None:
                raise InputError(
                    f'split file {self.split_file} names clip {name!r}, which '
                    'has no label: remove it from the split file')
        return np.array([place for place, _, _ in found], np.int32)

    def _warn_of_classes_left_out(self, labels: Sequence[Any],
                                  labeled: Sequence[Any]) -> None:
        every, drawn = (
            {each for label in some if label is not None
             for each in classes_of(label)} for some in (labels, labeled))
        if drawn < every:
            print_log(
                f'{self._source}: no labelled clip in '
                f'{len(every - drawn)} of {len(every)} classes, as '
                "draw='over-all' ignores them: raise labeled_ratio, or set "
                "draw='proportional' or 'balanced'", logger='current',
                level=logging.WARNING)

    @force_full_init
    def get_data_info(self, idx: int) -> dict:
        """Returns the annotation of a clip, without label if unlabelled."""
        info = self._source.dataset.get_data_info(int(self._indices[idx]))
        if self.subset == 'unlabeled':
            label = info.pop('label', None)
            if self.reveal_labels and not is_unlabeled(label):
                info['revealed_label'] = label
        return info

    @force_full_init
    def get_cat_ids(self, idx: int) -> List[int]:
        """Returns the class of a clip for MMEngine's ``ClassBalancedDataset``.

        Args:
            idx (int): Index of the clip.

        Returns:
            list[int]: One class, or several; empty in the unlabelled view.
        """
        label = self._source.clips[1][int(self._indices[idx])]
        if self.subset == 'unlabeled' or label is None:
            return []
        return [int(each) for each in classes_of(label)]

    @force_full_init
    def names_and_labels(self) -> Tuple[Sequence[str], Sequence[Any]]:
        """Returns names, and labels or None, of the clips of this view."""
        names, labels = (part_of(items, self._indices)
                         for items in self._source.clips)
        return names, (labels if self.subset == 'labeled' else
                       [None] * len(names))

    @force_full_init
    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, idx: int) -> dict:
        """Returns the output of the pipeline for a clip.

        Raises:
            InvalidClipError: If the pipeline fails, and the dataset's policy
                is to stop.
        """
        policy = getattr(self._source.dataset, 'invalid_clips', 'stop')
        return take_clip(self._prepare, idx, len(self), policy)

    def _prepare(self, idx: int) -> dict:
        return pass_pipeline(self.pipeline, self.get_data_info(idx),
                             str(self._source))
