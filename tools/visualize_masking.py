"""Draws the masked, predicted and true motion of clips in pre-training.

Three skeletons side by side: the visible joints, the predicted motion of the
masked ones, and the true motion.
"""
import argparse
import contextlib
import sys
from pathlib import Path
from typing import List, Optional, Tuple

from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from torch import nn

from psp_plugin.commands.clips import ClipPreparer, find_test_dataset
from psp_plugin.commands.command_line import (
    add_device,
    exit_on_error,
    free_name,
    model_parser,
    read_config,
)
from psp_plugin.commands.loading import choose_device, load_model
from psp_plugin.errors import InputError
from psp_plugin.models import HACMPretrainer
from psp_plugin.recordings import ReadOptions
from psp_plugin.skeletons import get_pyramid
from psp_plugin.tooling.visualization import (
    ClipMasking,
    clip_masking,
    write_masking,
)


def parse_args(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = model_parser(__doc__)
    parser.add_argument(
        'clips', nargs='+', metavar='CLIP',
        help='a recording, or data.pkl#NAME for a clip of an annotation '
        'pickle')
    parser.add_argument(
        '-o', '--output', required=True, metavar='DIR',
        help='the folder to write to, one picture per clip')
    parser.add_argument(
        '--format', nargs='+', choices=('gif', 'png'), default=['gif'],
        help='gif for all frames, png for one (default: gif)')
    parser.add_argument(
        '--seed', type=int, default=0,
        help='seed of the masking (default: %(default)s)')
    parser.add_argument(
        '--fps', type=float, default=5,
        help='frames per second of GIF files (default: %(default)s)')
    parser.add_argument(
        '--frame', type=int, metavar='N',
        help='the frame of PNG files, from 1 (default: one with much motion)')
    parser.add_argument(
        '--up', choices=('y', '-y', 'z'), default='z',
        help='the axis that points up in 3D clips, after the test pipeline '
        '(default: %(default)s)')
    parser.add_argument(
        '--scored', action='store_true',
        help='the last channel of arrays is the score of the joint')
    add_device(parser)
    return parser.parse_args(argv)


def load(cfg: Config, args: argparse.Namespace) -> nn.Module:
    """Loads the model, which must be one of masked pre-training."""
    model, _ = load_model(cfg, args.checkpoint, choose_device(args.device))
    if not isinstance(model, HACMPretrainer):
        raise InputError(
            f'{args.config} has a {type(model).__name__}, which masks '
            'nothing: use a config of masked pre-training, whose model is an '
            'HACMPretrainer')
    return model


def mask(prepare: ClipPreparer, model: nn.Module, clip: str,
         seed: int) -> Tuple[str, ClipMasking]:
    """Returns the name of a clip and its masking."""
    data = prepare.read(clip)
    named = dict(data, frame_dir=clip)  # so that errors contain the path
    inputs = model.data_preprocessor(
        pseudo_collate([prepare(named)]))['inputs']
    coordinates = min(data['keypoint'].shape[-1], model.coordinates)
    try:
        return data['frame_dir'], clip_masking(model, inputs, seed,
                                               coordinates)
    except InputError as error:
        raise InputError(f'{clip}: {error}') from error


def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    with exit_on_error():
        if not args.fps > 0:
            raise InputError(f'--fps must be positive, not {args.fps}')
        with contextlib.redirect_stdout(sys.stderr):  # MMEngine logs to stdout
            cfg = read_config(args)
            dataset = find_test_dataset(cfg)
            model = load(cfg, args)
        prepare = ClipPreparer(dataset, model, ReadOptions(scored=args.scored))
        bones = get_pyramid(cfg.model.backbone.layout).lines
        frame = None if args.frame is None else args.frame - 1
        taken = set()
        for clip in args.clips:
            name, masking = mask(prepare, model, clip, args.seed)
            stem = free_name(name, taken)
            for kind in dict.fromkeys(args.format):
                path = Path(args.output) / f'{stem}.{kind}'
                write_masking(path, masking, bones,
                              f'{name}, seed {args.seed}', args.fps, frame,
                              args.up)
                print(f'wrote {path}: loss_rec {masking.loss:.3f}')


if __name__ == '__main__':
    main()
