"""Collects what a report shows."""
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
from mmengine.config import Config

from psp_plugin.commands.batches import DatasetClips, test_clips
from psp_plugin.commands.classes import class_names
from psp_plugin.commands.clips import find_test_dataset, innermost_dataset
from psp_plugin.datasets.semi_supervised import open_source
from psp_plugin.errors import InputError

from ..visualization import embed
from .curves import Curves, read_curves
from .examine import Examination, Inferencer
from .folder import Checkpoint
from .provenance import Rows, file_rows, report_rows, training_rows
from .results import Tested
from .training_clips import TrainingClips, draw, find_training_clips


@dataclass
class Content:
    """What a report shows."""
    title: str
    folder: Path
    checkpoint: Checkpoint
    meta: Dict[str, Any]
    split: str
    classes: List[str]
    """Names of the classes; for a model without a head, of the labels."""
    has_head: bool
    curves: Curves
    training: TrainingClips
    tested: Tested
    chosen_on: int
    """How many tested clips chose the checkpoint in validation."""
    points: Optional[np.ndarray]
    """(kept clips, 2) from t-SNE; None if it failed."""
    no_points: str
    """Why there are no points."""
    unlabeled: Optional[Tested]
    lacks_attention: Optional[str]
    config: str
    provenance: Dict[str, Rows]


def collect(cfg: Config, inferencer: Inferencer, folder: Path,
            checkpoint: Checkpoint, command: str = '', limit: int = 500,
            pool_limit: int = 5000, split: Optional[str] = None,
            seed: int = 0) -> Content:
    """Collects what a report shows, for which it runs the model.

    Args:
        cfg (Config): The config of the run.
        inferencer (Inferencer): Its model, a ``SkeletonInferencer``.
        folder (Path): Its work dir.
        checkpoint (Checkpoint): The checkpoint of the model.
        command (str): The command line, for the report. Defaults to ''.
        limit (int): Maximum number of clips to play. Defaults to 500.
        pool_limit (int): Maximum number of unlabelled clips to classify;
            of more, as many are drawn at random. Defaults to 5000.
        split (str, optional): Another test split. Defaults to None.
        seed (int): Seed of t-SNE and of the choice of clips. Defaults to 0.

    Raises:
        InputError: If no clip can be tested, or if a file cannot be read.
        FileNotFoundError: If an annotation file is missing.
    """
    curves = read_curves(folder)
    training = find_training_clips(cfg)
    has_head = bool(inferencer.classes)
    clips = clips_to_test(cfg, len(inferencer.classes), split)
    names = inferencer.classes or names_of_labels(cfg, clips)
    run = Examination(inferencer, cfg.test_dataloader.get('batch_size', 1),
                      clips.source.dataset.metainfo.get('fps'))
    tested = run.test(clips, limit, seed)
    tested.errors[:0] = left_out(clips)
    unlabeled = (run.least_certain(draw(training.unlabeled, pool_limit, seed))
                 if has_head and training.unlabeled else None)
    points, no_points = embedded(tested, seed)
    return Content(
        Path(cfg.filename).stem, folder, checkpoint, inferencer.meta,
        clips.split, names, has_head, curves, training, tested,
        count_chosen_on(cfg, clips, len(inferencer.classes)), points,
        no_points, unlabeled, inferencer.lacks_attention,
        Path(cfg.filename).read_text(encoding='utf-8'), dict(
            Training=training_rows(folder, inferencer.meta),
            Report=report_rows(str(inferencer.device), seed, command),
            Files=file_rows(cfg, checkpoint.path)))


def clips_to_test(cfg: Config, num_classes: int,
                  split: Optional[str]) -> DatasetClips:
    """Opens the test clips, without invalid ones.

    Args:
        cfg (Config): The config of the run.
        num_classes (int): Number of classes, 0 for a model without a head.
        split (str, optional): Another split of the test dataset.
    """
    return test_clips(cfg, split, **tolerant(find_test_dataset(cfg),
                                             num_classes))


def tolerant(dataset: Dict[str, Any], num_classes: int) -> Dict[str, Any]:
    """Options with which a dataset leaves invalid clips out."""
    if dataset.get('type') != 'CheckedPoseDataset':
        return {}
    options = dict(invalid_clips='skip', need_label=False)
    return dict(options, num_classes=num_classes) if num_classes else options


def left_out(clips: DatasetClips) -> List[str]:
    """Why a dataset has left clips out, a sentence for each."""
    return [f'{name} {problem.text}' for name, problem in
            getattr(clips.source.dataset, 'left_out', ())]


def names_of_labels(cfg: Config, clips: DatasetClips) -> List[str]:
    """Names of the classes that the labels of clips have."""
    labels = [label for label in clips.source.clips[1]
              if isinstance(label, int)]
    info = dict(metainfo=clips.source.dataset.metainfo)
    known = len((info['metainfo'] or {}).get('classes') or ())
    return class_names(max([known, *(label + 1 for label in labels)]),
                       dataset=info)


def embedded(tested: Tested,
             seed: int) -> Tuple[Optional[np.ndarray], str]:
    """t-SNE of the kept clips; None and the reason if it is not possible."""
    try:
        return embed(np.array([clip.features for clip in tested.kept]),
                     seed=seed), ''
    except InputError as error:
        return None, str(error)


def count_chosen_on(cfg: Config, clips: DatasetClips,
                    num_classes: int) -> int:
    """Counts the test clips that are also validation clips.

    They have chosen the best checkpoint, so that its accuracy on them is
    higher than on clips that have not been used.
    """
    val, test = (innermost_dataset(cfg, use) for use in ('val', 'test'))
    if not val or any(val.get(key) != test.get(key) for key in (
            'type', 'ann_file', 'seed')):
        return 0
    # Often the dataset of the test clips, which is then not read again.
    source = open_source(dict(val, **tolerant(val, num_classes)))
    return len({*source.clips[0]} & {*clips.names})
