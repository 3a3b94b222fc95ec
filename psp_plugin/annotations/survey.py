"""Surveys an annotation file: all its problems, and its statistics."""
import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import combinations
from statistics import median
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    List,
    Optional,
    Sequence,
    Set,
    cast,
)

import numpy as np

from .clip_checks import (
    Layout,
    common_layout,
    find_problems,
    is_integer,
    is_unlabeled,
    layout_of,
)
from .file import (
    AnnotationFile,
    InvalidClip,
    absent_clips,
    names_of_split,
    read_annotations,
    repeated_names,
    select_clips,
)


@dataclass
class Survey:
    """Problems and statistics of an annotation file.

    Args:
        path: The file.
        clips: The number of clips surveyed.
        invalid: Every problem of every clip.
        classes: Per split, the number of clips of each label; those without
            a valid label are counted under None.
        frames: Number of frames of each clip with a valid ``keypoint``.
        counts: Number of clips by joints, coordinates, dtype and number of
            persons.
        second_absent: Number of clips without a second person.
        duplicates: Per pair of splits without a common clip, the clips of
            the second with the same key points as a clip of the first.
        shared: Per pair of a train split and its val or test split, the clips
            that are in both.
        notes: Further remarks for the user.
        metainfo: The file's ``metainfo``.
    """
    path: str
    clips: int = 0
    invalid: List[InvalidClip] = field(default_factory=list)
    classes: Dict[str, Dict[Optional[int], int]] = field(default_factory=dict)
    frames: List[int] = field(default_factory=list)
    counts: Dict[str, Counter[Any]] = field(
        default_factory=lambda: defaultdict(Counter))
    second_absent: int = 0
    duplicates: Dict[str, List[str]] = field(default_factory=dict)
    shared: Dict[str, List[str]] = field(default_factory=dict)
    notes: List[str] = field(default_factory=list)
    metainfo: Dict[str, Any] = field(default_factory=dict)

    @property
    def problems(self) -> Dict[str, List[InvalidClip]]:
        """The invalid clips by kind of problem, the most frequent first."""
        kinds = defaultdict(list)
        for clip in self.invalid:
            kinds[clip.problem.kind].append(clip)
        return dict(sorted(kinds.items(), key=lambda kind: -len(kind[1])))

    def as_dict(self) -> Dict[str, Any]:
        """The survey as plain containers, for JSON."""
        return dict(
            path=self.path, clips=self.clips,
            problems={kind: [dict(clip=clip.name, problem=clip.problem.text)
                           for clip in clips]
                    for kind, clips in self.problems.items()},
            classes={split: {str(label): n for label, n in labels.items()}
                     for split, labels in self.classes.items()},
            frames=self.frame_range(),
            counts={name: {str(value): n for value, n in counter.items()}
                    for name, counter in self.counts.items()},
            second_absent=self.second_absent, duplicates=self.duplicates,
            shared=self.shared, notes=self.notes,
            metainfo=self.metainfo)

    def frame_range(self) -> List[float]:
        """Minimum, median and maximum number of frames, or []."""
        if not self.frames:
            return []
        return [min(self.frames), median(self.frames), max(self.frames)]


def survey(path: str,
           split: Optional[str] = None,
           num_classes: Optional[int] = None,
           joints: Optional[int] = None,
           progress: Callable[[Sequence[Any]], Iterable[Any]] = iter,
           **kinds: bool) -> Survey:
    """Surveys an annotation file without stopping at its first problem.

    Problems are those that :class:`CheckedPoseDataset` raises.

    Args:
        path (str): The file.
        split (str, optional): The only split to look at. Defaults to None,
            all clips and splits.
        num_classes (int, optional): The number of classes. Defaults to None,
            that of the names in the metainfo, or any without names.
        joints (int, optional): The number of joints. Defaults to None, that
            of most clips.
        progress (Callable): Wraps the list of clips during iteration, e.g.
            with a progress bar. Defaults to ``iter``.
        **kinds (bool): ``multi_class`` and ``need_points`` of
            :func:`find_problems`.

    Returns:
        Survey: Problems and statistics.

    Raises:
        FileNotFoundError: If the file is missing.
        ValueError: If it does not consist of splits and clips, or has no
            such split.
    """
    file = read_annotations(path)
    clips = file.clips
    if split is not None:
        clips = select_clips(file, split)
        file = file._replace(splits={split: names_of_split(file, split)})
    found = Survey(path, len(clips), repeated_names(file, clips),
                   metainfo=file.metainfo)
    for name in file.splits or ():
        found.invalid += absent_clips(file, name)
    named = len(file.metainfo.get('classes') or ())
    if named and num_classes not in (None, named):
        found.notes.append(f'the metainfo names {named} classes, not '
                           f'{num_classes}')
    num_classes = num_classes or named or None
    layout = expected_layout(clips, joints)
    digests: Dict[str, bytes] = {}
    for clip in progress(clips):
        problems = list(find_problems(clip, layout, num_classes, **kinds))
        found.invalid += [InvalidClip(clip[file.key], problem)
                          for problem in problems]
        count_clip(clip, found)
        if isinstance(clip.get('keypoint'), np.ndarray):
            digests.setdefault(clip[file.key], digest(clip['keypoint']))
    count_classes(file, num_classes, found)
    compare_splits(file, digests, found)
    if split is None and file.splits is not None:
        unused = set(file.names).difference(
            *file.splits.values())
        if unused:
            found.notes.append(f'clips in no split: {len(unused)}')
    single = found.frames.count(1)
    if single:
        found.notes.append(f'clips of a single frame, thus without motion: '
                           f'{single}')
    return found


def expected_layout(clips: Sequence[Dict[str, Any]],
                    joints: Optional[int]) -> Optional[Layout]:
    """The most frequent layout, among clips with ``joints`` if given."""
    if joints is None:
        return common_layout(clips)
    having = (clip for clip in clips
              if getattr(layout_of(clip), 'joints', None) == joints)
    return common_layout(having) or Layout(joints, 3, False)


def count_clip(clip: Dict[str, Any], found: Survey) -> None:
    """Adds dtype and shape of a clip to the statistics, where valid."""
    points = clip.get('keypoint')
    if not isinstance(points, np.ndarray):
        return
    found.counts['dtype'][str(points.dtype)] += 1
    if points.ndim != 4:
        return
    persons, frames, joints, coordinates = points.shape
    found.frames.append(frames)
    found.counts['persons'][persons] += 1
    found.counts['joints'][joints] += 1
    found.counts['coordinates'][coordinates] += 1
    found.second_absent += persons < 2 or not points[1:].any()


def digest(points: np.ndarray) -> bytes:
    """Equal for two arrays if and only if shape, dtype and values are."""
    head = f'{points.shape} {points.dtype.str}'.encode()
    return hashlib.sha256(head + points.tobytes()).digest()


def count_classes(file: AnnotationFile, num_classes: Optional[int],
                  found: Survey) -> None:
    """Counts clips per split and class, and notes empty classes."""
    labels = dict(zip(file.names, file.labels))
    splits = file.splits if file.splits is not None else {'all': list(labels)}
    for split, names in splits.items():
        present = [labels[name] for name in dict.fromkeys(names)
                   if name in labels]
        counts: Counter[Optional[int]] = Counter(
            int(cast(int, label)) if is_integer(label)
            and not is_unlabeled(label) else None for label in present)
        found.classes[str(split)] = dict(sorted(
            counts.items(), key=lambda item: (item[0] is None, item[0])))
        empty = [str(label) for label in range(num_classes or 0)
                 if label not in counts]
        if empty and set(counts) - {None}:
            found.notes.append(f'classes without a clip in split {split!r}: '
                               f'{", ".join(empty)}')
        if None in counts:
            found.notes.append(f'clips without a label in split {split!r}: '
                               f'{counts[None]}')


def held_out(train: str, other: str) -> bool:
    """Whether a split, by its name, is for evaluating a train split."""
    return 'train' in train and other in (train.replace('train', 'val'),
                                          train.replace('train', 'test'))


def compare_splits(file: AnnotationFile, digests: Dict[str, bytes],
                   found: Survey) -> None:
    """Finds clips that are in two splits, and duplicates across splits."""
    splits: Dict[str, Set[str]] = {
        str(split): {name for name in names if name in digests}
        for split, names in (file.splits or {}).items()}
    for one, other in combinations(splits, 2):
        common = splits[one] & splits[other]
        if common and (held_out(one, other) or held_out(other, one)):
            found.shared[f'{one}, {other}'] = sorted(common)
        if common:
            continue
        known = {digests[name] for name in splits[one]}
        duplicates = sorted(name for name in splits[other]
                            if digests[name] in known)
        if duplicates:
            found.duplicates[f'{one}, {other}'] = duplicates
