"""Times the loading of clips, from the annotation file to batches."""
import inspect
import time
from statistics import median
from typing import Dict, List, NamedTuple, Tuple

from mmaction.datasets.transforms import PreNormalize3D
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from psp_plugin.engine.hooks.interleave import cycle
from psp_plugin.errors import InputError

# Our transforms and the toolbox's that they replace.
OF_THE_TOOLBOX = dict(NormalizeSkeleton3D='PreNormalize3D',
                      UniformSamplePose='UniformSample')


class Loading(NamedTuple):
    """Times of a loader.

    Args:
        start: Seconds to build the dataset, including reading and checking
            the annotation file.
        clip: Median seconds to load a clip in one process.
        transforms: Median seconds of each transform of the pipeline.
        toolbox: The same with the toolbox's transforms instead of ours.
        workers: Number of worker processes of the loader.
        rate: Clips per second of the loader with its workers.
    """
    start: float
    clip: float
    transforms: Dict[str, float]
    toolbox: Dict[str, float]
    workers: int
    rate: float


def time_loading(cfg: Config, clips: int = 300) -> Loading:
    """Times the labelled loader of a config.

    Args:
        cfg (Config): The config.
        clips (int): Number of clips to time. Defaults to 300.
    """
    started = time.perf_counter()
    loader = Runner.build_dataloader(dict(
        cfg.train_dataloader, persistent_workers=False), seed=0)
    start = time.perf_counter() - started
    rate = loader_rate(loader, clips)
    pipeline = find_pipeline(cfg.train_dataloader.dataset)
    clip, (ours, theirs) = time_clips(
        loader.dataset, [pipeline, toolbox_pipeline(pipeline)], clips)
    return Loading(start, clip, ours, theirs, loader.num_workers, rate)


def find_pipeline(dataset: dict) -> List[dict]:
    """Returns the pipeline of the innermost dataset config."""
    while 'dataset' in dataset:
        dataset = dataset['dataset']
    return dataset.get('pipeline', [])


def toolbox_pipeline(pipeline: List[dict]) -> List[dict]:
    """Replaces our transforms with those of the toolbox.

    Args:
        pipeline (list[dict]): Configs of transforms.

    Returns:
        list[dict]: The new pipeline. Arguments that ``PreNormalize3D`` does
        not have, such as the joint to centre on, are dropped.
    """
    known = {'type', *inspect.signature(PreNormalize3D).parameters}
    steps = []
    for step in pipeline:
        step = dict(step, type=OF_THE_TOOLBOX.get(step['type'], step['type']))
        if step['type'] == 'PreNormalize3D':
            step = {name: step[name] for name in step if name in known}
        steps.append(step)
    return steps


def time_clips(dataset, pipelines: List[List[dict]],
               clips: int) -> Tuple[float, List[Dict[str, float]]]:
    """Times clips and the transforms of several pipelines, in turns.

    Args:
        dataset (Dataset): The dataset.
        pipelines (list[list[dict]]): Configs of transforms.
        clips (int): Number of clips to time.

    Returns:
        tuple[float, list[dict[str, float]]]: Median seconds of a clip of the
        dataset, and of each transform of each pipeline.
    """
    pipelines = [Compose(steps).transforms for steps in pipelines]
    totals, seconds = [], [[[] for _ in steps] for steps in pipelines]
    for i in range(clips):
        started = time.perf_counter()
        dataset[i % len(dataset)]
        totals.append(time.perf_counter() - started)
        for transforms, kept in zip(pipelines, seconds):
            data = dataset.get_data_info(i % len(dataset))
            for transform, spent in zip(transforms, kept):
                started = time.perf_counter()
                data = transform(data)
                spent.append(time.perf_counter() - started)
    return median(totals), [
        {type(transform).__name__: median(spent)
         for transform, spent in zip(transforms, kept)}
        for transforms, kept in zip(pipelines, seconds)]


def prefetched_batches(loader: DataLoader) -> int:
    """Returns the number of batches to skip before timing: those that workers
    prefetch while the loader is idle, plus one."""
    return loader.num_workers * (loader.prefetch_factor or 0) + 1


def loader_rate(loader: DataLoader, clips: int) -> float:
    """Measures the clips per second of a loader.

    Batches that workers have prefetched are not counted.

    Args:
        loader (DataLoader): The loader.
        clips (int): Minimum number of clips to count.

    Raises:
        InputError: If the loader has no other batches.
    """
    ahead = prefetched_batches(loader)
    batches, count = cycle(loader), 0
    if len(loader) <= ahead:
        raise InputError(
            f'the labelled loader has {len(loader)} batches in an epoch, of '
            f'which the first {ahead} are not timed: lower its batch_size '
            'or num_workers, or use more clips')
    for _ in range(ahead):
        next(batches)
    started = time.perf_counter()
    while count < clips:
        count += len(next(batches)['inputs'])
    return count / (time.perf_counter() - started)
