"""Exports a trained recognizer to ONNX and checks it with ONNX Runtime."""
import argparse
import contextlib
import logging
import sys
from pathlib import Path
from typing import List, Optional, Tuple

import torch
from mmengine.config import Config

from psp_plugin.commands.clips import innermost_dataset, num_channels_of
from psp_plugin.commands.command_line import (
    exit_on_error,
    model_parser,
    positive,
    read_config,
)
from psp_plugin.commands.loading import load_model
from psp_plugin.models.recognizers.checks import num_joints_of
from psp_plugin.tooling.export import ExportError, export_onnx


def parse_args(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = model_parser(__doc__)
    parser.add_argument(
        '-o', '--output', default='model.onnx', metavar='FILE',
        help='the file to write (default: %(default)s)')
    parser.add_argument(
        '--num-frames', type=positive, metavar='T',
        help='frames of a clip (default: num_frames of the encoder, or '
        'clip_len of the test pipeline)')
    parser.add_argument(
        '--num-persons', type=positive, metavar='M',
        help='persons of a clip (default: num_person of the test pipeline)')
    parser.add_argument(
        '--num-joints', type=positive, metavar='V',
        help='joints of a skeleton (default: number of the encoder)')
    return parser.parse_args(argv)


def from_test_pipeline(cfg: Config, key: str, flag: str) -> int:
    """Returns the value of a key in the test pipeline of a config."""
    for step in innermost_dataset(cfg, 'test').get('pipeline', []):
        if key in step:
            return step[key]
    raise ValueError(f'no step of the test pipeline of {cfg.filename} has '
                     f'{key}: pass {flag}')


def clip_shape(cfg: Config, model: torch.nn.Module,
               args: argparse.Namespace) -> Tuple[int, ...]:
    """Returns the shape (M, T, V, C) of the model's clips."""
    joints = args.num_joints or num_joints_of(model.backbone)
    if joints is None:
        raise ValueError('the number of joints of the encoder '
                         f'{type(model.backbone).__name__} is unknown: pass '
                         '--num-joints')
    persons = args.num_persons or from_test_pipeline(
        cfg, 'num_person', '--num-persons')
    frames = (args.num_frames or getattr(model.backbone, 'num_frames', None)
              or from_test_pipeline(cfg, 'clip_len', '--num-frames'))
    channels = num_channels_of(model)
    if channels is None:
        raise ValueError(f'the encoder {type(model.backbone).__name__} has no '
                         'argument in_channels, the number of channels of the '
                         'clips: add it')
    return persons, frames, joints, channels


def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    # It warns about operators of torchvision, which are not used here.
    logging.getLogger('torch.onnx').setLevel(logging.ERROR)
    with exit_on_error(ImportError, ExportError):
        with contextlib.redirect_stdout(sys.stderr):  # MMEngine logs to stdout
            cfg = read_config(args)
            model, _ = load_model(cfg, args.checkpoint, torch.device('cpu'))
        shape = clip_shape(cfg, model, args)
        comparisons = export_onnx(model, args.output,
                                  torch.zeros(1, 1, *shape))
    print('samples  clips  error of a score  error of a logit (of spread)')
    for samples, clips, error, logit_error in comparisons:
        print(f'{samples:7}  {clips:5}  {error:16.1e}  {logit_error:28.1e}')
    megabytes = Path(args.output).stat().st_size / 1e6
    print(f'inputs (batch, num_clips, {", ".join(map(str, shape))}), '
          f'{megabytes:.1f} MB, written to {args.output}')


if __name__ == '__main__':
    main()
