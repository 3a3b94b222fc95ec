"""Clips of a dataset one after the other, and batches that a model can take.
"""
from dataclasses import dataclass
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Optional,
    Protocol,
    Sequence,
    Tuple,
    TypeVar,
)

from mmengine.config import Config

from psp_plugin.datasets.semi_supervised import Source, open_source

from .clips import Clip, ClipError, find_test_dataset
from .command_line import show_progress
from .find_clips import FoundClip, found_clip

Item = TypeVar('Item', covariant=True)


@dataclass(frozen=True)
class DatasetClips:
    """Clips of a dataset, each read when it is asked for.

    Args:
        source: The dataset, without its pipeline.
        places: Which of its clips, in order.
        split: The name of its split. Defaults to ''.
        labeled: Whether clips have their labels. Defaults to True.
    """
    source: Source
    places: Sequence[int]
    split: str = ''
    labeled: bool = True

    def __len__(self) -> int:
        return len(self.places)

    @property
    def names(self) -> List[str]:
        """The names of the clips."""
        names, _ = self.source.clips
        return [names[place] for place in self.places]

    def __getitem__(self, part: slice) -> List[FoundClip]:
        """Reads the clips of a slice."""
        return [self._read(place) for place in self.places[part]]

    def _read(self, place: int) -> FoundClip:
        names, labels = self.source.clips
        info = self.source.dataset.get_data_info(place)
        label = labels[place] if self.labeled else None
        return found_clip(dict(info, label=label), names[place], names[place],
                          self.split)


def test_clips(cfg: Config, split: Optional[str] = None,
               **options: Any) -> DatasetClips:
    """Returns the clips of a config's test dataset, or of another split.

    Args:
        cfg (Config): A toolbox config.
        split (str, optional): Another split of the test dataset. Defaults to
            None.
        **options: Other arguments of the dataset to replace.

    Raises:
        ValueError: If the config has no test pipeline, or if its dataset
            cannot be read.
        FileNotFoundError: If the annotation file is missing.
    """
    return clips_of(dict(find_test_dataset(cfg), **options), split)


def clips_of(dataset: Dict[str, Any],
             split: Optional[str] = None) -> DatasetClips:
    """Returns the clips of a dataset of a config, or of another split.

    Args:
        dataset (dict): Config of the dataset; its pipeline is not used.
        split (str, optional): Another split of it. Defaults to None.

    Raises:
        ValueError: If the dataset cannot be read.
        FileNotFoundError: If the annotation file is missing.
    """
    if split is not None:
        dataset = dict(dataset, split=split)
    source = open_source(dataset)
    return DatasetClips(source, range(len(source.clips[0])),
                        dataset.get('split') or '')


test_clips.__test__ = False  # type: ignore[attr-defined]  # not for pytest


class Sliceable(Protocol[Item]):
    """Items of which a slice can be taken."""

    def __len__(self) -> int:
        ...

    def __getitem__(self, part: slice, /) -> Sequence[Item]:
        ...


def in_batches(items: Sliceable[Item], batch_size: int,
               doing: str = 'computing features'
               ) -> Iterator[Sequence[Item]]:
    """Yields clips, or parts of them, in batches, with a progress bar.

    Args:
        items (Sliceable): ``DatasetClips`` or a sequence.
        batch_size (int): Number of items in a batch.
        doing (str): Label of the bar. Defaults to ``'computing features'``.
    """
    for start in show_progress(range(0, len(items), batch_size), doing):
        yield items[start:start + batch_size]


def prepared(prepare: Callable[[Clip], Dict[str, Any]],
             batches: Iterable[Sequence[FoundClip]], errors: List[str]
             ) -> Iterator[Tuple[List[FoundClip], List[Dict[str, Any]]]]:
    """Yields the clips of each batch that can be prepared, and their inputs.

    Args:
        prepare (Callable): A :class:`ClipPreparer`.
        batches (Iterable[Sequence[FoundClip]]): See :func:`in_batches`.
        errors (list[str]): Gets the messages of the other clips.
    """
    for batch in batches:
        good, inputs = [], []
        for clip in batch:
            try:
                inputs.append(prepare(clip.clip))
                good.append(clip)
            except ClipError as error:
                errors.append(str(error))
        if good:
            yield good, inputs
