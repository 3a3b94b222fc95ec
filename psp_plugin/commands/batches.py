"""Clips of a dataset one after the other, and batches that a model can take.
"""
from dataclasses import dataclass
from typing import (
    Any,
    Callable,
    Dict,
    Iterator,
    List,
    Optional,
    Sequence,
    Tuple,
)

from mmengine.config import Config

from psp_plugin.datasets.semi_supervised import Source, open_source

from .clips import Clip, ClipError, find_test_dataset
from .command_line import show_progress
from .find_clips import FoundClip, found_clip


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

    def take(self, start: int, stop: Optional[int] = None) -> List[FoundClip]:
        """Reads the clips of a slice."""
        return [self._read(place) for place in self.places[start:stop]]

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


def prepare_batch(prepare: Callable[[Clip], Dict[str, Any]],
                  clips: Sequence[FoundClip], errors: List[str]
                  ) -> Tuple[List[FoundClip], List[Dict[str, Any]]]:
    """Returns the clips that can be prepared, and their inputs.

    Args:
        prepare (Callable): A :class:`ClipPreparer`.
        clips (Sequence[FoundClip]): A batch of clips.
        errors (list[str]): Gets the messages of the others.
    """
    good, inputs = [], []
    for clip in clips:
        try:
            inputs.append(prepare(clip.clip))
            good.append(clip)
        except ClipError as error:
            errors.append(str(error))
    return good, inputs


def prepared_batches(prepare: Callable[[Clip], Dict[str, Any]],
                     clips: Sequence[FoundClip], batch_size: int,
                     errors: List[str]
                     ) -> Iterator[Tuple[List[FoundClip],
                                         List[Dict[str, Any]]]]:
    """Yields batches of the clips that can be prepared, and their inputs.

    Args:
        prepare, errors: See :func:`prepare_batch`.
        clips (Sequence[FoundClip]): All clips.
        batch_size (int): Number of clips to prepare at a time.
    """
    starts = range(0, len(clips), batch_size)
    for start in show_progress(starts, 'computing features'):
        batch, inputs = prepare_batch(
            prepare, clips[start:start + batch_size], errors)
        if batch:
            yield batch, inputs
