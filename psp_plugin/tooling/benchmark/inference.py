"""Times classification in several ways, and compares their scores."""
import time
from statistics import median
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence

import numpy as np
import torch
from mmaction.apis import init_recognizer
from mmengine.config import Config

from psp_plugin.commands.batches import test_clips
from psp_plugin.commands.clips import ClipPreparer, find_test_dataset
from psp_plugin.commands.loading import load_model

from .ways import Way, make_ways

BATCH_SIZES = (1, 4, 16, 64)
Clock = Callable[[], float]


class Agreement(NamedTuple):
    """How the scores of a way differ from those of testing.

    Args:
        top1: Share of clips of the same best class.
        difference: Largest absolute difference of a score.
    """
    top1: float
    difference: float


class Speed(NamedTuple):
    """Speed of a way at one batch size.

    Args:
        batch_size: Clips in a batch.
        way: Its name.
        rate: Median clips per second, of prepared clips.
        ratio: Median over the rounds of its speed relative to testing.
    """
    batch_size: int
    way: str
    rate: float
    ratio: float


class Inference(NamedTuple):
    """Result of :func:`time_inference`.

    Args:
        clock: What was measured, ``'CPU time'`` or ``'wall time'``.
        shape: Of a prepared clip, (num_clips, M, T, V, C).
        clips: Number of compared clips.
        prepare: Median seconds to prepare a clip.
        agreements: By way.
        speeds: By batch size and way.
        latency: By way, median and 99th percentile of the seconds to prepare
            and classify one clip.
    """
    clock: str
    shape: Sequence[int]
    clips: int
    prepare: float
    agreements: Dict[str, Agreement]
    speeds: List[Speed]
    latency: Dict[str, Sequence[float]]


def time_inference(cfg: Config, device: torch.device,
                   checkpoint: Optional[str] = None,
                   clips: int = 300,
                   rounds: int = 5,
                   batch_sizes: Sequence[int] = BATCH_SIZES) -> Inference:
    """Times the classification of test clips, the ways taking turns.

    One thread on a CPU is measured in CPU time, which other programs hardly
    change; otherwise wall time is measured.

    Args:
        cfg (Config): The config.
        device (torch.device): Where to compute.
        checkpoint (str, optional): Trained weights. Defaults to None: random
            ones, whose scores hardly differ between clips.
        clips (int): Most clips to compare, evenly spaced in the test
            dataset. Defaults to 300.
        rounds (int): Number of rounds. Defaults to 5.
        batch_sizes (Sequence[int]): Defaults to 1, 4, 16 and 64.
    """
    model = (load_model(cfg, checkpoint, device)[0] if checkpoint else
             init_recognizer(cfg, device=device))
    found = test_clips(cfg)
    places = np.linspace(0, len(found) - 1, min(clips, len(found)))
    annotations = [found[i:i + 1][0].clip for i in places.astype(int)]
    prepare = ClipPreparer(find_test_dataset(cfg), model)
    alone = device.type == 'cpu' and torch.get_num_threads() == 1
    clock = time.process_time if alone else time.perf_counter
    inputs, spent = [], []
    for clip in annotations:
        started = clock()
        inputs.append(prepare(clip))
        spent.append(clock() - started)
    ways = make_ways(model, inputs, device)
    return Inference(
        'CPU time' if alone else 'wall time',
        tuple(inputs[0]['inputs'].shape), len(inputs), median(spent),
        compare_scores(ways, inputs),
        [speed for size in batch_sizes if size <= len(inputs)
         for speed in time_ways(ways, inputs, size, rounds, clock)],
        time_latency(ways, prepare, annotations[:20 * rounds], clock))


def compare_scores(ways: Dict[str, Way],
                   inputs: List[Dict[str, Any]]) -> Dict[str, Agreement]:
    """Compares the scores of all ways with those of the first.

    Args:
        ways (dict): By name.
        inputs (list[dict]): Prepared clips.
    """
    scores = {name: np.concatenate([way(inputs[i:i + 16])
                                    for i in range(0, len(inputs), 16)])
              for name, way in ways.items()}
    first = next(iter(scores.values()))
    return {name: Agreement(float((own.argmax(1) == first.argmax(1)).mean()),
                            float(np.abs(own - first).max()))
            for name, own in scores.items()}


def time_ways(ways: Dict[str, Way], inputs: List[Dict[str, Any]],
              batch_size: int, rounds: int, clock: Clock) -> List[Speed]:
    """Times all ways at one batch size, one pass of each per round.

    Args:
        ways (dict): By name; ratios are to the first.
        inputs (list[dict]): Prepared clips.
        batch_size (int): Clips in a batch.
        rounds (int): Number of rounds.
        clock (Callable): Returns the time in seconds.
    """
    count = max(batch_size, min(16, len(inputs)) // batch_size * batch_size)
    batches = [inputs[i:i + batch_size] for i in range(0, count, batch_size)]
    seconds: Dict[str, List[float]] = {name: [] for name in ways}
    for way in ways.values():
        way(batches[0])
    for _ in range(rounds):
        for name, way in ways.items():
            started = clock()
            for batch in batches:
                way(batch)
            seconds[name].append(clock() - started)
    first = next(iter(seconds.values()))
    return [Speed(batch_size, name, count / median(own),
                  median(a / b for a, b in zip(first, own)))
            for name, own in seconds.items()]


def time_latency(ways: Dict[str, Way], prepare: ClipPreparer,
                 clips: List[dict],
                 clock: Clock) -> Dict[str, Sequence[float]]:
    """Times single clips from annotation to scores, the ways taking turns.

    Args:
        ways (dict): By name.
        prepare (ClipPreparer): Applies the test pipeline.
        clips (list[dict]): Annotations.
        clock (Callable): Returns the time in seconds.

    Returns:
        dict: By way, median and 99th percentile in seconds.
    """
    seconds: Dict[str, List[float]] = {name: [] for name in ways}
    for clip in clips:
        for name, way in ways.items():
            started = clock()
            way([prepare(clip)])
            seconds[name].append(clock() - started)
    return {name: tuple(np.percentile(own, (50, 99)).tolist())
            for name, own in seconds.items()}


def inference_lines(result: Inference) -> str:
    """Formats the result of :func:`time_inference` as text."""
    lines = [
        f'{result.clips} clips, prepared {result.shape}, in '
        f'{1e3 * result.prepare:.2f} ms each; {result.clock}',
        f'{"way":<17}{"top-1 agreement":>16}{"difference":>12}'
        f'{"p50 ms":>9}{"p99 ms":>9}']
    for way, (top1, difference) in result.agreements.items():
        p50, p99 = (1e3 * seconds for seconds in result.latency[way])
        lines.append(f'{way:<17}{top1:16.2%}{difference:12.1e}{p50:9.2f}'
                     f'{p99:9.2f}')
    lines.append(f'{"batch":<7}{"way":<17}{"clips/s":>9}{"ratio":>7}')
    lines += [f'{speed.batch_size:<7}{speed.way:<17}{speed.rate:9.1f}'
              f'{speed.ratio:7.2f}' for speed in result.speeds]
    return '\n'.join(lines)
