"""Times the way from an annotation file to batches."""
import time
from statistics import median
from typing import Dict, NamedTuple

from mmaction.registry import DATASETS
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.runner import Runner


class Loading(NamedTuple):
    """How quickly clips come.

    Args:
        start: Seconds to build the dataset, its file read and checked.
        clip: Seconds of the pipeline per clip in one process, the median.
        transforms: Seconds of its transforms, medians.
        workers: Worker processes of the loader.
        rate: Clips per second of the loader with its workers.
    """
    start: float
    clip: float
    transforms: Dict[str, float]
    workers: int
    rate: float


def time_loading(cfg: Config, clips: int = 300) -> Loading:
    """Times the labelled loader of a config.

    Args:
        cfg (Config): The config.
        clips (int): How many clips are timed. Defaults to 300.
    """
    started = time.perf_counter()
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    start = time.perf_counter() - started
    length = len(dataset)
    seconds = []
    for i in range(clips):
        started = time.perf_counter()
        dataset[i % length]
        seconds.append(time.perf_counter() - started)
    loader = Runner.build_dataloader(dict(
        cfg.train_dataloader, dataset=dataset, persistent_workers=False),
        seed=0)
    return Loading(start, median(seconds), time_transforms(dataset, clips),
                   loader.num_workers, loader_rate(loader, clips))


def time_transforms(dataset, clips: int) -> Dict[str, float]:
    """Seconds of every transform of a dataset's pipeline, medians."""
    while not hasattr(dataset, 'pipeline'):
        dataset = dataset.dataset
    pipeline: Compose = dataset.pipeline
    seconds = [[] for _ in pipeline.transforms]
    for i in range(clips):
        data = dataset.get_data_info(i % len(dataset))
        for transform, spent in zip(pipeline.transforms, seconds):
            started = time.perf_counter()
            data = transform(data)
            spent.append(time.perf_counter() - started)
    return {type(transform).__name__: median(spent)
            for transform, spent in zip(pipeline.transforms, seconds)}


def loader_rate(loader, clips: int) -> float:
    """Clips per second of a loader, after its first batch."""
    batches = iter(loader)
    next(batches)  # workers have started then
    count, started = 0, time.perf_counter()
    for batch in batches:
        count += len(batch['inputs'])
        if count >= clips:
            break
    return count / (time.perf_counter() - started)
