"""What a pose dataset does with a prepared file instead of a pickle."""
from typing import Any, Dict, Sequence, Tuple

import numpy as np
from mmaction.datasets import PoseDataset
from mmengine.dataset import BaseDataset

from psp_plugin.annotations import (
    ClipLabels,
    ClipNames,
    InvalidClip,
    PreparedClips,
    clip_name,
    find_problems,
)

# Invalid clips named in a message.
LISTED = 20


class PreparedPoses(PoseDataset):
    """The part of ``CheckedPoseDataset`` that reads prepared files.

    Its ``data_list`` is then a :class:`PreparedClips` instead of a list: the
    numbers of its clips, which are read when asked for.
    """

    @property
    def is_prepared(self) -> bool:
        """Whether the annotations, once read, are a prepared file's."""
        # A subset of serialized clips has no data_list.
        return type(getattr(self, 'data_list', None)) is PreparedClips

    @property
    def uses_valid_ratio(self) -> bool:
        """Whether clips are chosen by ``valid_ratio``, as in the toolbox."""
        return isinstance(self.valid_ratio, float) and self.valid_ratio > 0

    def filter_prepared(self) -> None:
        """Finds clips that do not fit the arguments of this dataset."""
        if self.uses_valid_ratio:
            self._apply_valid_ratio()
        clips = self.data_list
        options = dict(layout=clips.common_layout(),
                       num_classes=self.num_classes,
                       multi_class=self.multi_class,
                       need_label=self.need_label,
                       need_points='skeleton' not in self.data_prefix)
        bad = clips.unfit(drop_labels=self.drop_labels, **options)
        # To stop, only the first ones are read; the others count.
        shown = bad if self.invalid_clips == 'skip' else bad[:LISTED]
        for place in shown.tolist():
            clip = self._adapted(clips[place])
            self._invalid.append(InvalidClip(
                clip_name(clip), next(find_problems(clip, **options))))
        self._invalid += self._invalid[-1:] * (len(bad) - len(shown))
        if len(bad):
            self.data_list = clips.take(np.setdiff1d(
                np.arange(len(clips)), bad))

    def _apply_valid_ratio(self) -> None:
        """Reads all clips, and keeps those with enough valid frames."""
        kept = []
        for place, clip in enumerate(self.data_list):
            problem = next(iter(self._valid_problems(clip)), None)
            if problem is not None:
                self._invalid.append(InvalidClip(
                    clip_name(self._adapted(clip)), problem))
            elif (clip['valid'][self.box_thr] / clip['total_frames']
                  >= self.valid_ratio):
                kept.append(place)
        self.data_list = self.data_list.take(np.array(kept, int))

    def annotation(self, idx: int) -> Dict[str, Any]:
        """Returns the annotation of a clip and its ``sample_idx``.

        Args:
            idx (int): Index of the clip.

        Raises:
            PreparedFileError: If a prepared file is damaged or has changed,
                whatever the policy for invalid clips.
        """
        self.full_init()
        if not self.is_prepared:
            # Not the method of BaseActionDataset, which needs a label with
            # multi_class.
            return BaseDataset.get_data_info(self, idx)
        clip = self._adapted(self.data_list[idx])
        self._remove_empty_label(clip)
        if self.uses_valid_ratio:
            clip['anno_inds'] = clip['box_score'] >= self.box_thr
        clip['sample_idx'] = idx if idx >= 0 else len(self) + idx
        return clip

    def names_and_labels(self) -> Tuple[Sequence[str], Sequence[Any]]:
        """Returns names, and labels or None, of all clips, in order.

        Those of a prepared file are read when asked for.
        """
        self.full_init()
        clips = self.data_list
        if self.is_prepared and clips.file.description['is_frame_dir']:
            return (ClipNames(clips.file, clips.numbers,
                              self.data_prefix.get('video')),
                    ClipLabels(clips.file, clips.numbers, self.drop_labels))
        infos = map(self.annotation, range(len(self)))
        pairs = [(clip_name(info), info.get('label')) for info in infos]
        return [name for name, _ in pairs], [label for _, label in pairs]

    def _get_unserialized_subset(self, indices: Any) -> Sequence[Any]:
        """Returns the clips of some indices, or the first or last ones."""
        if self.is_prepared and isinstance(indices, Sequence):
            return self.data_list.take(np.array(indices, int))
        return super()._get_unserialized_subset(indices)
