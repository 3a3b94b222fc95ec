"""Classifies skeleton clips, long recordings and live streams.

Clips can be drawn coloured by attention.
"""
import argparse
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Dict, List, Optional

from mmengine.fileio import put_text

from psp_plugin.apis import (
    SkeletonInferencer,
    SkeletonStream,
    as_csv,
    as_json,
    as_text,
    classify_lines,
    find_segments,
)
from psp_plugin.apis.inferencer import RUNTIMES
from psp_plugin.apis.live import LINES, LiveLines
from psp_plugin.apis.report import plain
from psp_plugin.commands.command_line import (
    add_device,
    add_read_options,
    check_writable,
    exit_on_error,
    free_name,
    model_parser,
    positive,
    read_config,
    read_options,
)
from psp_plugin.commands.find_clips import (
    FoundClip,
    compare_files,
    find_clips,
)
from psp_plugin.errors import InputError
from psp_plugin.tooling.export import ExportError
from psp_plugin.tooling.visualization import write_skeleton_video


def parse_args(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = model_parser(__doc__)
    parser.epilog = LINES
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    # With '*' alone, argparse accepts no clips after an option.
    streams = '--stream' in (sys.argv[1:] if argv is None else argv)
    parser.add_argument(
        'clips', nargs='*' if streams else '+', metavar='CLIP',
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
        '--runtime', choices=RUNTIMES, default='torch',
        help='what computes the scores; onnx (ONNX Runtime) is faster on CPUs '
        'and takes some seconds to start (default: %(default)s)')
    add_window_options(parser)
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
    args = parser.parse_args(argv)
    check_options(parser, args)
    return args


def add_window_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of persons, long recordings and streams."""
    parser.add_argument(
        '--per-person', action='store_true',
        help='classify each person of a clip on their own, from the first to '
        'the last frame with them')
    parser.add_argument(
        '--segments', metavar='FILE',
        help='find the actions in long recordings and write them to this CSV '
        'file; - for the standard output')
    parser.add_argument(
        '--stream', action='store_true',
        help='classify live frames from the standard input, see below')
    parser.add_argument(
        '--window', type=positive, metavar='FRAMES',
        help='with --segments or --stream: frames classified together, best '
        'as many as the training clips have (default: twice as many as the '
        'test pipeline samples)')
    parser.add_argument(
        '--every', type=positive, metavar='FRAMES',
        help='frames from one window to the next (default: a quarter of the '
        'window)')
    parser.add_argument(
        '--min-frames', type=positive, metavar='FRAMES',
        help='with --segments: shorter segments are given to a neighbour '
        '(default: half of the window)')


def check_options(parser: argparse.ArgumentParser,
                  args: argparse.Namespace) -> None:
    """Exits if options exclude each other."""
    mode, unused = 'without --segments or --stream', ['window', 'every',
                                                      'min_frames']
    if args.stream:
        mode, unused = 'with --stream', [
            'clips', 'split', 'joints', 'axes', 'json', 'video', 'segments',
            'min_frames']
    elif args.segments:
        mode, unused = 'with --segments', ['json', 'video']
    elif args.per_person:
        mode, unused = 'with --per-person', ['video']
    for name in unused:
        if getattr(args, name):
            shown = 'CLIP' if name == 'clips' else (
                f'--{name.replace("_", "-")}')
            parser.error(f'{shown} has no meaning {mode}')


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
    with exit_on_error(ImportError, ExportError):
        options = read_options(args, None if args.per_person else 2)
        clips = find_clips(args.clips, args.split, options)
        with contextlib.redirect_stdout(sys.stderr):  # MMEngine logs to stdout
            cfg = read_config(args)
            inferencer = SkeletonInferencer(
                cfg, args.checkpoint, args.device, args.classes,
                options=options, runtime=args.runtime)
        compare_files(clips, inferencer.prepare)
        log(f'computing on {inferencer.device}')
        for path in filter(None, (args.json, args.segments)):
            check_writable(path)
        if args.stream:
            classify_stream(inferencer, args)
            return
        results = (write_segments if args.segments else classify)(
            inferencer, clips, args)
    bad = [result['error'] for result in results if 'error' in result]
    if bad:
        log('\n'.join(f'not classified: {error}.' for error in bad))
        sys.exit(f'{len(bad)} of {len(clips)} clips were not classified.')


def classify(inferencer: SkeletonInferencer, clips: List[FoundClip],
             args: argparse.Namespace) -> List[Dict]:
    """Classifies clips and writes what was asked for."""
    results = inferencer(
        [clip.clip for clip in clips], args.batch_size, args.top_k,
        on_error='return', progress=True, per_person=args.per_person)
    if args.json != '-' and any('error' not in result for result in results):
        print(as_text(results))
    if args.json:
        write(as_json(results) + '\n', args.json)
    if args.video:
        draw(inferencer, clips, results, args)
    log_accuracy(clips, results)
    return results


def write_segments(inferencer: SkeletonInferencer, clips: List[FoundClip],
                   args: argparse.Namespace) -> List[Dict]:
    """Finds the segments of recordings and writes their table."""
    named = [dict(clip.clip, fps=clip.metainfo.get('fps') or args.recorded_fps)
             if isinstance(clip.clip, dict) else clip.clip for clip in clips]
    results = find_segments(
        inferencer, named, args.window, args.every, args.min_frames,
        args.batch_size, args.per_person, on_error='return')
    write(as_csv(results), args.segments)
    return results


def classify_stream(inferencer: SkeletonInferencer,
                    args: argparse.Namespace) -> None:
    """Classifies frames from the standard input until it ends."""
    stream = SkeletonStream(inferencer, args.window, args.every, args.top_k,
                            args.per_person)
    if sys.stdin is None:
        raise InputError('--stream reads the standard input, which is closed')
    log(f'the first result comes after {stream.window} frames, then one every '
        f'{stream.every}')
    lines = LiveLines(sys.stdin.fileno())
    try:
        with contextlib.closing(classify_lines(stream, lines)) as rows:
            for row in rows:
                print(json.dumps(plain(row, scores=False)), flush=True)
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:  # whoever read the results has left
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def log_accuracy(clips: List[FoundClip], results: List[Dict]) -> None:
    """Prints top-1 of the classified clips that have a label."""
    right = [result['top'][0][0] == clip.label
             for clip, result in zip(clips, results)
             if clip.has_class and 'top' in result]
    if right:
        log(f'top-1 of the {len(right)} clips with a label: '
            f'{sum(right) / len(right):.1%}')


def write(text: str, path: str) -> None:
    """Writes a text to a file, or to the standard output for ``-``."""
    if path == '-':
        sys.stdout.write(text)
    else:
        put_text(text, path)


if __name__ == '__main__':
    main()
