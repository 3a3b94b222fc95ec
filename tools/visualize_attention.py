"""Draws the attention maps of clips beside a skeleton.

Of a pyramid, figure 5 of the paper, with joints sized by their importance to
the model; else, or with --encoder, of a block of a SkeletonTransformer, with
joints sized by the attention that they receive.
"""
import argparse
import contextlib
import sys
from pathlib import Path
from typing import List, Optional, Tuple

from matplotlib.figure import Figure
from mmengine.dataset import pseudo_collate

from psp_plugin.apis import SkeletonInferencer
from psp_plugin.commands.command_line import (
    add_device,
    exit_on_error,
    free_name,
    model_parser,
    read_config,
)
from psp_plugin.errors import InputError
from psp_plugin.skeletons import get_pyramid
from psp_plugin.tooling.visualization import (
    clip_attention,
    draw_attention,
    draw_encoder_attention,
    encoder_attention,
    has_attention,
    save_figure,
)


def parse_args(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = model_parser(__doc__)
    parser.add_argument(
        'clips', nargs='+', metavar='CLIP',
        help='a .npy, .json or .skeleton file, or data.pkl#NAME for a clip of '
        'an annotation pickle')
    parser.add_argument(
        '-o', '--output', required=True, metavar='DIR',
        help='the folder to write to, a picture for each clip')
    parser.add_argument(
        '--format', nargs='+', choices=('png', 'svg'), default=['png'],
        help='(default: png)')
    parser.add_argument(
        '--stream', choices=('joint', 'motion'),
        help='the stream of a PSPRecognizer to look at (default: the mean of '
        'both)')
    parser.add_argument(
        '--encoder', action='store_true',
        help="look at the encoder, not at the pyramid (default: at the "
        "pyramid where there is one)")
    parser.add_argument(
        '--block', type=int, metavar='N',
        help='the block of the encoder, from 1 (default: the last one)')
    parser.add_argument(
        '--frame', type=int, metavar='N',
        help='the frame to draw, from 1 (default: the middle one)')
    parser.add_argument(
        '--up', choices=('y', '-y', 'z'), default='y',
        help='the axis that points up in 3D clips (default: %(default)s)')
    parser.add_argument(
        '--dpi', type=float, default=100,
        help='dots per inch of PNG files, which are 13 inches wide (default: '
        '%(default)s)')
    parser.add_argument(
        '--classes', metavar='FILE',
        help='names of the classes, one on each line (default: those of the '
        'checkpoint, else of the config)')
    parser.add_argument(
        '--scored', action='store_true',
        help='the last channel of .npy and .json clips is the score of the '
        'joint')
    add_device(parser)
    return parser.parse_args(argv)


def of_encoder(inferencer: SkeletonInferencer,
               args: argparse.Namespace) -> bool:
    """Whether to look at the encoder; raises if there is nothing to see."""
    lacking = inferencer.lacks_attention
    encoder = inferencer.model.backbone
    if not args.encoder and lacking is None:
        if args.block is not None:
            raise InputError('--block chooses a block of the encoder, the '
                             'pyramid has none: add --encoder')
        return False
    if has_attention(encoder):
        return True
    raise InputError(
        f'the encoder {type(encoder).__name__} gives no attention maps, as '
        'SkeletonTransformer does' if args.encoder else lacking)


def draw(inferencer: SkeletonInferencer, clip: str,
         args: argparse.Namespace) -> Tuple[str, Figure]:
    """The name of a clip and its figure."""
    data = inferencer.read(clip)
    named = dict(data, frame_dir=clip)  # so that errors tell the path
    title = data['frame_dir']
    if inferencer.classes:  # a model that is pre-trained predicts nothing
        result, = inferencer(named, top_k=1)
        (_, best, score), = result['top']
        title += f': predicted {best} ({score:.2f})'
    model = inferencer.model
    inputs = model.data_preprocessor(
        pseudo_collate([inferencer.prepare(named)]))['inputs']
    frame = None if args.frame is None else args.frame - 1
    if of_encoder(inferencer, args):
        if not inputs.any():
            raise InputError(f'{clip} has no person: all coordinates that the '
                             'model is given are zero')
        figure = draw_encoder_attention(
            encoder_attention(
                model, inputs, None if args.block is None else args.block - 1,
                args.stream),
            data['keypoint'], get_pyramid(model.cfg.model.backbone.layout),
            title, frame, args.up)
    else:
        attention = clip_attention(model, inputs, args.stream)
        figure = draw_attention(
            attention.maps, data['keypoint'], inferencer.bones,
            attention.importance, getattr(model.neck, 'pyramid', None),
            title, frame, args.stream, args.up)
    return data['frame_dir'], figure


def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    with exit_on_error():
        if not args.dpi > 0:
            raise InputError(f'--dpi must be positive, not {args.dpi}')
        with contextlib.redirect_stdout(sys.stderr):  # what MMEngine logs
            cfg = read_config(args)
            inferencer = SkeletonInferencer(
                cfg, args.checkpoint, args.device, args.classes, args.scored)
        of_encoder(inferencer, args)  # before any clip is read
        taken = set()
        for clip in args.clips:
            name, figure = draw(inferencer, clip, args)
            stem = free_name(name, taken)
            for kind in dict.fromkeys(args.format):
                path = Path(args.output) / f'{stem}.{kind}'
                save_figure(figure, path, args.dpi)
                print(f'wrote {path}')


if __name__ == '__main__':
    main()
