"""Draws t-SNE of the features of a dataset, figures 6 and 8 of the paper."""
import argparse
import contextlib
import csv
import sys
from pathlib import Path
from textwrap import fill
from typing import Dict, List, Optional, Tuple

import numpy as np
from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.runner import set_random_seed
from torch.utils.data import Dataset, Subset

from psp_plugin.annotations import InvalidClipError, check_annotation_file
from psp_plugin.commands.classes import class_names
from psp_plugin.commands.command_line import (
    add_device,
    exit_on_error,
    model_parser,
    read_config,
)
from psp_plugin.commands.loading import choose_device, load_model
from psp_plugin.commands.run_checks import annotation_paths
from psp_plugin.errors import InputError
from psp_plugin.skeletons import LEVELS
from psp_plugin.tooling.visualization import (
    check_embedding,
    choose_clips,
    clip_features,
    default_perplexity,
    draw_features,
    embed,
    find_classes,
    save_figure,
)
from psp_plugin.tooling.visualization.skeleton_video import check_format


def parse_args(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = model_parser(__doc__)
    parser.add_argument('-o', '--output', required=True, metavar='FILE',
                        help='the picture to write, .png or .svg')
    parser.add_argument(
        '--split', choices=('test', 'val'), default='test',
        help='the dataloader of the config that loads the clips (default: '
        '%(default)s)')
    parser.add_argument(
        '--classes', nargs='+', metavar='NAME_OR_NUMBER',
        help='the classes to draw, numbers from 0 (default: all)')
    parser.add_argument(
        '--max-clips', type=int, metavar='N',
        help='maximum number of clips, chosen at random (default: all)')
    parser.add_argument(
        '--level', choices=LEVELS,
        help='draw the projected features of this level, as in the '
        'contrastive loss (default: features of the encoder)')
    parser.add_argument(
        '--perplexity', type=float,
        help='of t-SNE (default: 30, or less for few clips)')
    parser.add_argument('--seed', type=int, default=0,
                        help='random seed (default: %(default)s)')
    parser.add_argument('--csv', metavar='FILE',
                        help='write the points to this file')
    parser.add_argument(
        '--title', help='title of the figure (default: name of the config)')
    parser.add_argument('--dpi', type=float, default=100,
                        help='dots per inch of PNG files (default: 100)')
    add_device(parser)
    return parser.parse_args(argv)


def build_dataset(cfg: Config, split: str) -> Tuple[Dataset, int]:
    """Builds the dataset of a dataloader; returns it and the batch size."""
    loader = cfg.get(f'{split}_dataloader')
    if not loader:
        raise InputError(f'{cfg.filename} has no {split}_dataloader')
    for path in annotation_paths(loader):
        check_annotation_file(path)
    dataset = DATASETS.build(loader.dataset)
    dataset.full_init()
    return dataset, loader.get('batch_size', 1)


def name_classes(names: List[str], labels: List[int]) -> Dict[int, str]:
    """Returns the names of some classes, by label."""
    wrong = [label for label in labels if not 0 <= label < len(names)]
    if wrong:
        raise InputError(f'the dataset has clips of class {wrong[0]}, but '
                         f'the model has only classes 0 to {len(names) - 1}')
    return {label: names[label] for label in sorted(set(labels))}


def write_csv(path: str, clips: List[Tuple[int, str, int]],
              names: Dict[int, str], points: np.ndarray) -> None:
    """Writes name, label, class and coordinates of each clip."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with open(path, 'w', newline='', encoding='utf-8') as stream:
        writer = csv.writer(stream)
        writer.writerow(['clip', 'label', 'class', 'x', 'y'])
        for (_, clip, label), (x, y) in zip(clips, points.tolist()):
            writer.writerow([clip, label, names[label], f'{x:.5g}',
                             f'{y:.5g}'])


def caption_of(args: argparse.Namespace, count: int) -> str:
    """Returns the caption of the figure."""
    what = (f'projected {args.level}-level features' if args.level else
            'encoder features')
    perplexity = args.perplexity or default_perplexity(count)
    return fill(
        f't-SNE of the {what} of {count} clips of the {args.split} set '
        f'(perplexity {perplexity:.3g}, seed {args.seed}). A point is a clip; '
        'close points have similar features. The axes have no units.', 100)


def run(args: argparse.Namespace) -> None:
    check_format(args.output)
    if not args.dpi > 0:
        raise InputError(f'--dpi must be positive, not {args.dpi}')
    cfg = read_config(args)
    model, meta = load_model(cfg, args.checkpoint, choose_device(args.device))
    dataset, batch_size = build_dataset(cfg, args.split)
    names = class_names(model.cls_head.num_classes, None, meta,
                        dict(metainfo=dataset.metainfo))
    labels = args.classes and find_classes(names, args.classes)
    clips = choose_clips(dataset, labels, args.max_clips, args.seed)
    chosen = name_classes(names, labels or [label for *_, label in clips])
    check_embedding(len(clips), args.perplexity, args.seed)
    set_random_seed(args.seed)  # for a pipeline that samples at random
    features = clip_features(
        model, Subset(dataset, [index for index, *_ in clips]), args.level,
        batch_size).numpy()
    points = embed(features, args.perplexity, args.seed)
    figure = draw_features(points, [label for *_, label in clips], chosen,
                           args.title or Path(args.config).stem,
                           caption_of(args, len(clips)))
    save_figure(figure, args.output, args.dpi)
    if args.csv:
        write_csv(args.csv, clips, chosen, points)


def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    with exit_on_error(InvalidClipError), contextlib.redirect_stdout(
            sys.stderr):  # MMEngine logs to stdout
        run(args)
    for path in filter(None, (args.output, args.csv)):
        print(f'wrote {path}')


if __name__ == '__main__':
    main()
