"""Converts NW-UCLA sequences to a toolbox pose dataset with splits."""
from collections import Counter
from typing import Any, Callable, Dict, List, Optional, Tuple

from psp_plugin.annotations import write_pickle

from .reader import (
    ACTIONS,
    CLASSES,
    TRAIN_VIEWS,
    VAL_VIEW,
    Note,
    Sequence,
    read_sequences,
)

Splits = Dict[str, List[str]]


def find_duplicates(sequences: List[Sequence]) -> Dict[str, str]:
    """Finds the view-3 sequences that duplicate a training sequence.

    Args:
        sequences (list[Sequence]): All sequences.

    Returns:
        dict[str, str]: The duplicate's name -> the first training sequence
        (view 1 or 2) with byte-identical points.
    """
    originals: Dict[bytes, str] = {}
    for sequence in sequences:
        if sequence.view in TRAIN_VIEWS:
            originals.setdefault(sequence.digest, sequence.name)
    return {
        sequence.name: originals[sequence.digest]
        for sequence in sequences
        if sequence.view == VAL_VIEW and sequence.digest in originals
    }


def build_splits(sequences: List[Sequence]) -> Splits:
    """Splits sequences by view, and by subject.

    Source: training on views 1 and 2 and testing on view 3 is the protocol of
    the PSP paper. ``xview_val_clean`` is view 3 without duplicates of
    training sequences. The ``xsub`` splits are this project's: subjects 1, 3,
    5, 7 and 9 for training, the even ones for validation, so their results
    are not comparable to any published number. ``view1`` and ``view2`` are
    the two training views, to choose settings without using view 3.

    Args:
        sequences (list[Sequence]): All sequences.

    Returns:
        dict[str, list[str]]: Sequence names of ``xview_train``,
        ``xview_val``, ``xview_val_clean``, ``xsub_train``, ``xsub_val``,
        ``view1`` and ``view2``.
    """
    copies = find_duplicates(sequences)
    members: Dict[str, Callable[[Sequence], bool]] = dict(
        xview_train=lambda s: s.view in TRAIN_VIEWS,
        xview_val=lambda s: s.view == VAL_VIEW,
        xview_val_clean=lambda s: s.view == VAL_VIEW and s.name not in copies,
        xsub_train=lambda s: s.subject % 2 == 1,
        xsub_val=lambda s: s.subject % 2 == 0,
        view1=lambda s: s.view == 1,
        view2=lambda s: s.view == 2)
    return {
        split: [s.name for s in sequences if is_member(s)]
        for split, is_member in members.items()
    }


def build_annotations(sequences: List[Sequence]) -> List[Dict[str, Any]]:
    """Converts sequences to annotations of the toolbox's ``PoseDataset``.

    Args:
        sequences (list[Sequence]): The sequences.

    Returns:
        list[dict]: Each with ``frame_dir`` (str), ``label`` (int),
        ``total_frames`` (int) and ``keypoint`` (1, T, V, 3), float32.
    """
    return [
        dict(frame_dir=sequence.name, label=sequence.label,
             total_frames=len(sequence.points),
             keypoint=sequence.points[None]) for sequence in sequences
    ]


def summarize(sequences: List[Sequence], notes: List[Note]) -> str:
    """Summarizes a dataset: counts, duplicates and notes.

    Args:
        sequences (list[Sequence]): The sequences.
        notes (list[Note]): The notes of :func:`read_sequences`.

    Returns:
        str: Lines of text.
    """
    lengths = [len(sequence.points) for sequence in sequences]
    splits = build_splits(sequences)
    labels = {sequence.name: sequence.label for sequence in sequences}
    counts = {
        split: Counter(labels[name] for name in names)
        for split, names in splits.items()
    }
    lines = [f'{len(sequences)} sequences of {min(lengths)} to '
             f'{max(lengths)} frames', '',
             _row('label action class', {split: split for split in splits})]
    for label, (action, name) in enumerate(zip(ACTIONS, CLASSES)):
        lines.append(_row(f'{label:5} {action:6} {name}',
                          {split: counts[split][label] for split in splits}))
    lines.append(_row('total', {s: len(names) for s, names in splits.items()}))

    copies = Counter(labels[name] for name in find_duplicates(sequences))
    lines += ['', f'duplicates: {sum(copies.values())} view-3 sequences are '
                  'copies of training sequences, not in xview_val_clean']
    lines += [f'  action {ACTIONS[label]} ({CLASSES[label]}): {count}'
              for label, count in sorted(copies.items())]
    lines += ['', f'notes: {len(notes)}', *(f'  {note}' for note in notes)]
    return '\n'.join(lines)


def _row(head: str, cells: Dict[str, Any]) -> str:
    """One line of a table whose columns are as wide as their names."""
    return f'{head:36}' + ''.join(f'{cell:>{len(column) + 2}}'
                                  for column, cell in cells.items())


def convert(source: str, output: Optional[str] = None
            ) -> Tuple[Dict[str, Any], str]:
    """Converts a zip or folder of NW-UCLA skeletons.

    Args:
        source (str): The zip or folder.
        output (str, optional): The pickle to write. Defaults to None, not
            written.

    Returns:
        tuple: The dataset, ``dict(split=..., annotations=...)``, and the
        summary.

    Raises:
        NWUCLAError: If the source has no usable sequence.
        OSError: If ``output`` cannot be written.
    """
    sequences, notes = read_sequences(source)
    data = dict(split=build_splits(sequences),
                annotations=build_annotations(sequences))
    if output is not None:
        write_pickle(data, output)
    return data, summarize(sequences, notes)
