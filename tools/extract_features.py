"""Writes the features of clips: one .npy file for each, and a table.

Features are those of the encoder, averaged over persons, frames and joints as
in the classifier: (D,) float32, joint and motion stream one after the other.
"""
import argparse
import contextlib
import csv
import sys
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

import numpy as np
from mmengine.dataset import pseudo_collate

from psp_plugin.apis import SkeletonInferencer
from psp_plugin.commands.batches import in_batches, prepared, test_clips
from psp_plugin.commands.command_line import (
    add_device,
    add_read_options,
    exit_on_error,
    free_name,
    model_parser,
    positive,
    read_config,
    read_options,
)
from psp_plugin.commands.find_clips import (
    compare_files,
    find_clips,
)
from psp_plugin.errors import InputError
from psp_plugin.skeletons import LEVELS
from psp_plugin.tooling.visualization import batch_features, check_level

TABLE = 'table.csv'
COLUMNS = ('name', 'label', 'split', 'predicted', 'class', 'file')


def parse_args(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = model_parser(__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        'clips', nargs='*', metavar='CLIP',
        help='a recording, data.pkl for all clips of an annotation pickle, '
        'data.pkl#NAME for one of them, or a folder of these (default: the '
        'test clips of the config)')
    parser.add_argument('-o', '--output', required=True, metavar='DIR',
                        help='the folder to write, new or empty')
    parser.add_argument(
        '--split', metavar='NAME',
        help='only this split of the annotation pickles, or of the test '
        "dataset's (default: all clips, or the test split of the config)")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        '--per-joint', action='store_true',
        help='average over persons and frames only: (V, D)')
    kind.add_argument(
        '--level', choices=LEVELS, help='the projected features of this '
        'level, as in the contrastive loss')
    add_read_options(parser)
    parser.add_argument(
        '--classes', metavar='FILE',
        help='names of the classes, one on each line (default: those of the '
        'checkpoint, else of the config)')
    parser.add_argument(
        '--batch-size', type=positive, default=16, metavar='N',
        help='clips in a batch (default: %(default)s)')
    add_device(parser)
    return parser.parse_args(argv)


def make_folder(path: str) -> Path:
    """Creates the folder to write.

    Raises:
        InputError: If it contains anything, which could be taken for a part
            of the new features.
    """
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    if next(folder.iterdir(), None) is not None:
        raise InputError(f'folder {path} is not empty: name a new one with -o')
    return folder


def encode(inferencer: SkeletonInferencer, inputs: List[Dict],
           args: argparse.Namespace) -> Iterator[Tuple[np.ndarray, Any]]:
    """Yields features and predicted class of prepared clips.

    The class is None for a model without a head, or if the features are not
    finite.
    """
    features = batch_features(inferencer.model, pseudo_collate(inputs),
                              args.level, args.per_joint).cpu().numpy()
    predicted: List[Any] = [None] * len(inputs)
    if inferencer.classes and np.isfinite(features).all():
        predicted = [int(scores.argmax())
                     for scores in inferencer.predict(inputs)]
    return zip(features, predicted)


def run(args: argparse.Namespace) -> List[str]:
    """Writes features and table; returns the errors of invalid clips."""
    cfg = read_config(args)
    inferencer = SkeletonInferencer(cfg, args.checkpoint, args.device,
                                    args.classes, options=read_options(args))
    check_level(inferencer.model, args.level)
    clips = (find_clips(args.clips, args.split, read_options(args))
             if args.clips else test_clips(cfg, args.split)[:])
    compare_files(clips, inferencer.prepare)
    folder = make_folder(args.output)
    rows, errors, taken = [], [], set()
    for batch, inputs in prepared(
            inferencer.prepare, in_batches(clips, args.batch_size), errors):
        for clip, (features, label) in zip(batch, encode(
                inferencer, inputs, args)):
            if not np.isfinite(features).all():
                raise InputError(f'the features of clip {clip.name!r} are not '
                                 'finite: has the training of this encoder '
                                 'diverged?')
            file = f'{free_name(clip.name, taken)}.npy'
            np.save(folder / file, features)
            name = '' if label is None else inferencer.classes[label]
            rows.append((clip.name, clip.label, clip.split, label, name, file))
    if rows:
        write_table(folder / TABLE, rows)
    return errors


def write_table(path: Path, rows: List[tuple]) -> None:
    """Writes a row per clip; empty cells are unknown."""
    with open(path, 'w', newline='', encoding='utf-8') as stream:
        writer = csv.writer(stream)
        writer.writerows([COLUMNS, *rows])


def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    with exit_on_error(), contextlib.redirect_stdout(sys.stderr):
        errors = run(args)
    written = Path(args.output) / TABLE
    if written.is_file():
        print(f'wrote {written}')
    if errors:
        lines = [f'left out: {error}.' for error in errors]
        sys.exit('\n'.join([*lines, f'{len(errors)} clips were left out.']))


if __name__ == '__main__':
    main()
