"""Runs the model of a report on its clips, one batch after the other.

Shape legend: B sample, V joint, D channel.
"""
import itertools
from dataclasses import dataclass
from typing import (
    Any,
    Dict,
    Iterator,
    List,
    Optional,
    Protocol,
    Sequence,
    Tuple,
)

import numpy as np
import torch
from mmengine.dataset import pseudo_collate

from psp_plugin.annotations import is_integer
from psp_plugin.commands.batches import DatasetClips, in_batches, prepared
from psp_plugin.commands.clips import Clip
from psp_plugin.commands.find_clips import FoundClip
from psp_plugin.errors import InputError

from ..pages import clip_for_page
from ..selection import margins
from ..visualization import Classified, classify_batch, clip_importance
from .results import KeptClip, Rank, Selection, Tested

FRAMES = 48  # of a clip of the page
LEVELS = 1024  # of its coordinates
LEAST_CERTAIN = 24  # unlabelled clips of the page


class Inferencer(Protocol):
    """What is used of a ``SkeletonInferencer``."""
    model: Any
    device: torch.device
    meta: Dict[str, Any]
    classes: List[str]

    def prepare(self, clip: Clip) -> Dict[str, Any]:
        """Prepares a clip as input of the model."""

    def read(self, clip: Clip) -> Dict[str, Any]:
        """Reads a clip, with its ``keypoint`` (M, T, V, C)."""

    def up_axis(self, keypoint: np.ndarray) -> str:
        """Finds the axis that points up."""

    @property
    def lacks_attention(self) -> Optional[str]:
        """Why the model has no attention maps, None if it has."""

    @property
    def bones(self) -> List[Tuple[int, int]]:
        """Pairs of joints to draw a line between."""


@dataclass
class Examination:
    """Runs a model on clips and prepares those that a page plays.

    Args:
        inferencer (Inferencer): The model.
        batch_size (int): Clips in a batch.
        fps (float, optional): Frames per second of the clips. Defaults to
            None: 30.
    """
    inferencer: Inferencer
    batch_size: int
    fps: Optional[float] = None

    def test(self, clips: DatasetClips, limit: int, seed: int) -> Tested:
        """Runs the model on test clips.

        Args:
            clips (DatasetClips): The clips.
            limit (int): Maximum number of clips to keep: those that are
                classified wrongly come first, then others at random.
            seed (int): Seed of the random choice.

        Raises:
            InputError: If no clip can be tested.
        """
        rng = np.random.default_rng(seed)
        chosen = Selection(limit)
        errors: List[str] = []
        labels: List[int] = []
        rows: List[np.ndarray] = []
        count = 0
        for batch, results in self._run(clips, 'testing', errors, True):
            ranks: List[Rank] = [
                (float(is_right(clip, scores)), rng.random()) for clip, scores
                in itertools.zip_longest(batch, results.scores or [])]
            self._keep(chosen, batch, results, ranks, count)
            count += len(batch)
            if results.scores is not None:
                labels += [clip.label for clip in batch]
                rows += results.scores
        if not count:
            raise InputError(
                f'none of the {len(clips)} test clips can be tested' + (
                    f', the first problem: {errors[0]}' if errors else ''))
        kept = sorted(chosen.by_rank(), key=lambda clip: clip.place)
        return Tested(np.array(labels, int), np.array(rows, np.float32),
                      count, kept, errors)

    def least_certain(self, pools: Sequence[DatasetClips],
                      limit: int = LEAST_CERTAIN) -> Tested:
        """Finds the clips whose two best classes have the closest scores.

        Args:
            pools (Sequence[DatasetClips]): The clips, without labels.
            limit (int): Maximum number of clips to keep. Defaults to 24.
        """
        chosen = Selection(limit)
        errors: List[str] = []
        count = 0
        for clips in pools:
            for batch, results in self._run(clips, 'unlabelled clips',
                                            errors, False):
                assert results.scores is not None
                ranks: List[Rank] = [
                    (margin, count + place) for place, margin in enumerate(
                        margins(np.stack(results.scores)).tolist())]
                self._keep(chosen, batch, results, ranks, count)
                count += len(batch)
        return Tested(np.empty(0, int), np.empty((0, 0), np.float32), count,
                      chosen.by_rank(), errors)

    def _run(self, clips: DatasetClips, doing: str, errors: List[str],
             labeled: bool) -> Iterator[Tuple[List[FoundClip], Classified]]:
        """Yields the clips of each batch that can be used, and results."""
        classes = len(self.inferencer.classes)
        batches = in_batches(clips, self.batch_size, doing)
        if labeled and classes:
            batches = ([clip for clip in batch
                        if has_label(clip, classes, errors)]
                       for batch in batches)
        for batch, inputs in prepared(self.inferencer.prepare, batches,
                                      errors):
            results = classify_batch(self.inferencer.model,
                                     pseudo_collate(inputs))
            finite = [bool(np.isfinite(scores).all())
                      for scores in results.scores or results.features]
            if not all(finite):
                errors += [f'{clip.name} has scores or features that are not '
                           'finite: has the training diverged?'
                           for clip, good in zip(batch, finite) if not good]
                continue
            yield batch, results

    def _keep(self, chosen: Selection, batch: List[FoundClip],
              results: Classified, ranks: List[Rank],
              count: int) -> None:
        """Prepares the clips of a batch that are wanted for the page."""
        places = [place for place, rank in enumerate(ranks)
                  if chosen.wants(rank)]
        for place, importance in zip(places, self._importance(
                results, places)):
            clip = batch[place]
            keypoint = self.inferencer.read(clip.clip)['keypoint']
            drawing = clip_for_page(
                keypoint, self.inferencer.bones, self.fps,
                self.inferencer.up_axis(keypoint), importance, FRAMES, LEVELS)
            chosen.add(ranks[place], KeptClip(
                count + place, clip.name,
                clip.label if clip.has_class else None,
                None if results.scores is None else results.scores[place],
                results.features[place], drawing))

    def _importance(self, results: Classified, places: List[int]
                    ) -> Sequence[Optional[np.ndarray]]:
        """(V,) of some clips of a batch, None without attention."""
        if self.inferencer.lacks_attention or not places:
            return [None] * len(places)
        streams = results.streams and tuple(
            stream.unflatten(0, results.inputs.shape[:2])[places].flatten(0, 1)
            for stream in results.streams)
        return clip_importance(self.inferencer.model, results.inputs[places],
                               streams)


def is_right(clip: FoundClip, scores: Optional[np.ndarray]) -> bool:
    """Whether the highest score is that of the clip's class."""
    return scores is not None and int(scores.argmax()) == clip.label


def has_label(clip: FoundClip, num_classes: int, errors: List[str]) -> bool:
    """Whether a clip can be tested; adds a sentence to errors if not."""
    if clip.has_class and 0 <= clip.label < num_classes:
        return True
    what = ('no label' if clip.label is None else
            'several labels' if not is_integer(clip.label) else
            f'label {clip.label}, but the model has classes 0 to '
            f'{num_classes - 1}')
    errors.append(f'{clip.name} has {what}')
    return False
