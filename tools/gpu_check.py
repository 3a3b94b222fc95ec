"""Checks training on a GPU in limited time; can be interrupted at any time.

First a smoke test of every family of configs (training, resume, test,
inference, AMP, bfloat16, compiled, a process group), then the benchmark, then
as many runs of a study as fit. Finished parts are recorded in the folder of
--logs and skipped by the next call.
"""
import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import List, Optional

import torch
from mmengine.fileio import put_text

import psp_plugin  # noqa: F401, before anything of the toolbox
from psp_plugin.commands.command_line import add_jobs, exit_on_error
from psp_plugin.tooling.experiments.provenance import commit, machine
from psp_plugin.tooling.experiments.smoke import SmokeTest, default_jobs

TOOLS = Path(__file__).resolve().parent
CONFIGS = TOOLS.parent / 'configs'
FAMILIES = (
    'psp_nwucla_xview_5p_small', 'psp_nwucla_xview_5p',
    'methods/freematch_ntu60_xsub_5p', 'methods/mean_teacher_nwucla_xview_5p',
    'methods/vat_entmin_nwucla_xview_5p', 'methods/s4l_synthetic_5p',
    'methods/cmd_nwucla_xview_5p', 'best/psp_softmatch_nwucla_xview_5p_small',
    # These pre-train an encoder first and take longest.
    'pretrain/psp_nwucla_xview_from_hacm_5p',
    'pretrain/hacm_ntu60_xsub_finetune_5p', 'pretrain/hacm_ntu60_xsub_linear',
    'pretrain/mamp_ntu60_2d_finetune_5p',
    'pretrain/hacm_ntu60_xsub', 'pretrain/mamp_ntu60_2d', 'psp_synthetic_5p',
    'psp_ntu60_xsub_5p', 'psp_ntu60_2d_xsub_5p',
    'official/psp_ntu60_xsub_10p', 'ablations/nwucla_xview_5p_a1_supervised',
    'ablations/nwucla_xview_5p_a2_without_ppa',
    'mix/ppa_stgcn_nwucla_xview_5p', 'mix/ppa_stgcnpp_nwucla_xview_5p',
    'mix/ppa_aagcn_nwucla_xview_5p', 'mix/refine_stgcn_ntu60_xsub')
COMPILED = FAMILIES[:2]
BENCHMARK = 'psp_nwucla_xview_5p'
MODES = ('reference', 'fp32', 'tf32', 'bf16', 'bf16-channels-first',
         'compile-bf16')


def parse_args(argv: Optional[List[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--minutes', type=float, default=9, metavar='M',
        help='time limit of all parts (default: %(default)s)')
    parser.add_argument(
        '--parts', nargs='+', choices=('smoke', 'benchmark', 'study'),
        default=['smoke', 'benchmark', 'study'], help='(default: all three)')
    parser.add_argument(
        '--configs', nargs='+', metavar='CONFIG', help='configs of the smoke '
        'test (default: one of every family)')
    parser.add_argument(
        '--benchmark', metavar='CONFIG', default=str(
            CONFIGS / f'{BENCHMARK}.py'), help='config of the benchmark '
        '(default: the full size on NW-UCLA)')
    parser.add_argument(
        '--benchmark-args', nargs=argparse.REMAINDER, default=[
            '--modes', *MODES], help='pass all following arguments to '
        'tools/benchmark.py (default: the modes for a GPU)')
    parser.add_argument(
        '--study', default=str(CONFIGS / 'studies' / 'nwucla_full.yml'),
        help='study to run in the remaining time (default: the full size on '
        'NW-UCLA)')
    parser.add_argument(
        '--logs', default='docs/logs', metavar='DIR',
        help='folder of the results (default: %(default)s)')
    parser.add_argument(
        '--work-dir', default='work_dirs/gpu_check',
        help='folder of the runs (default: %(default)s)')
    add_jobs(parser, default=4)
    return parser.parse_args(argv)


def smoke(args: argparse.Namespace, left: float) -> List[str]:
    """Runs the smoke test and returns descriptions of failures."""
    configs = args.configs or [str(CONFIGS / f'{x}.py') for x in FAMILIES]
    compiled = [str(CONFIGS / f'{x}.py') for x in COMPILED]
    test = SmokeTest(f'{args.logs}/gpu_smoke.csv', machine(),
                     lambda text: print(text, flush=True))
    failed = test.run([os.path.relpath(x) for x in configs], TOOLS,
                      Path(args.work_dir, 'smoke'), default_jobs(), left,
                      [os.path.relpath(x) for x in compiled])
    return [f'{row["config"]}, {row["check"]}: {row["result"]}'
            for row in failed]


def benchmark(args: argparse.Namespace, left: float) -> List[str]:
    """Times the step and returns descriptions of failures."""
    file = Path(args.logs, 'gpu_benchmark.json')
    if file.is_file() and json.loads(file.read_text())['machine'] == machine():
        print(f'{file} exists for this machine')
        return []
    made = Path(args.work_dir, 'benchmark.json')
    made.parent.mkdir(parents=True, exist_ok=True)
    try:
        status = subprocess.run(
            [sys.executable, str(TOOLS / 'benchmark.py'), args.benchmark,
             '--json', str(made), *args.benchmark_args],
            timeout=left, check=False).returncode
    except subprocess.TimeoutExpired:
        return ['the benchmark did not end in the remaining time']
    if status:
        return [f'the benchmark ended with status {status}']
    results = dict(machine=machine(), commit=commit(),
                   **json.loads(made.read_text()))
    put_text(json.dumps(results, indent=1) + '\n', str(file))
    return []


def study(args: argparse.Namespace, left: float) -> List[str]:
    """Runs the study in the remaining time; returns descriptions of failures.
    """
    csv = Path(args.logs, f'{Path(args.study).stem}.csv')
    status = subprocess.run(
        [sys.executable, str(TOOLS / 'run_study.py'), args.study, '--csv',
         str(csv), '--work-dir', f'{args.work_dir}/study', '--jobs',
         str(args.jobs), '--minutes', str(left / 60)], check=False).returncode
    return [f'the study ended with status {status}'] if status else []


def main(argv: Optional[List[str]] = None) -> None:
    args = parse_args(argv)
    end = time.monotonic() + 60 * args.minutes
    Path(args.logs).mkdir(parents=True, exist_ok=True)
    print(f'{machine()}', flush=True)
    if not torch.cuda.is_available():
        print('no GPU: running the checks on the CPU', flush=True)
    failed = []
    with exit_on_error():
        for name, part in dict(smoke=smoke, benchmark=benchmark,
                               study=study).items():
            left = end - time.monotonic()
            if name not in args.parts:
                continue
            if left <= 0:
                failed.append(f'no time was left for the {name}')
                continue
            print(f'== {name}, {left:.0f} s left', flush=True)
            failed += part(args, left)
    for line in failed:
        print(line, file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
