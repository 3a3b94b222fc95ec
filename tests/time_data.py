"""Measures how a dataset of a pickle and of a prepared file opens and loads.

Each number of processes is started anew, opens the same file and reads clips
from it; memory is what each process has of its own, above what it had after
its imports; of a worker of a loader, above one that has no file. ``--sparse``
writes a prepared file only, whose key points are zeros that take no space on
the disk, for sizes that no pickle reaches.
"""
import argparse
import multiprocessing
import os
import random
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

import numpy as np  # noqa: E402
from mmaction.registry import DATASETS  # noqa: E402
from mmengine.config import Config  # noqa: E402
from mmengine.dataset import pseudo_collate  # noqa: E402
from mmengine.registry import init_default_scope  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402

import psp_plugin  # noqa: E402, F401
from psp_plugin.annotations import prepare  # noqa: E402
from psp_plugin.annotations.prepared import Writer, written  # noqa: E402
from psp_plugin.tooling.benchmark.loading import prefetched_batches  # noqa: E402
from psp_plugin.tooling.benchmark.synthetic_clips import (  # noqa: E402
    write_clips,
)

BASE = TESTS.parent / 'configs/_base_/datasets/ntu60_3d.py'
COLUMNS = ('start (s)', 'peak (MB)', 'own (MB)', 'anonymous (MB)',
           'annotation (us)', 'item (us)')
VIEWS = [dict(subset=subset, labeled_ratio=0.05) for subset in (
    'labeled', 'unlabeled')]


class Sparse:
    """A stream that leaves holes for zeros."""

    def __init__(self, stream):
        self.stream = stream

    def write(self, data):
        if len(data) > 4096 and not any(memoryview(data)[:64]):
            self.stream.seek(len(data), os.SEEK_CUR)
        else:
            self.stream.write(data)

    def seek(self, place):
        self.stream.seek(place)


def write_sparse(path, count):
    """Writes clips of zeros, as large as those of ``write_clips``."""
    points = [np.zeros((1 + (i % 5 == 0), 41 + i % 80, 25, 3), np.float16)
              for i in range(400)]
    with written(str(path)) as stream:
        writer = Writer(Sparse(stream), 'frame_dir', f'zeros {count}')
        for i in range(count):
            keypoint = points[i % len(points)]
            writer.add(dict(frame_dir=f'synthetic_{i:07}', label=i % 60,
                            total_frames=keypoint.shape[1],
                            keypoint=keypoint))
        writer.finish(dict(train=range(count)), {})


def status(name):
    """MB of an entry of this process's status."""
    text = Path('/proc/self/status').read_text()
    return int(text.split(f'{name}:')[1].split()[0]) / 1e3


def memory(process='self'):
    """MB of a process's own, and of its anonymous memory."""
    kb = {line.split(':')[0]: int(line.split()[1]) for line in Path(
        f'/proc/{process}/smaps_rollup').read_text().splitlines()[1:]}
    return np.array([kb['Private_Clean'] + kb['Private_Dirty'],
                     kb['Anonymous']]) / 1e3


def build(path, views):
    """Builds the dataset, or its labelled and unlabelled view."""
    init_default_scope('mmaction')
    cfg = dict(type='CheckedPoseDataset', ann_file=path, split='train',
               num_classes=60, need_label=True,
               pipeline=Config.fromfile(str(BASE)).train_pipeline)
    if not views:
        return [DATASETS.build(cfg)]
    return [DATASETS.build(dict(
        type='SemiSupervisedDataset', dataset=cfg, **view)) for view in VIEWS]


def microseconds(read, places):
    """Median time of reading a clip."""
    spent = []
    for place in places:
        started = time.perf_counter()
        read(place)
        spent.append(time.perf_counter() - started)
    return 1e6 * np.median(spent)


def open_and_read(path, args, barrier, results):
    """Opens the file and reads clips, in a process of its own."""
    before, resident = memory(), status('VmRSS')
    started = time.perf_counter()
    datasets = build(path, args.views)
    start, peak = time.perf_counter() - started, status('VmHWM') - resident
    data = datasets[-1]
    places = random.Random(0).choices(range(len(data)), k=2 * args.read)
    times = [microseconds(read, places[part::2]) for part, read in enumerate(
        (data.get_data_info, data.__getitem__))]
    barrier.wait()
    results.put([start, peak, *(memory() - before), *times])
    barrier.wait()


def load(path, args, barrier, results):
    """Measures clips a second, and the memory of workers' own."""
    data = build(path, args.views)[-1]
    _, before = rate_and_memory([data[0]] * 1000, 2)
    alone, _ = rate_and_memory(data, 0)
    rate, own = rate_and_memory(data, 2)
    results.put([alone, rate, own - before])


def rate_and_memory(data, workers, batches=60):
    """Clips a second of a loader of random clips in batches of 64, and MB of
    the own memory of a worker."""
    places = np.random.default_rng(0).integers(0, len(data), (batches, 64))
    loader = DataLoader(
        data, batch_sampler=places.tolist(), num_workers=workers,
        collate_fn=pseudo_collate, persistent_workers=bool(workers))
    ahead = prefetched_batches(loader)
    for number, _ in enumerate(loader, 1):
        if number == ahead:
            started = time.perf_counter()
    rate = 64 * (batches - ahead) / (time.perf_counter() - started)
    return rate, max([memory(worker.pid)[0]
                      for worker in loader._iterator._workers]
                     if workers else [0])


def in_processes(work, path, args, count=1):
    """Runs a measurement in new processes; returns the largest values."""
    context = multiprocessing.get_context('spawn')
    barrier, results = context.Barrier(count), context.SimpleQueue()
    running = [context.Process(target=work, args=(
        str(path), args, barrier, results)) for _ in range(count)]
    for process in running:
        process.start()
    while not all(process.exitcode == 0 for process in running):
        for process in running:
            process.join(1)
            if process.exitcode:
                raise SystemExit('a measurement failed')
    rows = [results.get() for _ in running]
    return np.max(rows, axis=0)


def write_files(folder, args):
    """Writes the pickle and the prepared file; returns those measured."""
    if args.file:
        return dict(prepared=args.file)
    made = folder / 'synthetic.clips'
    started = time.perf_counter()
    if args.sparse:
        write_sparse(made, args.clips)
        paths = dict(prepared=made)
    else:
        pkl = folder / 'synthetic.pkl'
        write_clips(pkl, args.clips, 25, ['train'], classes=60)
        started = time.perf_counter()
        prepare(str(pkl), str(made))
        paths = dict(pickle=pkl, prepared=made)
    print(f'{args.clips} clips, prepared file {made.stat().st_size / 1e9:.2f} '
          f'GB, written in {time.perf_counter() - started:.0f} s\n')
    return {form: path for form, path in paths.items() if form in args.forms}


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument('--clips', type=int, default=70000,
                        help='70000 are 1 GB')
    parser.add_argument('--processes', type=int, nargs='+', default=[1])
    parser.add_argument('--read', type=int, default=3000,
                        help='clips that each process reads')
    parser.add_argument('--forms', nargs='+', default=['pickle', 'prepared'])
    parser.add_argument('--views', action='store_true',
                        help='open labelled and unlabelled views of the file')
    parser.add_argument('--sparse', action='store_true')
    parser.add_argument('--file', help='measure this prepared file, of 60 '
                        'classes and 25 joints in a split "train"')
    parser.add_argument('--folder', default=tempfile.gettempdir(),
                        help='where files are written, and removed')
    return parser.parse_args()


def main():
    args = parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        paths = write_files(Path(folder), args)
        print(f'| file | processes | {" | ".join(COLUMNS)} |\n'
              f'{"|---" * (2 + len(COLUMNS))}|')
        for count in args.processes:
            for form, path in paths.items():
                row = in_processes(open_and_read, path, args, count)
                print(f'| {form} | {count} | ' + ' | '.join(
                    f'{value:.2f}' for value in row) + ' |', flush=True)
        print('\n| file | clips/s, no workers | clips/s, 2 workers | own of a '
              'worker (MB) |\n|---|---|---|---|')
        for form, path in paths.items():
            row = in_processes(load, path, args)
            print(f'| {form} | ' + ' | '.join(
                f'{value:.0f}' for value in row) + ' |', flush=True)


if __name__ == '__main__':
    main()
