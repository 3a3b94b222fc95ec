"""Times training steps including the loading of clips."""
import time
from typing import Dict, NamedTuple

from mmengine.config import Config
from mmengine.runner import Runner

from psp_plugin.engine.hooks.interleave import (
    check_unlabeled,
    cycle,
    with_dataset,
)

from .cases import Case, Mode, unlabeled_loader
from .loading import prefetched_batches
from .step import Run, now


class Training(NamedTuple):
    """Speed of training including the loading of clips.

    Args:
        seconds: Mean seconds of a step.
        waiting: Share of the time spent waiting for batches.
        rate: Clips per second.
    """
    seconds: float
    waiting: float
    rate: float


def time_training(cfg: Config, case: Case, mode: Mode,
                  steps: int = 20) -> Training:
    """Times training steps with the loaders of the train loop.

    The first two steps are not timed, nor those on batches that workers have
    prefetched.

    Args:
        cfg (Config): The config of the loaders.
        case (Case): The model.
        mode (Mode): The mode.
        steps (int): Number of timed steps. Defaults to 20.
    """
    first = 'unlabeled' if case.pretraining else 'labeled'
    loaders = {first: Runner.build_dataloader(
        dict(cfg.train_dataloader), seed=0)}
    if case.model.with_neck:
        loaders['unlabeled'] = Runner.build_dataloader(
            with_dataset(unlabeled_loader(cfg), loaders['labeled']), seed=0)
        check_unlabeled(loaders['unlabeled'])
    batches = {branch: cycle(loader) for branch, loader in loaders.items()}
    warmup = max(2, *map(prefetched_batches, loaders.values()))
    waited = clips = 0
    run = Run(case, mode)
    for i in range(warmup + steps):
        if i == warmup:
            waited, clips, begun = 0, 0, now(run.device)
        started = time.perf_counter()
        loaded = {branch: next(each) for branch, each in batches.items()}
        waited += time.perf_counter() - started
        run.case = prepare(case, run, loaded)
        run.step()
        clips += run.case.clips
    spent = now(run.device) - begun
    return Training(spent / steps, waited / spent, clips / spent)


def prepare(case: Case, run: Run, loaded: Dict[str, dict]) -> Case:
    """Returns the case with preprocessed batches of the loaders."""
    if case.pretraining:
        data = run.model.data_preprocessor(loaded['unlabeled'], True)
        return case._replace(inputs=dict(unlabeled=data['inputs']))
    data = run.model.data_preprocessor(
        {key: {branch: loaded[branch][key] for branch in loaded}
         for key in ('inputs', 'data_samples')}, True)
    return case._replace(inputs=data['inputs'], samples=data['data_samples'])
