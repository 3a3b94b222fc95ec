"""Times the way from an annotation file to batches."""
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

# The toolbox's transforms that ours stand for.
OF_THE_TOOLBOX = dict(NormalizeSkeleton3D='PreNormalize3D',
                      UniformSamplePose='UniformSample')


class Loading(NamedTuple):
    """How quickly clips come.

    Args:
        start: Seconds to build the dataset, its file read and checked.
        clip: Seconds to read and prepare a clip in one process, the median.
        transforms: Seconds of the transforms of the pipeline, medians.
        toolbox: Seconds of the same transforms with the toolbox's own in the
            place of ours.
        workers: Worker processes of the loader.
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
        clips (int): How many clips are timed. Defaults to 300.
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
    """The pipeline of a dataset's config, within whatever wraps it."""
    while 'dataset' in dataset:
        dataset = dataset['dataset']
    return dataset.get('pipeline', [])


def toolbox_pipeline(pipeline: List[dict]) -> List[dict]:
    """The pipeline, the toolbox's transforms in the place of ours.

    Args:
        pipeline (list[dict]): Configs of transforms.

    Returns:
        list[dict]: ``PreNormalize3D`` centres on a joint of its own choice,
        and has fewer arguments, which are left out.
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
    """Seconds of a clip and of the transforms of pipelines, taking turns.

    Args:
        dataset (Dataset): Gives the clips.
        pipelines (list[list[dict]]): Configs of transforms.
        clips (int): How many clips are timed.

    Returns:
        tuple[float, list[dict[str, float]]]: Medians: of a clip of the
        dataset, and of each transform per pipeline.
    """
    pipelines = [Compose(steps).transforms for steps in pipelines]
    whole, seconds = [], [[[] for _ in steps] for steps in pipelines]
    for i in range(clips):
        started = time.perf_counter()
        dataset[i % len(dataset)]
        whole.append(time.perf_counter() - started)
        for transforms, kept in zip(pipelines, seconds):
            data = dataset.get_data_info(i % len(dataset))
            for transform, spent in zip(transforms, kept):
                started = time.perf_counter()
                data = transform(data)
                spent.append(time.perf_counter() - started)
    return median(whole), [
        {type(transform).__name__: median(spent)
         for transform, spent in zip(transforms, kept)}
        for transforms, kept in zip(pipelines, seconds)]


def held_ahead(loader: DataLoader) -> int:
    """Batches until what workers prepared while none was asked for is gone.
    """
    return loader.num_workers * (loader.prefetch_factor or 0) + 1


def loader_rate(loader: DataLoader, clips: int) -> float:
    """Clips per second of a loader that has started.

    Batches that workers have prepared in advance are not counted.

    Args:
        loader (DataLoader): The loader.
        clips (int): How many clips are counted, at the least.

    Raises:
        InputError: If the loader has no batch beside those.
    """
    ahead = held_ahead(loader)
    batches, count = cycle(loader), 0
    if len(loader) <= ahead:
        raise InputError(
            f'the labelled loader has {len(loader)} batches in an epoch, of '
            f'which the first {ahead} are not timed: lower its batch_size '
            'or num_workers, or take more clips')
    for _ in range(ahead):
        next(batches)
    started = time.perf_counter()
    while count < clips:
        count += len(next(batches)['inputs'])
    return count / (time.perf_counter() - started)
