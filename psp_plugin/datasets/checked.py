"""The toolbox's pose dataset with safe reading and checks of its file."""
import logging
import os.path as osp
import warnings
from numbers import Real
from typing import Any, Callable, Dict, Iterable, List, Optional

import numpy as np
import torch
from mmaction.registry import DATASETS
from mmengine.logging import print_log

from psp_plugin.annotations import (
    AnnotationError,
    AnnotationFile,
    InvalidClip,
    InvalidClipError,
    PreparedClips,
    Problem,
    absent_clips,
    check_policy,
    clip_name,
    common_layout,
    find_problems,
    is_integer,
    is_unlabeled,
    pass_pipeline,
    read_annotations,
    read_pickle,
    repeated_names,
    select_clips,
    several,
    shown,
    take_clip,
)

from .axes import warn_of_axes
from .prepared import LISTED, PreparedPoses


@DATASETS.register_module()
class CheckedPoseDataset(PreparedPoses):
    """``PoseDataset`` that runs no code of its file and checks every clip.

    For files that ``PoseDataset`` reads and in which
    :func:`psp_plugin.annotations.find_problems` finds nothing, the items are
    identical.

    Clips whose label is missing, None or -1 are unlabelled: they get no
    label, and one line of the log has their number.

    Source: the toolbox's ``PoseDataset``. Departures: the restricted
    unpickler; the checks; NumPy integers are accepted as labels; errors in
    the pipeline name the clip, and a clip is replaced by the next one instead
    of a random one; ``metainfo`` of the file.

    A file may have a key ``metainfo`` next to ``split`` and ``annotations``,
    such as ``dict(classes=['wave', 'kick'])``. Its keys are those of the
    dataset's ``metainfo``, unless the config sets them.

    Args:
        ann_file (str): The annotation file; or the file that
            ``tools/data/prepare.py`` makes of it, whose items are identical,
            and which is opened at once, without reading its clips.
        pipeline (list[dict | callable]): The transforms. Defaults to [].
        invalid_clips (str): Policy for invalid clips. ``'stop'``: raises an
            error that names the first one. ``'skip'``: removes those found in
            the file, and replaces one that fails in training by the next one;
            both are logged. In testing a clip is never replaced. Defaults to
            ``'stop'``.
        safe (bool): Whether files are read by the restricted unpickler. False
            uses the standard one, as the toolbox does, which runs any code in
            them. Defaults to True.
        num_classes (int, optional): The number of classes, which labels must
            be below and which ``metainfo`` must name, if it names any.
            Defaults to None, not checked.
        need_label (bool): Whether every clip must have a label. Defaults to
            False, for unlabelled and partly labelled files.
        drop_labels (bool): Whether labels are removed without being checked,
            for unlabelled pools. Defaults to False.
        bad_clips (str, optional): Deprecated name of ``invalid_clips``.
        **kwargs: Other arguments of ``PoseDataset``: ``split``,
            ``valid_ratio``, ``data_prefix``, ``test_mode`` and so on.

    Raises:
        ValueError: If ``invalid_clips`` is unknown; as a
            :class:`PickleFileError` or :class:`AnnotationError`, if the file
            cannot be used.
        FileNotFoundError: If the file is missing.
    """

    def __init__(self,
                 ann_file: str,
                 pipeline: list = [],
                 invalid_clips: str = 'stop',
                 safe: bool = True,
                 num_classes: Optional[int] = None,
                 need_label: bool = False,
                 drop_labels: bool = False,
                 bad_clips: Optional[str] = None,
                 **kwargs) -> None:
        if bad_clips is not None:
            warnings.warn('bad_clips is deprecated: use invalid_clips',
                          FutureWarning, stacklevel=2)
            invalid_clips = bad_clips
        check_policy(invalid_clips)
        self.invalid_clips = invalid_clips
        self.safe = safe
        self.need_label = need_label
        self.drop_labels = drop_labels
        self._invalid: List[InvalidClip] = []
        self.left_out: List[InvalidClip] = []  # by invalid_clips='skip'
        super().__init__(ann_file, pipeline=pipeline, num_classes=num_classes,
                         **kwargs)

    def full_init(self) -> None:
        """Reads and checks the annotations, see :func:`.axes.warn_of_axes`."""
        if not self._fully_initialized:
            super().full_init()
            warn_of_axes(self.pipeline, self)

    def load_data_list(self) -> List[Dict]:
        """Reads the annotations of the split, one per name."""
        file = read_annotations(self.ann_file, self.safe)
        clips = select_clips(file, self.split)
        self._invalid = (absent_clips(file, self.split)
                         + repeated_names(file, clips))
        for key, value in file.metainfo.items():
            self._metainfo.setdefault(key, value)
        self._check_class_names(file)
        if isinstance(clips, PreparedClips):
            self.serialize_data = False  # clips stay in the file
            return clips
        first: Dict[str, dict] = {}
        for clip in clips:
            first.setdefault(clip[file.key], clip)
        return list(map(self._adapted, first.values()))

    def _adapted(self, clip: Dict[str, Any]) -> Dict[str, Any]:
        """Changes label and names of a clip as the arguments require."""
        prefix = self.data_prefix.get('video')
        if self.drop_labels:
            clip.pop('label', None)
        if isinstance(clip.get('label'), np.integer):
            clip['label'] = int(clip['label'])  # as the toolbox needs it
        for key in ('filename', 'frame_dir'):
            if prefix is not None and key in clip:
                clip[key] = osp.join(prefix, clip[key])
        return clip

    def _check_class_names(self, file: AnnotationFile) -> None:
        """Raises AnnotationError if the named classes are not all."""
        names = self._metainfo.get('classes')
        if None in (names, self.num_classes) or len(names) == self.num_classes:
            return
        source = ('its metainfo' if names is file.metainfo.get('classes')
                  else "the config's metainfo")
        raise AnnotationError(
            f'{self.ann_file}: {source} names {len(names)} classes '
            f'({several(names, 3)}), but num_classes is {self.num_classes}: '
            'set model.cls_head.num_classes to the number of classes, or '
            'name them all with metainfo=dict(classes=[...])')

    def filter_data(self) -> List[Dict]:
        """Applies ``valid_ratio``, then the policy for invalid clips."""
        if self.is_prepared:
            self.filter_prepared()
            self._apply_policy()
            self._log_unlabeled(self.data_list.count_unlabeled())
            return self.data_list
        if self.uses_valid_ratio:
            self._sift(self._valid_problems)
        super().filter_data()
        layout = common_layout(self.data_list)
        self._sift(lambda clip: find_problems(
            clip, layout, self.num_classes, self.multi_class, self.need_label,
            need_points='skeleton' not in self.data_prefix))
        self._apply_policy()
        self._log_unlabeled(sum(map(self._remove_empty_label,
                                    self.data_list)))
        return self.data_list

    def _remove_empty_label(self, clip: Dict[str, Any]) -> bool:
        """Removes a label that is None or -1; whether there is none."""
        is_empty = is_unlabeled(clip.get('label'))
        if is_empty:
            clip.pop('label', None)
        return is_empty

    def _log_unlabeled(self, count: int) -> None:
        """Logs how many clips have no label, if they may have one."""
        if count and not self.drop_labels:
            print_log(f'{self._where}: {count} of {len(self.data_list)} clips '
                      'have no label', logger='current')

    def _sift(self, problems_of: Callable[[dict], Iterable[Problem]]) -> None:
        """Moves clips with a problem to the invalid ones."""
        good = []
        for clip in self.data_list:
            problem = next(iter(problems_of(clip)), None)
            if problem is None:
                good.append(clip)
            else:
                self._invalid.append(InvalidClip(clip_name(clip), problem))
        self.data_list = good

    def _valid_problems(self, clip: dict) -> List[Problem]:
        """Returns the problem if a clip lacks keys for ``valid_ratio``."""
        valid, frames = clip.get('valid'), clip.get('total_frames')
        if (isinstance(valid, dict)
                and isinstance(valid.get(self.box_thr), Real)
                and is_integer(frames) and frames > 0
                and isinstance(clip.get('box_score'), np.ndarray)):
            return []
        return [Problem('no valid', 'lacks keys that valid_ratio needs: '
                        'total_frames, the array box_score, and the number '
                        f'valid[{self.box_thr}]')]

    @property
    def _where(self) -> str:
        """File and split for messages."""
        split = '' if self.split is None else f', split {self.split!r}'
        return self.ann_file + split

    def _apply_policy(self) -> None:
        """Raises AnnotationError, or logs the clips that are left out."""
        invalid, left, where = self._invalid, len(self.data_list), self._where
        listed = f'`python tools/data/check_dataset.py {self.ann_file}`'
        texts = [f'clip {name!r} {problem.text}'
                 for name, problem in invalid[:LISTED]]
        if invalid and self.invalid_clips == 'stop':
            raise AnnotationError(
                f'{where}: {texts[0]} (invalid clips: {len(invalid)} of '
                f'{len(invalid) + left}): correct the file, or leave such '
                f"clips out with invalid_clips='skip'; {listed} lists all")
        if not left and invalid:
            raise AnnotationError(f'{where} has no valid clip, the first '
                                  f'problem: {texts[0]}; {listed} lists all')
        if not left:
            raise AnnotationError(f'{where} has no clip with as many valid '
                                  f'frames as valid_ratio={self.valid_ratio} '
                                  'requires: lower it')
        if invalid:
            more = ([f'{len(invalid) - LISTED} more']
                    if len(invalid) > LISTED else [])
            print_log(f'{where}: left out {len(invalid)} invalid clips of '
                      f'{len(invalid) + left}: {"; ".join(texts + more)}',
                      logger='current', level=logging.WARNING)
        self._invalid, self.left_out = [], invalid

    def get_data_info(self, idx: int) -> dict:
        """Returns an annotation, with key points from the clip's own file.

        Args:
            idx (int): Index of the clip.

        Raises:
            InvalidClipError: If its file is missing or invalid.
        """
        # Not the method of PoseDataset, whose unpickler runs code.
        info = self.annotation(idx)
        info.update(modality=self.modality, start_index=self.start_index)
        if self.multi_class and 'label' in info:
            hot = torch.zeros(self.num_classes)
            hot[info['label']] = 1
            info['label'] = hot
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
            raise InvalidClipError(f'clip {name!r} of {self._where} has no '
                                   f'readable skeleton ({error})') from error
        if not isinstance(own, dict):
            raise InvalidClipError(f'clip {name!r}: its skeleton {path} is '
                                   f'{shown(own)}, not a dict')
        info.update(own)
        problem = next(find_problems(info), None)
        if problem is not None:
            raise InvalidClipError(f'clip {name!r}: its skeleton {path} '
                                   f'{problem.text}')

    def get_cat_ids(self, idx: int) -> List[int]:
        """Returns the classes of a clip for ``ClassBalancedDataset``.

        Args:
            idx (int): Index of the clip.

        Returns:
            list[int]: One class, or several with ``multi_class``; empty for
            an unlabelled clip, which ``ClassBalancedDataset`` never repeats.
        """
        self.full_init()
        label = (self.names_and_labels()[1][idx] if self.is_prepared else
                 self.annotation(idx).get('label'))
        return [] if label is None else np.ravel(label).tolist()

    def prepare_data(self, idx: int) -> Any:
        """Applies the pipeline to a clip.

        Args:
            idx (int): Index of the clip.

        Raises:
            InvalidClipError: If the pipeline raises or returns None.
        """
        return pass_pipeline(self.pipeline, self.get_data_info(idx),
                             self._where)

    def __getitem__(self, idx: int) -> Any:
        """Returns the output of the pipeline, following ``invalid_clips``.

        Args:
            idx (int): Index of the clip.

        Raises:
            InvalidClipError: If the pipeline fails, and the policy is to stop
                or this is a test.
        """
        self.full_init()
        return take_clip(self.prepare_data, idx, len(self), self.invalid_clips,
                         self.test_mode)
