"""Classifies skeleton clips, and draws them coloured by attention."""
import argparse
import contextlib
import sys
from pathlib import Path
from typing import Dict, List, Optional

from mmengine.fileio import put_text

from psp_plugin.apis import SkeletonInferencer, as_json, as_text
from psp_plugin.commands.command_line import (
    add_device,
    add_read_options,
    exit_on_error,
    free_name,
    model_parser,
    read_config,
    read_options,
)
from psp_plugin.commands.find_clips import (
    FoundClip,
    compare_files,
    find_clips,
)
from psp_plugin.tooling.visualization import write_skeleton_video


def parse_args(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = model_parser(__doc__)
    parser.add_argument(
        'clips', nargs='+', metavar='CLIP',
        help='a recording, data.pkl for all clips of an annotation pickle, '
        'data.pkl#NAME for one of them, or a folder of these')
    parser.add_argument(
        '--split', metavar='NAME',
        help='only this split of the annotation pickles (default: all clips)')
    add_read_options(parser)
    parser.add_argument(
        '--top-k', type=int, default=5,
        help='number of best classes to print (default: %(default)s)')
    parser.add_argument(
        '--json', metavar='FILE',
        help='write all scores to this file; - for the standard output, '
        'without the tables')
    parser.add_argument(
        '--classes', metavar='FILE',
        help='names of the classes, one on each line (default: those of the '
        'checkpoint, else of the config)')
    parser.add_argument(
        '--batch-size', type=int, default=16,
        help='clips in a batch (default: %(default)s)')
    add_device(parser)
    parser.add_argument(
        '--video', metavar='DIR',
        help='draw every clip into this folder, its joints coloured by '
        'attention')
    parser.add_argument(
        '--video-format', choices=('gif', 'mp4'), default='gif',
        help='(default: %(default)s)')
    parser.add_argument(
        '--video-fps', type=float, default=20,
        help='frames per second (default: %(default)s)')
    parser.add_argument(
        '--video-up', choices=('y', '-y', 'z'),
        help='the axis that points up in 3D clips; --video-up=-y for -y '
        "(default: along the spine of the model's joint layout, else y)")
    return parser.parse_args(argv)


def log(message: str) -> None:
    """Prints a message to stderr, as stdout is for results."""
    print(message, file=sys.stderr, flush=True)


def draw(inferencer: SkeletonInferencer, clips: List[FoundClip],
         results: List[Dict], args: argparse.Namespace) -> None:
    """Writes videos of all clips that were classified."""
    if inferencer.lacks_attention:
        log(f'joints are drawn in one colour: {inferencer.lacks_attention}')
    taken = set()
    for clip, result in zip(clips, results):
        if 'error' in result:
            continue
        data = inferencer.read(clip.clip)
        name = free_name(clip.name, taken)
        path = Path(args.video) / f'{name}.{args.video_format}'
        _, best, score = result['top'][0]
        importance = None
        if not inferencer.lacks_attention:
            importance = inferencer.importance(
                dict(data, frame_dir=result['name']))
        write_skeleton_video(
            path, data['keypoint'], inferencer.bones, importance,
            title=f'{best} ({score:.2f})', fps=args.video_fps,
            up=args.video_up or inferencer.up_axis(data['keypoint']))
        log(f'wrote {path}')


def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    if not args.video_fps > 0:
        sys.exit(f'--video-fps must be positive, not {args.video_fps}.')
    with exit_on_error():
        clips = find_clips(args.clips, args.split, read_options(args))
        with contextlib.redirect_stdout(sys.stderr):  # MMEngine logs to stdout
            cfg = read_config(args)
            inferencer = SkeletonInferencer(
                cfg, args.checkpoint, args.device, args.classes,
                options=read_options(args))
        compare_files(clips, inferencer.prepare)
        log(f'computing on {inferencer.device}')
        results = inferencer(
            [clip.clip for clip in clips], args.batch_size, args.top_k,
            on_error='return', progress=True)
        if args.json != '-' and any('top' in result for result in results):
            print(as_text(results))
        if args.json:
            write_json(results, args.json)
        if args.video:
            draw(inferencer, clips, results, args)
        log_accuracy(clips, results)
    bad = [result['error'] for result in results if 'error' in result]
    if bad:
        log('\n'.join(f'not classified: {error}.' for error in bad))
        sys.exit(f'{len(bad)} of {len(clips)} clips were not classified.')


def log_accuracy(clips: List[FoundClip], results: List[Dict]) -> None:
    """Prints top-1 of the classified clips that have a label."""
    right = [result['top'][0][0] == clip.label
             for clip, result in zip(clips, results)
             if clip.has_class and 'top' in result]
    if right:
        log(f'top-1 of the {len(right)} clips with a label: '
            f'{sum(right) / len(right):.1%}')


def write_json(results: List[Dict], path: str) -> None:
    text = as_json(results) + '\n'
    if path == '-':
        sys.stdout.write(text)
    else:
        put_text(text, path)


if __name__ == '__main__':
    main()
