"""Chooses the clips of a data set that a figure shows."""
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from psp_plugin.errors import InputError


def find_classes(names: Sequence[str], wanted: Sequence[str]) -> List[int]:
    """Finds classes by name or number.

    Args:
        names (Sequence[str]): The names of all classes.
        wanted (Sequence[str]): Names, or numbers from 0.

    Returns:
        list[int]: Labels, in the order of ``wanted``, each once.

    Raises:
        InputError: If there is no such class.
    """
    labels: Dict[int, None] = {}
    for word in wanted:
        if word in names:
            label = list(names).index(word)
        elif word.isdecimal() and int(word) < len(names):
            label = int(word)
        else:
            raise InputError(
                f'there is no class {word!r}: give numbers from 0 to '
                f'{len(names) - 1} or names, which are {", ".join(names)}')
        labels[label] = None
    return list(labels)


def choose_clips(dataset,
                 labels: Optional[Sequence[int]] = None,
                 max_clips: Optional[int] = None,
                 seed: int = 0) -> List[Tuple[int, str, int]]:
    """Chooses the clips of some classes, at random where they are too many.

    Args:
        dataset (BaseDataset): A labelled dataset of the toolbox.
        labels (Sequence[int], optional): The classes. Defaults to None: all
            that the dataset has.
        max_clips (int, optional): The most clips to choose. Defaults to None,
            no limit.
        seed (int): Seed of the choice. Defaults to 0.

    Returns:
        list[tuple[int, str, int]]: Index, name and label of each clip, in the
        order of the dataset.

    Raises:
        InputError: If ``max_clips`` is less than 1, if a clip has not one
            label, or if no clip is of one of the classes.
    """
    if max_clips is not None and max_clips < 1:
        raise InputError(f'max_clips must be at least 1, not {max_clips}')
    clips, counts = [], dict.fromkeys(labels or (), 0)
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        name = info.get('frame_dir', info.get('filename', str(index)))
        label = info.get('label')
        if label is None or np.ndim(label):
            raise InputError(
                f'clip {name!r} of the data set has '
                f'{"no label" if label is None else "several labels"}: '
                'clips of one class each are needed')
        if labels is None or label in counts:
            counts[label] = counts.get(label, 0) + 1
            clips.append((index, name, int(label)))
    absent = [str(label) for label, count in counts.items() if not count]
    if absent:
        raise InputError(f'the data set has no clip of class '
                         f'{", ".join(absent)}: choose other classes')
    if max_clips is not None and max_clips < len(clips):
        chosen = np.random.default_rng(seed).choice(
            len(clips), max_clips, replace=False)
        clips = [clips[i] for i in sorted(chosen)]
    return clips
