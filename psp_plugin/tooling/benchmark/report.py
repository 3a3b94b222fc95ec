"""Formats the results of the benchmark as text."""
from typing import Dict, List

from .cases import Case
from .loading import Loading
from .step import Timing


def step_rows(case: Case, timings: Dict[str, Timing], flops: int,
              peaks: Dict[str, float], kept: Dict[str, int]) -> List[dict]:
    """Computes the rows of the table of modes.

    Args:
        case (Case): The timed case.
        timings (dict[str, Timing]): By mode; ratios are to the first.
        flops (int): Floating-point operations of a step.
        peaks (dict[str, float]): FLOP/s of a large matrix product in the
            precision of a mode.
        kept (dict[str, int]): Bytes saved for the backward pass, by mode.

    Returns:
        list[dict]: One row per mode.
    """
    first = next(iter(timings.values())).seconds
    return [
        dict(mode=name, seconds=one.seconds, ratio=one.seconds / first,
             clips_per_second=case.clips / one.seconds,
             tflops=flops / one.seconds / 1e12,
             share_of_peak=flops / one.seconds / peaks[name],
             kept_gb=kept[name] / 1e9,
             memory_gb=None if one.memory is None else one.memory / 1e9,
             loss=one.loss, phases=one.phases)
        for name, one in timings.items()
    ]


def as_table(rows: List[dict]) -> str:
    """Formats the rows of :func:`step_rows` as text."""
    phases = rows[0]['phases']
    lines = [f'{"mode":<19}{"s/step":>8}{"ratio":>7}{"clips/s":>9}'
             f'{"TFLOP/s":>9}{"of peak":>9}{"GB kept":>9}{"GB":>7}'
             f'{"loss":>9}  ' + ''.join(f'{phase:>11}' for phase in phases)]
    for row in rows:
        memory = row['memory_gb']
        lines.append(
            f'{row["mode"]:<19}{row["seconds"]:8.3f}{row["ratio"]:7.2f}'
            f'{row["clips_per_second"]:9.1f}{row["tflops"]:9.3f}'
            f'{row["share_of_peak"]:9.0%}{row["kept_gb"]:9.3f}'
            f'{"-" if memory is None else format(memory, ".2f"):>7}'
            f'{row["loss"]:9.4f}  ' + ''.join(
                f'{row["phases"][phase]:11.3f}' for phase in phases))
    return '\n'.join(lines)


def loading_lines(loading: Loading) -> str:
    """Formats the times of a loader as text."""
    lines = [f'dataset built in {loading.start:.2f} s',
             f'a clip: {1e3 * loading.clip:.3f} ms in one process, read and '
             f'prepared; {loading.rate:.0f} clips/s with {loading.workers} '
             'workers', 'transforms, ms a clip:']
    for name, seconds in (('ours', loading.transforms),
                          ("the toolbox's", loading.toolbox)):
        parts = ', '.join(f'{transform} {1e3 * spent:.3f}'
                          for transform, spent in seconds.items())
        lines.append(f'  {name}: {1e3 * sum(seconds.values()):.3f} ({parts})')
    return '\n'.join(lines)
