"""Annotations of the toolbox: one, a list, or a dataset with splits."""
from dataclasses import replace
from numbers import Real
from typing import Any, Dict, List, Optional, Union

import numpy as np

from ..recording import Format, InvalidRecording, Recording
from .nested import AXES, numbers


def is_annotation(content: Any) -> bool:
    """Whether a JSON or pickled object has key points."""
    return isinstance(content, dict) and 'keypoint' in content


def is_dataset(content: Any) -> bool:
    """Whether an object is a list of annotations, or has one."""
    return bool(entries_of(content))


def entries_of(content: Any) -> List[Dict[str, Any]]:
    """Returns the annotations of a dataset; empty if it is none."""
    entries = content.get('annotations') if isinstance(
        content, dict) else content
    if not isinstance(entries, list) or not all(
            isinstance(entry, dict)
            and ('frame_dir' in entry or 'keypoint' in entry)
            for entry in entries):
        return []
    return entries


def read_annotation(content: Dict[str, Any]) -> List[Recording]:
    """Reads one annotation."""
    return [recording_of(content)]


def read_dataset(content: Any) -> List[Recording]:
    """Reads the annotations of a dataset, each by its name."""
    known, splits = info_of(content), splits_of(content)
    recordings = []
    for number, entry in enumerate(entries_of(content)):
        name = str(entry.get('frame_dir', entry.get('filename', number)))
        try:
            recordings.append(replace(
                recording_of(entry, name), **known,
                splits=tuple(splits.get(name, ()))))
        except InvalidRecording as problem:
            recordings.append(Recording(name=name, problem=str(problem)))
    return recordings


def splits_of(content: Any) -> Dict[str, List[str]]:
    """Returns the splits of each clip that a dataset names in any."""
    splits = content.get('split') if isinstance(content, dict) else None
    found: Dict[str, List[str]] = {}
    for split, names in splits.items() if isinstance(splits, dict) else ():
        for name in names if isinstance(names, (list, tuple)) else ():
            found.setdefault(str(name), []).append(str(split))
    return found


def info_of(content: Any) -> Dict[str, Any]:
    """Returns joint layout, joints and frame rate of a dataset, if known."""
    info = content.get('metainfo') if isinstance(content, dict) else None
    if not isinstance(info, dict):
        return {}
    layout, fps = info.get('layout'), info.get('fps')
    known: Dict[str, Any] = {}
    if isinstance(layout, (str, dict)):
        known['layout'] = layout
    if isinstance(fps, Real) and 0 < float(fps) < float('inf'):
        known['fps'] = float(fps)
    names = info.get('joint_names')
    if isinstance(names, (list, tuple)) and all(
            isinstance(name, str) for name in names):
        known['joint_names'] = tuple(names)
    return known


def recording_of(entry: Dict[str, Any], name: str = '') -> Recording:
    """Reads the keys of an annotation."""
    if 'keypoint' not in entry:
        raise InvalidRecording(
            'has no "keypoint" in its annotation, only '
            f'{", ".join(map(repr, list(entry)[:5])) or "no key"}')
    scores = entry.get('keypoint_score')
    if scores is not None:
        try:
            scores = numbers(scores, AXES[:-1])
        except InvalidRecording as problem:
            raise InvalidRecording(
                f'{problem}, in "keypoint_score"') from problem
    return Recording(
        points=numbers(entry['keypoint']), scores=scores, name=name,
        label=label_of(entry.get('label')), img_shape=entry.get('img_shape'))


def label_of(value: Any) -> Optional[Union[int, str]]:
    """Returns a label that is a class; None for anything else."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return int(value)
    return value if isinstance(value, str) else None


FORMATS = (
    Format('PoseDataset annotation', ('.pkl', '.json'), is_annotation,
           read_annotation),
    Format('PoseDataset annotations', ('.pkl', '.json'), is_dataset,
           read_dataset),
)
