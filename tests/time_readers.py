"""Measures how many clips a second each format is read and converted.

Writes clips of two persons as files (``recording_files.FILES``) and converts
their folder, in one process and in several. Measurements of one and of several
processes alternate, and the fastest of each is printed, as a table in
Markdown, with the CPU time of one process, which other programs on the machine
change less.
"""
import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

from recording_files import FILES  # noqa: E402

from psp_plugin.recordings import convert_folder  # noqa: E402
from psp_plugin.recordings.converter import FILES_PER_JOB  # noqa: E402


def write_clips(form, folder, clips, frames):
    """Writes the clips of a format; every tenth is another one."""
    made = [form.clip(frames, seed) for seed in range(min(clips, 10))]
    for number in range(clips):
        form.write(folder / f'clip{number:05d}', *made[number % len(made)])


def seconds(folder, jobs, clips):
    """Measures the conversion of a folder: wall time, and CPU time of this
    process."""
    start = time.perf_counter(), time.process_time()
    made = convert_folder(str(folder), jobs=jobs)
    taken = time.perf_counter() - start[0], time.process_time() - start[1]
    if len(made.annotations) != clips or made.skipped:
        raise SystemExit(f'{len(made.annotations)} of {clips} clips were '
                         f'read: {made.skipped[:1] or made.failure}')
    return taken


def measure(form, args):
    """Returns clips a second in one process and in several, and the CPU
    milliseconds of a clip."""
    with tempfile.TemporaryDirectory() as folder:
        write_clips(form, Path(folder), args.clips, args.frames)
        clips = args.clips * len(form.clips)
        rounds = [[seconds(folder, jobs, clips) for jobs in (1, args.jobs)]
                  for _ in range(args.rounds)]
    alone, together = zip(*rounds)
    return (*(clips / min(wall for wall, _ in taken)
              for taken in (alone, together)),
            1e3 * min(cpu for _, cpu in alone) / clips)


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument('--frames', type=int, default=100,
                        help='frames of a clip')
    parser.add_argument('--clips', type=int, default=100,
                        help='files of each format, of which the converter '
                        f'reads at least {FILES_PER_JOB} per process')
    parser.add_argument('--jobs', type=int, default=os.cpu_count(),
                        help='number of processes')
    parser.add_argument('--rounds', type=int, default=2,
                        help='measurements, of which the fastest counts')
    parser.add_argument('--only', default='', metavar='TEXT',
                        help='measure formats with this text in their name')
    args = parser.parse_args()
    args.jobs = max(1, min(args.jobs, args.clips // FILES_PER_JOB))
    return args


def main():
    args = parse_args()
    print(f'{args.clips} files of {args.frames} frames each; clips a second\n'
          f'\n| format | 1 process | {args.jobs} processes | ratio | '
          'CPU time of a clip (ms) |\n|---|---|---|---|---|')
    for form in FILES:
        if args.only.lower() in form.title.lower():
            one, several, cpu = measure(form, args)
            print(f'| {form.title} | {one:.0f} | {several:.0f} | '
                  f'{several / one:.2f} | {cpu:.1f} |', flush=True)


if __name__ == '__main__':
    main()
