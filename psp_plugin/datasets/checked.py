"""The toolbox's pose data set, its file safely read and checked."""
import logging
import os.path as osp
from numbers import Real
from typing import Any, Callable, Dict, Iterable, List, Optional

import numpy as np
from mmaction.datasets import PoseDataset
from mmaction.registry import DATASETS
from mmengine.logging import print_log

from .annotation_file import (
    AnnotationError,
    BadClip,
    absent_clips,
    double_names,
    read_annotations,
    read_pickle,
    select_clips,
)
from .annotations import Fault, common_layout, find_faults, is_integer, shown
from .bad_clips import (
    BadClipError,
    check_policy,
    clip_name,
    pass_pipeline,
    take_clip,
)

# Skipped clips that one line of the log names.
LISTED = 20


@DATASETS.register_module()
class CheckedPoseDataset(PoseDataset):
    """``PoseDataset`` that runs no code of its file and checks every clip.

    Files that ``PoseDataset`` takes and that have none of the faults of
    :func:`psp_plugin.datasets.annotations.find_faults` give the same items.

    Source: the toolbox's ``PoseDataset``. Departures: the restricted
    unpickler; the checks; integers of NumPy are labels too; a clip that does
    not pass the pipeline is named, and another one in its place is the one
    behind it instead of a random one.

    Args:
        ann_file (str): The annotation file.
        pipeline (list[dict | callable]): The transforms. Defaults to none.
        bad_clips (str): What to do about bad clips. ``'stop'``: an error that
            names the first one. ``'skip'``: those of the file are left out,
            and one that turns out bad in training is replaced by the next
            one; both are logged. In testing a clip is never replaced.
            Defaults to ``'stop'``.
        safe (bool): Whether files are read by the restricted unpickler; False
            reads them as the toolbox does, by the standard one, which runs
            whatever code they hold. Defaults to True.
        num_classes (int, optional): The number of classes, which labels must
            be below. Defaults to None, not checked.
        need_label (bool): Whether every clip must have a label. Defaults to
            False, as an unlabelled pool has none.
        drop_labels (bool): Whether labels are left out unseen, whatever they
            are, as those of an unlabelled pool. Defaults to False.
        **kwargs: Other arguments of ``PoseDataset``: ``split``,
            ``valid_ratio``, ``data_prefix``, ``test_mode`` and so on.

    Raises:
        ValueError: If ``bad_clips`` is unknown, or, as a
            :class:`PickleFileError` or :class:`AnnotationError`, if the file
            cannot be used.
        FileNotFoundError: If the file is missing.
    """

    def __init__(self,
                 ann_file: str,
                 pipeline: list = [],
                 bad_clips: str = 'stop',
                 safe: bool = True,
                 num_classes: Optional[int] = None,
                 need_label: bool = False,
                 drop_labels: bool = False,
                 **kwargs) -> None:
        check_policy(bad_clips)
        self.bad_clips = bad_clips
        self.safe = safe
        self.need_label = need_label
        self.drop_labels = drop_labels
        self._bad: List[BadClip] = []
        super().__init__(ann_file, pipeline=pipeline, num_classes=num_classes,
                         **kwargs)

    def load_data_list(self) -> List[Dict]:
        """Reads the annotations of the split, each name once."""
        file = read_annotations(self.ann_file, self.safe)
        clips = select_clips(file, self.split)
        self._bad = absent_clips(file, self.split) + double_names(file, clips)
        first: Dict[str, dict] = {}
        for clip in clips:
            first.setdefault(clip[file.key], clip)
        clips = list(first.values())
        prefix = self.data_prefix.get('video')
        for clip in clips:
            if self.drop_labels:
                clip.pop('label', None)
            if isinstance(clip.get('label'), np.integer):
                clip['label'] = int(clip['label'])  # as the toolbox needs it
            for key in ('filename', 'frame_dir'):
                if prefix is not None and key in clip:
                    clip[key] = osp.join(prefix, clip[key])
        return clips

    def filter_data(self) -> List[Dict]:
        """Leaves out what ``valid_ratio`` excludes, and stops or skips."""
        if isinstance(self.valid_ratio, float) and self.valid_ratio > 0:
            self._sift(self._valid_faults)
        super().filter_data()
        layout = common_layout(self.data_list)
        self._sift(lambda clip: find_faults(
            clip, layout, self.num_classes, self.multi_class, self.need_label,
            need_points='skeleton' not in self.data_prefix))
        self._settle()
        return self.data_list

    def _sift(self, faults_of: Callable[[dict], Iterable[Fault]]) -> None:
        """Sets the clips with a fault aside."""
        good = []
        for clip in self.data_list:
            fault = next(iter(faults_of(clip)), None)
            if fault is None:
                good.append(clip)
            else:
                self._bad.append(BadClip(clip_name(clip), fault))
        self.data_list = good

    def _valid_faults(self, clip: dict) -> List[Fault]:
        """What keeps ``valid_ratio`` from being applied to a clip."""
        valid, frames = clip.get('valid'), clip.get('total_frames')
        if (isinstance(valid, dict)
                and isinstance(valid.get(self.box_thr), Real)
                and is_integer(frames) and frames > 0
                and isinstance(clip.get('box_score'), np.ndarray)):
            return []
        return [Fault('no valid', 'lacks what valid_ratio needs: total_frames,'
                      f' the array box_score, and the number '
                      f'valid[{self.box_thr}]')]

    @property
    def _where(self) -> str:
        """File and split, for messages."""
        split = '' if self.split is None else f', split {self.split!r}'
        return self.ann_file + split

    def _settle(self) -> None:
        """Stops, or tells what is left out."""
        bad, left, where = self._bad, len(self.data_list), self._where
        listed = f'`python tools/data/check_dataset.py {self.ann_file}`'
        texts = [f'clip {name!r} {fault.text}' for name, fault in bad[:LISTED]]
        if bad and self.bad_clips == 'stop':
            raise AnnotationError(
                f'{where}: {texts[0]} (bad clips: {len(bad)} of '
                f'{len(bad) + left}): correct the file, or leave such clips '
                f"out with bad_clips='skip'; {listed} lists all")
        if not left and bad:
            raise AnnotationError(f'{where} has no clip that can be used, the '
                                  f'first: {texts[0]}; {listed} lists all')
        if not left:
            raise AnnotationError(f'{where} has no clip with as many valid '
                                  f'frames as valid_ratio={self.valid_ratio} '
                                  'asks for: lower it')
        if bad:
            more = [f'{len(bad) - LISTED} more'] if len(bad) > LISTED else []
            print_log(f'{where}: left out {len(bad)} bad clips of '
                      f'{len(bad) + left}: {"; ".join(texts + more)}',
                      logger='current', level=logging.WARNING)
        self._bad = []

    def get_data_info(self, idx: int) -> dict:
        """Returns an annotation, key points in files of their own included.

        Args:
            idx (int): The clip.

        Raises:
            BadClipError: If its file is missing or bad.
        """
        # Not that of PoseDataset, whose unpickler runs code.
        info = super(PoseDataset, self).get_data_info(idx)
        if 'skeleton' in self.data_prefix:
            self._add_skeleton(info)
        return info

    def _add_skeleton(self, info: dict) -> None:
        """Adds the key points of a clip's own file."""
        name = info['filename' if 'filename' in info else 'frame_dir']
        path = osp.join(self.data_prefix['skeleton'], f'{name}.pkl')
        try:
            own = read_pickle(path, self.safe)
        except (ValueError, OSError) as error:
            raise BadClipError(f'clip {name!r} of {self._where} has no '
                               f'skeleton ({error})') from error
        if not isinstance(own, dict):
            raise BadClipError(f'clip {name!r}: its skeleton {path} is '
                               f'{shown(own)}, not a dict')
        info.update(own)
        fault = next(find_faults(info), None)
        if fault is not None:
            raise BadClipError(f'clip {name!r}: its skeleton {path} '
                               f'{fault.text}')

    def prepare_data(self, idx: int) -> Any:
        """Puts a clip through the pipeline.

        Args:
            idx (int): The clip.

        Raises:
            BadClipError: If it does not pass.
        """
        return pass_pipeline(self.pipeline, self.get_data_info(idx),
                             self._where)

    def __getitem__(self, idx: int) -> Any:
        """Returns a clip that passed the pipeline, as the policy has it.

        Args:
            idx (int): The clip.

        Raises:
            BadClipError: If it did not pass, and the policy is to stop or this
                is a test.
        """
        self.full_init()
        return take_clip(self.prepare_data, idx, len(self), self.bad_clips,
                         self.test_mode)
