"""Compares the format of prepared files with others that could hold clips.

Needs pyarrow and zarr, which nothing else does. Each form is written, then
opened in a new process, in which names, labels and places of clips are
available; ``opening`` includes reading the labels. Clips are of 41 to 120
frames of 25 joints as float16, read in random places from the page cache.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent
sys.path[:0] = [str(TESTS), str(TESTS.parent)]

import numpy as np  # noqa: E402

FORMS = ('prepared', 'arrow', 'zarr', 'npy')


def clips_of(args):
    """Yields names, labels and key points."""
    rng = np.random.default_rng(0)
    points = [rng.normal(size=(1, args.frames or 41 + i, 25, 3)).astype('f2')
              for i in range(80)]
    for i in range(args.clips):
        yield f'synthetic_{i:07}', i % 60, points[i % 80]


def columns_of(args):
    """The clips as columns: names, labels, frames, ends, and all bytes."""
    names, labels, points = zip(*clips_of(args))
    frames = np.array([one.shape[1] for one in points], np.int32)
    return (list(names), np.array(labels, np.int32), frames,
            np.cumsum([one.nbytes for one in points]),
            np.concatenate([one.ravel().view(np.uint8) for one in points]))


def write(form, path, args):
    """Writes the clips."""
    if form == 'prepared':
        from psp_plugin.annotations.prepared import Writer, written
        with written(path) as stream:
            writer = Writer(stream, 'frame_dir', 'clips')
            for name, label, points in clips_of(args):
                writer.add(dict(frame_dir=name, label=label, keypoint=points,
                                total_frames=points.shape[1]))
            writer.finish(dict(train=range(args.clips)), {})
        return
    names, labels, frames, ends, data = columns_of(args)
    if form == 'arrow':
        import pyarrow as pa
        starts = np.concatenate([[0], ends]).astype(np.int64)
        points = pa.LargeBinaryArray.from_buffers(
            pa.large_binary(), len(ends), [None, pa.py_buffer(starts),
                                           pa.py_buffer(data)])
        table = pa.table(dict(name=names, label=labels, frames=frames,
                              points=points))
        with pa.OSFile(path, 'wb') as stream, pa.ipc.new_file(
                stream, table.schema) as writer:
            writer.write_table(table, 1 << 16)
    elif form == 'zarr':
        import zarr
        group = zarr.open_group(path, mode='w')
        for name, values in dict(
                name=np.array(names, 'S'), label=labels, frames=frames,
                ends=ends, points=data).items():
            group.create_array(name, data=values, compressors=None,
                               chunks=(min(len(values), 1 << 20), ))
    else:
        os.mkdir(path)
        for name, values in dict(
                name=np.array(names, 'S'), label=labels, frames=frames,
                ends=ends, points=data).items():
            np.save(f'{path}/{name}.npy', values)


def opened(form, path):
    """Opens the file; returns its labels and a reader of clips."""
    if form == 'prepared':
        from psp_plugin.annotations import PreparedClips, PreparedFile
        clips = PreparedClips.of(PreparedFile(path))
        return clips.column('label'), lambda i: clips[i]['keypoint']
    if form == 'arrow':
        import pyarrow as pa
        table = pa.ipc.open_file(pa.memory_map(path)).read_all()
        points, frames = table['points'], table['frames']
        return table['label'].to_numpy(), lambda i: np.frombuffer(
            points[i].as_buffer(), 'f2').reshape(
                1, frames[i].as_py(), 25, 3).copy()
    if form == 'zarr':
        import zarr
        group = zarr.open_group(path, mode='r')
        data, frames, ends = (group[key] for key in (
            'points', 'frames', 'ends'))
    else:
        group = {name: np.load(f'{path}/{name}.npy', mmap_mode='r')
                 for name in ('label', 'frames', 'ends', 'points')}
        data, frames, ends = group['points'], group['frames'], group['ends']

    def read(i):
        size = 150 * int(frames[i])
        end = int(ends[i])
        return np.array(data[end - size:end]).view('f2').reshape(
            1, -1, 25, 3)

    return np.array(group['label'][:]), read


def measure(form, path, args):
    """Opens the file in this process and prints what that takes."""
    from time_data import memory, microseconds
    before, started = memory()[1], time.perf_counter()
    if form in ('arrow', 'zarr'):
        __import__(dict(arrow='pyarrow').get(form, form))
    imported, package = time.perf_counter(), memory()[1] - before
    labels, read = opened(form, path)
    start = time.perf_counter() - imported
    places = random.Random(0).choices(range(len(labels)), k=2000)
    read(0)
    read_us = microseconds(read, places)
    print(json.dumps([imported - started, package, start,
                      memory()[1] - before - package, read_us]))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--clips', type=int, default=20000)
    parser.add_argument('--frames', type=int,
                        help='of each clip, such as 1 to compare indices')
    parser.add_argument('--forms', nargs='+', default=FORMS)
    parser.add_argument('--measure', nargs=2)
    args = parser.parse_args()
    if args.measure:
        return measure(*args.measure, args)
    print('| format | import (s) | import (MB) | opening (s) | anonymous (MB) '
          '| clip (us) | bytes a clip |\n|---|---|---|---|---|---|---|')
    for form in args.forms:
        with tempfile.TemporaryDirectory() as folder:
            path = f'{folder}/clips'
            write(form, path, args)
            size = sum(file.stat().st_size for file in [
                Path(path), *Path(path).rglob('*')] if file.is_file())
            printed = subprocess.run(
                [sys.executable, '-W', 'ignore', *sys.argv, '--measure', form,
                 path], capture_output=True, text=True, check=True).stdout
            row = json.loads(printed.splitlines()[-1])
            print(f'| {form} | ' + ' | '.join(f'{x:.2f}' for x in row) +
                  f' | {size / args.clips:.0f} |', flush=True)


if __name__ == '__main__':
    main()
