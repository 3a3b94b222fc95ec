"""Times the training step of a config in several modes, its loader and
its inference.

The step is timed on random skeletons of the config's sizes; the loader needs
the data. Modes are timed in turns, for valid ratios on a shared machine.
"""
import argparse
import contextlib
import functools
import json
import logging
import platform
import sys
import tempfile
import warnings
from pathlib import Path
from typing import List, Optional

import torch
from mmengine.config import Config
from mmengine.fileio import put_text
from mmengine.registry import init_default_scope

import psp_plugin  # noqa: F401, before anything of the toolbox
from psp_plugin.annotations import check_annotation_file
from psp_plugin.commands.command_line import (
    add_cfg_options,
    add_device,
    check_writable,
    exit_on_error,
    positive,
    read_config,
)
from psp_plugin.commands.loading import choose_device
from psp_plugin.commands.run_checks import annotation_paths
from psp_plugin.errors import InputError
from psp_plugin.tooling.benchmark import (
    MODES,
    Mode,
    as_table,
    count_flops,
    inference_lines,
    kept_bytes,
    loading_lines,
    make_case,
    peak_flops,
    step_rows,
    time_inference,
    time_loading,
    time_methods,
    time_steps,
    time_training,
    trace_steps,
    use_synthetic_clips,
)


def parse_args(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='a config of a PSPRecognizer '
                        'with DSTANet, or of pre-training')
    parser.add_argument(
        '--parts', nargs='+', default=['step'],
        choices=('step', 'loading', 'training', 'inference'),
        help='what to time: only the step, only the loader, both together, or '
        'the classification of test clips (default: step)')
    parser.add_argument(
        '--checkpoint', metavar='FILE', help='trained weights for --parts '
        'inference, which also compares scores (default: random weights)')
    parser.add_argument(
        '--modes', nargs='+', choices=list(MODES), metavar='MODE',
        help=f'among {", ".join(MODES)}; ratios are to the first (default: '
        'reference, fp32, bf16, and on a GPU tf32; for pre-training the kinds '
        'of attention plain, fused, bf16-plain, bf16-fused)')
    parser.add_argument(
        '--against', nargs='+', metavar='CONFIG', help='only time steps of '
        'these configs in turns with the first, each as it trains')
    parser.add_argument('--labeled', type=positive, metavar='N',
                        help="labelled clips (default: the config's)")
    parser.add_argument('--unlabeled', type=positive, metavar='N',
                        help="unlabelled clips (default: the config's)")
    parser.add_argument(
        '--absent', type=float, default=0., metavar='SHARE',
        help='share of persons other than the first that are absent (default: '
        '0)')
    parser.add_argument(
        '--rounds', type=positive, metavar='N', help='steps timed per mode '
        '(default: 5, with --parts training 20)')
    parser.add_argument(
        '--synthetic', '--made-up', type=positive, metavar='N',
        help='load N random clips instead of the data, from a temporary file')
    parser.add_argument('--clips', type=positive, default=300, metavar='N',
                        help='clips to load (default: %(default)s)')
    add_device(parser)
    parser.add_argument('--threads', type=positive, metavar='N',
                        help="threads of PyTorch (default: PyTorch's default)")
    parser.add_argument('--json', metavar='FILE',
                        help='write all results to this file')
    parser.add_argument(
        '--trace', metavar='FILE', help='record one step of every mode in '
        "this file, .json or .json.gz, for ui.perfetto.dev or Chrome's "
        'about:tracing')
    add_cfg_options(parser)
    if '--made-up' in (sys.argv[1:] if argv is None else argv):
        warnings.warn('--made-up is deprecated: use --synthetic',
                      FutureWarning, stacklevel=2)
    return parser.parse_args(argv)


def time_step(cfg: Config, args: argparse.Namespace) -> dict:
    """Times the modes and prints their table."""
    device = choose_device(args.device)
    batch = {branch: size for branch, size in dict(
        labeled=args.labeled, unlabeled=args.unlabeled).items() if size}
    case = make_case(cfg, device, batch, args.absent)
    names = args.modes or (
        ['plain', 'fused', 'bf16-plain', 'bf16-fused'] if case.pretraining else
        ['reference', 'fp32', 'bf16']) + (
        ['tf32'] if device.type == 'cuda' else [])
    modes = {name: MODES[name] for name in names}
    kept = {name: kept_bytes(case, mode) for name, mode in modes.items()}
    flops = count_flops(case)
    peak_of = functools.cache(functools.partial(peak_flops, device))
    peaks = {name: peak_of(Mode(bf16=mode.bf16, tf32=mode.tf32))
             for name, mode in modes.items()}
    rows = step_rows(case, time_steps(case, modes, args.rounds or 5), flops,
                     peaks, kept)
    if args.trace:
        trace_steps(case, modes, args.trace)
    print('clips: ' + ', '.join(
        f'{branch} {tuple(x.shape)}' for branch, x in case.inputs.items()))
    print(f'{describe(device)}; a large matrix product, TFLOP/s: ' +
          ', '.join(f'{name} {peak / 1e12:.3f}'
                    for name, peak in peaks.items()))
    print(f'a step is {flops / 1e9:.1f} GFLOP, a clip of it '
          f'{flops / case.clips / 1e9:.2f}' + (
              ', counted with plain attention' if case.pretraining else ''))
    print(as_table(rows))
    return dict(device=describe(device), flops=flops, rows=rows, peaks=peaks)


def time_against(cfg: Config, args: argparse.Namespace) -> dict:
    """Times the steps of several configs and prints their table."""
    given = [name for name in ('modes', 'labeled', 'unlabeled', 'absent',
                               'synthetic', 'trace') if getattr(args, name)]
    if given or args.parts != ['step']:
        raise InputError(f'--against times configs as they train, without '
                         f'--{(given or ["parts"])[0].replace("_", "-")}: '
                         'change the configs with --cfg-options')
    cfgs = {args.config: cfg}
    for path in args.against:
        cfgs[path] = read_config(argparse.Namespace(**{
            **vars(args), 'config': path}))
    device = choose_device(args.device)
    seconds = time_methods(cfgs, device, args.rounds or 5)
    first = seconds[args.config]
    print(f'{describe(device)}, medians of {args.rounds or 5} steps')
    for path, each in seconds.items():
        print(f'{path:<60}{each:8.3f} s a step{each / first:7.2f}')
    return dict(device=describe(device), seconds=seconds)


def time_loader(cfg: Config, args: argparse.Namespace) -> dict:
    """Times the labelled loader and prints its times."""
    loading = time_loading(cfg, args.clips)
    print(loading_lines(loading))
    return loading._asdict()


def time_both(cfg: Config, args: argparse.Namespace) -> dict:
    """Times steps with their loaders running, and prints the result."""
    if args.labeled or args.unlabeled or args.absent:
        raise InputError('--labeled, --unlabeled and --absent are only for '
                         'the part step: set batch_size of the loaders with '
                         '--cfg-options')
    case = make_case(cfg, choose_device(args.device))
    results = {}
    for name in args.modes or ['fp32', 'bf16']:
        made = time_training(cfg, case, MODES[name], args.rounds or 20)
        print(f'{name}: {made.seconds:.3f} s a step with the loaders running, '
              f'{made.rate:.1f} clips/s, {made.waiting:.1%} of the time '
              'waiting for clips')
        results[name] = made._asdict()
    return results


def time_classification(cfg: Config, args: argparse.Namespace) -> dict:
    """Times the classification of test clips and prints the result."""
    device = choose_device(args.device)
    made = time_inference(cfg, device, args.checkpoint, args.clips,
                          args.rounds or 5)
    print(describe(device))
    print(inference_lines(made))
    return dict(
        made._asdict(), speeds=[speed._asdict() for speed in made.speeds],
        agreements={way: own._asdict()
                    for way, own in made.agreements.items()})


def describe(device: torch.device) -> str:
    """Describes device and PyTorch version."""
    name = (torch.cuda.get_device_name(device) if device.type == 'cuda' else
            f'CPU ({platform.machine()}), {torch.get_num_threads()} threads')
    return f'{name}, PyTorch {torch.__version__}'


def run(args: argparse.Namespace) -> dict:
    """Times the requested parts, prints and returns the results."""
    results = {}
    with contextlib.redirect_stdout(sys.stderr):  # MMEngine logs to stdout
        cfg = read_config(args)
    init_default_scope('mmaction')
    if args.trace and 'step' not in args.parts:
        raise InputError('--trace records steps: add step to --parts')
    for path in filter(None, (args.trace, args.json)):
        check_writable(path)
    if args.against:
        return dict(against=time_against(cfg, args))
    if 'step' in args.parts:
        results['step'] = time_step(cfg, args)
    with tempfile.TemporaryDirectory() as folder:
        if args.synthetic:
            path = use_synthetic_clips(cfg, Path(folder), args.synthetic)
            print(f'{args.synthetic} synthetic clips: '
                  f'{path.stat().st_size / 1e6:.0f} MB')
        used = [cfg.train_dataloader] * bool(
            {'loading', 'training'} & set(args.parts))
        used += [cfg.test_dataloader] * ('inference' in args.parts)
        for path in annotation_paths(used):
            check_annotation_file(path)
        if 'loading' in args.parts:
            results['loading'] = time_loader(cfg, args)
        if 'training' in args.parts:
            results['training'] = time_both(cfg, args)
        if 'inference' in args.parts:
            results['inference'] = time_classification(cfg, args)
    return results


def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    if args.threads:
        torch.set_num_threads(args.threads)
    logging.disable(logging.INFO)  # of MMEngine, about the model
    try:
        with exit_on_error(RuntimeError):
            results = run(args)
            if args.json:
                put_text(json.dumps(results, indent=1) + '\n', args.json)
    finally:
        logging.disable(logging.NOTSET)


if __name__ == '__main__':
    main()
