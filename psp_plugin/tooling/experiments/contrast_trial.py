"""Trains the first steps of a config, to check its contrastive loss."""
import tempfile
import time
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional

from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from psp_plugin.engine.hooks import ContrastMonitorHook
from psp_plugin.engine.hooks.contrast_monitor import CHANCE
from psp_plugin.errors import InputError
from psp_plugin.skeletons import LEVELS

LEARNT = 0.6  # share of chance below which the contrast counts as learning
MONITOR = 'ContrastMonitorHook'
WINDOW = 5  # steps over which a share of chance is averaged
DIAGNOSTICS = ('alignment', 'uniformity', 'effective_rank', 'saturation')


class Enough(Exception):
    """Raised to end a training after the requested steps."""


class StopAfter(Hook):
    """Ends a training after a number of steps, also within an epoch.

    Args:
        steps (int): Number of steps.
    """

    priority = 'LOWEST'

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def after_train_iter(self, runner: Runner, *args, **kwargs) -> None:
        """Raises :class:`Enough` at the last step."""
        if runner.iter + 1 >= self.steps:
            raise Enough


class Trial(NamedTuple):
    """Measurements of the first steps of a training.

    Args:
        steps (int): Number of steps.
        seconds (float): Mean seconds per step.
        shares (dict[str, list[float]]): Per level, loss_con divided by chance
            at every step; 1 is chance.
        diagnostics (dict[str, float]): Last logged value of each diagnostic,
            such as ``'alignment_body'``.
    """
    steps: int
    seconds: float
    shares: Dict[str, List[float]]
    diagnostics: Dict[str, float]

    def learnt_at(self) -> Optional[int]:
        """Returns the first step at which all levels are below 60% of chance,
        averaged over five steps; None if there is none."""
        for step in range(WINDOW, self.steps + 1):
            if all(sum(share[step - WINDOW:step]) < LEARNT * WINDOW
                   for share in self.shares.values()):
                return step
        return None

    def last(self) -> Dict[str, float]:
        """Returns the share of chance per level, averaged over the last five
        steps."""
        return {level: sum(share[-WINDOW:]) / len(share[-WINDOW:])
                for level, share in self.shares.items()}


def try_contrast(cfg: Config, steps: int) -> Trial:
    """Trains the first steps of a config, without saving anything.

    Args:
        cfg (Config): The config. Validation and checkpoints are disabled;
            data, schedule and seed are not changed.
        steps (int): Number of steps.

    Returns:
        Trial: The measurements.

    Raises:
        InputError: If the config has no contrast, or trains fewer steps.
    """
    if not (cfg.model.get('loss_con') and cfg.get('custom_hooks')):
        raise InputError(f'{cfg.filename} has no contrast to try: it needs '
                         'model.loss_con and InterleaveHook')
    cfg = Config(dict(cfg.to_dict()), filename=None)
    for key in ('val_dataloader', 'val_cfg', 'val_evaluator',
                'test_dataloader', 'test_cfg', 'test_evaluator'):
        cfg[key] = None
    cfg.default_hooks = {
        name: hook for name, hook in cfg.default_hooks.items()
        if name != 'exact_resume' and hook.get('type') != MONITOR}
    cfg.default_hooks.checkpoint = None  # MMEngine adds a default one
    with tempfile.TemporaryDirectory() as folder:
        cfg.work_dir = folder
        # MMEngine names runs by the second; runs of the same name share
        # scalars.
        cfg.experiment_name = Path(folder).name
        runner = Runner.from_cfg(cfg)
        runner.register_hook(ContrastMonitorHook(
            interval=max(1, steps // 20), warm_up=steps))  # no warnings
        runner.register_hook(StopAfter(steps))
        began = time.perf_counter()
        try:
            runner.train()
        except Enough:
            pass
        else:
            raise InputError(f'the training of {runner.iter} steps ends '
                             f'before {steps}: lower --steps')
        seconds = (time.perf_counter() - began) / steps
    return collect(runner, steps, seconds)


def collect(runner: Runner, steps: int, seconds: float) -> Trial:
    """Reads the measurements of a trial from the runner's message hub."""
    scalars = runner.message_hub.log_scalars
    loss = runner.model.loss_con
    chance = scalars[CHANCE].data[0]  # logged by the monitor at every step
    shares = {
        level: (scalars[f'train/loss_con_{level}'].data[0] /
                (chance * loss.loss_weight * weight)).tolist()
        for level, weight in loss.level_weights.items()
    }
    names = [f'{name}_{level}' for name in DIAGNOSTICS for level in LEVELS]
    diagnostics = {name: float(scalars[f'train/{name}'].current())
                   for name in names if f'train/{name}' in scalars}
    return Trial(steps, seconds, shares, diagnostics)
