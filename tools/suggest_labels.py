"""Suggests which clips of an unlabelled pool to label.

It writes a list of names, the most useful first: for tools/label.py --clips,
and as split_file of a config. Labels inside the pool are not read.
"""
import argparse
import contextlib
import sys
from typing import Dict, List, Optional, Set, Tuple

import numpy as np
from mmengine.config import Config, ConfigDict
from mmengine.dataset import pseudo_collate

from psp_plugin.apis import ClipError, SkeletonInferencer
from psp_plugin.commands.batches import clips_of, in_batches, prepared
from psp_plugin.commands.clips import innermost_dataset
from psp_plugin.commands.command_line import (
    add_cfg_options,
    add_device,
    add_read_options,
    check_output,
    exit_on_error,
    positive,
    read_config,
    read_options,
    show_progress,
)
from psp_plugin.commands.find_clips import (
    FoundClip,
    compare_files,
    find_pool,
    read_annotation,
)
from psp_plugin.datasets.draw import check_unique
from psp_plugin.datasets.split import write_split
from psp_plugin.errors import InputError
from psp_plugin.recordings import read_labels
from psp_plugin.tooling.selection import (
    STRATEGIES,
    Pool,
    check_count,
    check_options,
    pose_features,
    suggest,
)
from psp_plugin.tooling.visualization import batch_features, classify_batch


def parse_args(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        'pool', metavar='POOL',
        help='an annotation pickle, or a folder of recordings; or CONFIG.py '
        'for the training clips of a config')
    parser.add_argument('-k', type=positive, required=True, metavar='N',
                        help='number of clips to label')
    parser.add_argument('-o', '--output', required=True, metavar='LIST',
                        help='the list to write: JSON for .json, else text')
    parser.add_argument(
        '--model', nargs=2, metavar=('CONFIG', 'CHECKPOINT'),
        help='the encoder whose features are compared, such as a pre-trained '
        'one (default: none, features of the poses themselves)')
    parser.add_argument(
        '--strategy', choices=STRATEGIES, default=STRATEGIES[0],
        help='the most typical clip of each cluster (TypiClust); the clip '
        'farthest from all chosen ones (greedy k-centre); the clips on which '
        'the classifier is least certain; or any (default: %(default)s)')
    parser.add_argument(
        '--labels', metavar='CSV',
        help='the clips that have a label already, as for '
        'convert_skeletons.py, or were skipped (an empty label); without a '
        'classifier in --model they train one for the strategy margin')
    parser.add_argument('--split', metavar='NAME',
                        help='only this split of the pickles, or of the '
                        "config's dataset")
    parser.add_argument('--seed', type=int, default=0,
                        help='seed of clusters and draws (default: '
                        '%(default)s)')
    add_read_options(parser)
    add_cfg_options(parser)
    parser.add_argument('--batch-size', type=positive, default=16,
                        metavar='N',
                        help='clips in a batch (default: %(default)s)')
    add_device(parser)
    return parser.parse_args(argv)


def read_model_config(path: str, args: argparse.Namespace) -> Config:
    """Reads a config with the options of the command line."""
    return read_config(argparse.Namespace(
        config=path, cfg_options=args.cfg_options))


def open_pool(args: argparse.Namespace) -> Dict[str, FoundClip]:
    """Returns the clips of the pool by name.

    Raises:
        InputError: If there is none, or if a config has no training clips, or
            other ones without labels.
    """
    if not args.pool.endswith('.py'):
        return find_pool(args.pool, args.split, read_options(args))
    cfg = read_model_config(args.pool, args)
    dataset = innermost_dataset(cfg, 'train')
    if not dataset:
        raise InputError(f'{args.pool} has no train_dataloader: name a '
                         'pickle or a folder')
    if args.split is None:
        check_unlabeled(cfg, dataset, args.pool)
    clips = clips_of(dataset, args.split)
    check_unique(clips.names)
    return dict(zip(clips.names, clips[:]))


def check_unlabeled(cfg: Config, dataset: ConfigDict, path: str) -> None:
    """Raises InputError if unlabelled clips are not those of a dataset."""
    for hook in cfg.get('custom_hooks') or ():
        other = innermost_dataset(
            dict(train_dataloader=hook.get('unlabeled_dataloader')), 'train')
        file, split = other.get('ann_file'), other.get('split')
        if other and (file, split) != (
                dataset.get('ann_file'), dataset.get('split')):
            raise InputError(
                f'{path} has its unlabelled clips apart from the labelled '
                f'ones, in {file}, split {split!r}: name that pickle, with '
                f'--split {split}')


def read_table(path: Optional[str]) -> Tuple[Dict[str, int], Set[str]]:
    """Returns the labels of a table, and the clips that were skipped."""
    if path is None:
        return {}, set()
    table = read_labels(path)
    return table.labels, set(table.unlabeled)


def describe_poses(clips: Dict[str, FoundClip], args: argparse.Namespace,
                   errors: List[str]) -> Pool:
    """Computes the features of the poses of the clips that have any."""
    names, features = [], []
    for name in show_progress(list(clips), 'reading'):
        try:
            data = read_annotation(clips[name], read_options(args))
            features.append(pose_features(data['keypoint']))
            names.append(name)
        except ClipError as error:
            errors.append(str(error))
    if len({len(row) for row in features}) > 1:
        raise InputError('the clips of the pool differ in their number of '
                         'joints or coordinates: make a pickle of those of '
                         'one kind with tools/data/convert_skeletons.py '
                         '--joints')
    return Pool(names, np.array(features))


def encode(clips: Dict[str, FoundClip], args: argparse.Namespace,
           errors: List[str]) -> Pool:
    """Computes the features of an encoder, and the scores of its head."""
    config, checkpoint = args.model
    inferencer = SkeletonInferencer(
        read_model_config(config, args), checkpoint, args.device,
        options=read_options(args))
    found = [clip._replace(name=name) for name, clip in clips.items()]
    compare_files(found, inferencer.prepare)
    names: List[str] = []
    features, scores = [], []
    for batch, inputs in prepared(
            inferencer.prepare, in_batches(found, args.batch_size), errors):
        names += [clip.name for clip in batch]
        if args.strategy == 'margin':
            results = classify_batch(inferencer.model, pseudo_collate(inputs))
            features.append(results.features)
            scores += results.scores or []
        else:
            features.append(batch_features(
                inferencer.model, pseudo_collate(inputs)).cpu().numpy())
    return Pool(names, np.concatenate(features or [np.empty((0, 1))]),
                np.array(scores) if scores else None)


def run(args: argparse.Namespace) -> List[str]:
    """Writes the list; returns the errors of invalid clips."""
    check_output(args.output, args.pool, args.labels, *args.model or ())
    check_options(args.strategy, args.seed)
    known, skipped = read_table(args.labels)
    clips = open_pool(args)
    errors: List[str] = []
    if known and not known.keys() & clips.keys():
        raise InputError(f'none of the {len(known)} clips with a label in '
                         f'{args.labels} is in the pool, whose first clip is '
                         f'{next(iter(clips))!r}: name the pool that was '
                         'labelled, without --split')
    clips = {name: clip for name, clip in clips.items()
             if name not in skipped}
    check_count(list(clips), known, args.k, args.labels)
    make = encode if args.model else describe_poses
    pool = make(clips, args, errors)
    if not pool.names:
        raise InputError(errors[0])
    chosen = suggest(pool, args.k, args.strategy, known, args.seed)
    write_split(args.output, chosen, pool=args.pool,
                split=args.split, clips=len(pool.names), labels=args.labels,
                strategy=args.strategy, seed=args.seed,
                features=' '.join(args.model or ['poses']))
    return errors


def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    with exit_on_error(), contextlib.redirect_stdout(sys.stderr):
        errors = run(args)
    print(f'wrote {args.output}: {args.k} clips, the most useful first. '
          f'Label them with tools/label.py --clips {args.output}')
    if errors:
        lines = [f'left out: {error}.' for error in errors]
        sys.exit('\n'.join([*lines, f'{len(errors)} clips were left out.']))


if __name__ == '__main__':
    main()
