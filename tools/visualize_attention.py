"""Draws the attention maps of clips next to a skeleton.

For a model with a pyramid, these are the maps of figure 5 of the paper, and
joints are sized by their importance. Otherwise, or with --encoder, they are
those of a block of a SkeletonTransformer, and joints are sized by the
attention that they receive.
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
    add_read_options,
    exit_on_error,
    free_name,
    model_parser,
    read_config,
    read_options,
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
        help='a recording, or data.pkl#NAME for a clip of an annotation '
        'pickle')
    parser.add_argument(
        '-o', '--output', required=True, metavar='DIR',
        help='the folder to write to, one picture per clip')
    parser.add_argument(
        '--format', nargs='+', choices=('png', 'svg'), default=['png'],
        help='(default: png)')
    parser.add_argument(
        '--stream', choices=('joint', 'motion'),
        help='the stream of a PSPRecognizer to draw (default: the mean of '
        'both)')
    parser.add_argument(
        '--encoder', action='store_true',
        help='draw the attention of the encoder (default: of the pyramid, if '
        'the model has one)')
    parser.add_argument(
        '--block', type=int, metavar='N',
        help='the block of the encoder, from 1 (default: the last one)')
    parser.add_argument(
        '--frame', type=int, metavar='N',
        help='the frame to draw, from 1 (default: the middle one)')
    parser.add_argument(
        '--up', choices=('y', '-y', 'z'),
        help='the axis that points up in 3D clips; --up=-y for -y (default: '
        "along the spine of the model's joint layout, else y)")
    parser.add_argument(
        '--dpi', type=float, default=100,
        help='dots per inch of PNG files, which are 13 inches wide (default: '
        '%(default)s)')
    parser.add_argument(
        '--classes', metavar='FILE',
        help='names of the classes, one on each line (default: those of the '
        'checkpoint, else of the config)')
    add_read_options(parser)
    add_device(parser)
    return parser.parse_args(argv)


def uses_encoder(inferencer: SkeletonInferencer,
                 args: argparse.Namespace) -> bool:
    """Whether to draw the encoder's attention; raises if there is none."""
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
        f'the encoder {type(encoder).__name__} has no attention maps, only '
        'SkeletonTransformer has' if args.encoder else lacking)


def draw(inferencer: SkeletonInferencer, clip: str,
         args: argparse.Namespace) -> Tuple[str, Figure]:
    """Returns the name of a clip and its figure."""
    data = inferencer.read(clip)
    named = dict(data, frame_dir=clip)  # so that errors contain the path
    title = data['frame_dir']
    if inferencer.classes:  # pre-training models predict nothing
        result, = inferencer(named, top_k=1)
        (_, best, score), = result['top']
        title += f': predicted {best} ({score:.2f})'
    model = inferencer.model
    inputs = model.data_preprocessor(
        pseudo_collate([inferencer.prepare(named)]))['inputs']
    frame = None if args.frame is None else args.frame - 1
    up = args.up or inferencer.up_axis(data['keypoint'])
    if uses_encoder(inferencer, args):
        if not inputs.any():
            raise InputError(f'{clip} has no person: all coordinates that the '
                             'model receives are zero')
        figure = draw_encoder_attention(
            encoder_attention(
                model, inputs, None if args.block is None else args.block - 1,
                args.stream),
            data['keypoint'], get_pyramid(model.cfg.model.backbone.layout),
            title, frame, up)
    else:
        attention = clip_attention(model, inputs, args.stream)
        figure = draw_attention(
            attention.maps, data['keypoint'], inferencer.bones,
            attention.importance, inferencer.pyramid,
            title, frame, args.stream, up)
    return data['frame_dir'], figure


def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    with exit_on_error():
        if not args.dpi > 0:
            raise InputError(f'--dpi must be positive, not {args.dpi}')
        with contextlib.redirect_stdout(sys.stderr):  # MMEngine logs to stdout
            cfg = read_config(args)
            inferencer = SkeletonInferencer(
                cfg, args.checkpoint, args.device, args.classes,
                options=read_options(args))
        uses_encoder(inferencer, args)  # before any clip is read
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
