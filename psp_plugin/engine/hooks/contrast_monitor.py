"""Monitors the contrast and warns early if it does not learn."""
import logging
import math
from typing import Dict, List, Optional

import torch
from mmaction.registry import HOOKS
from mmengine.dist import all_reduce, get_world_size
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from psp_plugin.errors import InputError
from psp_plugin.models.losses.diagnostics import (
    alignment,
    effective_rank,
    saturation,
    uniformity,
)

from .non_finite import unwrap

CLOSE = 0.01  # relative distance within which a loss is at chance
CHANCE = 'train/chance'


@HOOKS.register_module()
class ContrastMonitorHook(Hook):
    """Logs diagnostics of the contrast, and warns if a level is at chance.

    For every contrasted level it logs, in addition to the losses and by the
    same visualisation backends,

    - ``alignment_<level>`` and ``uniformity_<level>`` (Wang and Isola, 2020),
      the latter as the mean of both streams,
    - ``effective_rank_<level>`` of the features of both streams together
      (Roy and Vetterli, 2007),
    - ``saturation_<level>``: share of entries of the level's own attention
      map beyond 0.99, if the neck has attention,

    and, for all levels and in every iteration, ``chance``, log(2N - 1) for N
    clips, with ``gather`` those of all processes.

    Once per epoch after the warm-up it compares the mean
    ``loss_con_<level>`` with the mean of weight * ``chance``: if all features
    are identical, or independent of their clips, the loss stays there. A loss
    that is still above, as in the first steps, is not reported. The training
    does not change: no gradient, buffer or random number is affected. A
    process measures its own clips. For a model without contrast it only logs
    that nothing is measured.

    In a config::

        default_hooks = dict(contrast=dict(type='ContrastMonitorHook'))

    Args:
        interval (int): Iterations between two measurements; the last one of
            an epoch is also measured. Defaults to 20, as ``LoggerHook`` in
            this project's configs.
        action (str): Whether to warn, ``'warn'``, or to end the training with
            an error, ``'stop'``, if a level is within 1% of chance. Defaults
            to ``'warn'``.
        patience (int, optional): Iterations over which the mean is computed.
            Defaults to the length of the train dataloader.
        warm_up (int, optional): Iterations that are not checked. Defaults to
            those of the schedulers that begin below the full learning rate,
            from iteration 0 on.

    Raises:
        ValueError: If an argument is invalid.
        InputError: In training, if a level is at chance and ``action`` is
            ``'stop'``.
    """

    priority = 'NORMAL'  # after RuntimeInfoHook, before LoggerHook

    def __init__(self, interval: int = 20, action: str = 'warn',
                 patience: Optional[int] = None,
                 warm_up: Optional[int] = None) -> None:
        if action not in ('warn', 'stop'):
            raise ValueError(f"action must be 'warn' or 'stop', not "
                             f'{action!r}')
        for name, value, least in (('interval', interval, 1),
                                   ('patience', patience, 1),
                                   ('warm_up', warm_up, 0)):
            if value is not None and value < least:
                raise ValueError(f'{name} must be at least {least}, not '
                                 f'{value}')
        self.interval = interval
        self.action = action
        self.patience = patience
        self.warm_up = warm_up
        self.num_clips = 0  # N of the last batch
        self._measured: Optional[Dict[str, List[torch.Tensor]]] = None
        self._levels = ()
        self._handles = []

    def before_train(self, runner: Runner) -> None:
        """Registers the measurements as forward hooks.

        Args:
            runner (Runner): The runner, its checkpoint loaded.
        """
        model = unwrap(runner)
        if getattr(model, 'loss_con', None) is None:
            print_log('ContrastMonitorHook measures nothing: '
                      f'{type(model).__name__} has no loss_con',
                      logger='current')
            return
        self._levels = tuple(model.loss_con.level_weights)
        self.length = len(runner.train_dataloader)
        self.window = self.patience or self.length
        self.begin = (warm_up_of(runner, self.length)
                      if self.warm_up is None else self.warm_up)
        self._handles = [model.loss_con.register_forward_hook(
            self._measure_features, with_kwargs=True)]
        if hasattr(model.neck, 'own_maps'):
            self._handles.append(
                model.neck.register_forward_hook(self._measure_attention))

    def before_train_iter(self, runner: Runner, batch_idx: int,
                          data_batch: Optional[dict] = None) -> None:
        """Decides whether this iteration is measured."""
        due = self._handles and (
            self.every_n_inner_iters(batch_idx, self.interval)
            or batch_idx + 1 == self.length)
        self._measured = {} if due else None

    def after_train_iter(self, runner: Runner, batch_idx: int,
                         data_batch: Optional[dict] = None,
                         outputs: Optional[dict] = None) -> None:
        """Logs the measurements, and checks the contrast once per epoch."""
        for name, values in (self._measured or {}).items():
            runner.message_hub.update_scalar(
                f'train/{name}', torch.stack(values).mean().item())
        self._measured = None
        if not self._handles:
            return
        gather = unwrap(runner).loss_con.gather
        clips = self.num_clips * (get_world_size() if gather else 1)
        runner.message_hub.update_scalar(CHANCE, math.log(2 * clips - 1))
        done = runner.iter + 1 - self.begin
        if done > 0 and done % self.window == 0:
            self._check_chance(runner)

    def after_train(self, runner: Runner) -> None:
        """Removes the forward hooks."""
        for handle in self._handles:
            handle.remove()
        self._handles = []

    @torch.compiler.disable  # CompileHook would recompile it
    def _measure_features(self, loss_con, args, kwargs, output) -> None:
        joint, motion = kwargs['joint'], kwargs['motion']
        self.num_clips = len(next(iter(joint.values())))
        if self._measured is None or self.num_clips < 2:
            return
        with torch.no_grad():
            for level in self._levels:
                pair = joint[level], motion[level]
                self._keep(f'alignment_{level}', alignment(*pair))
                for stream in pair:
                    self._keep(f'uniformity_{level}', uniformity(stream))
                self._keep(f'effective_rank_{level}',
                           effective_rank(torch.cat(pair)))

    @torch.compiler.disable  # CompileHook would recompile it
    def _measure_attention(self, neck, args, output) -> None:
        if self._measured is None:
            return
        features = args[0].detach().float()
        with torch.no_grad(), torch.autocast(features.device.type,
                                             enabled=False):
            maps = neck.own_maps(features)
            for level in self._levels:
                self._keep(f'saturation_{level}', saturation(maps[level]))

    def _keep(self, name: str, value: torch.Tensor) -> None:
        self._measured.setdefault(name, []).append(value)

    def _check_chance(self, runner: Runner) -> None:
        """Compares the mean losses of the last window with chance.

        Both are read from the message hub, which checkpoints contain, so that
        a resumed run gets the same result as an uninterrupted one. Chance is
        a mean as well, since the last batch of a loader can be smaller than
        the others.
        """
        loss_con = unwrap(runner).loss_con
        names = [CHANCE, *(f'train/loss_con_{level}'
                           for level in loss_con.level_weights)]
        values = torch.tensor([self._mean(runner, name) for name in names])
        all_reduce(values, op='mean')
        means = dict(zip(names, values.tolist()))
        for level, weight in loss_con.level_weights.items():
            chance = loss_con.loss_weight * weight * means[CHANCE]
            mean = means[f'train/loss_con_{level}']
            if chance > 0 and abs(mean - chance) <= CLOSE * chance:
                self._report(runner, level, mean, chance)
                return

    def _mean(self, runner: Runner, name: str) -> float:
        history, _ = runner.message_hub.get_scalar(name).data
        return float(history[-self.window:].mean())

    def _report(self, runner: Runner, level: str, mean: float,
                chance: float) -> None:
        ways = ['lengthen the warm-up', 'lower the learning rate',
                'clip gradients (optim_wrapper.clip_grad=dict(max_norm=1))',
                'or enlarge the unlabelled batch']
        if getattr(unwrap(runner), 'stream_norm', None) is None:
            ways.insert(0, 'normalise both streams to the same scale '
                           "(model.stream_norm=dict(type='StreamNorm'))")
        text = (
            f'iteration {runner.iter + 1}: loss_con_{level} was {mean:.3f} on '
            f'average over the last {self.window} iterations, which is chance '
            f'({chance:.3f}), so the contrast learns nothing: '
            f'{", ".join(ways)}; see docs/guides/diagnostics.md')
        if self.action == 'stop':
            raise InputError(text)
        print_log(text, logger='current', level=logging.WARNING)


def warm_up_of(runner: Runner, length: int) -> int:
    """Returns the number of iterations of the learning rate's warm-up.

    Args:
        runner (Runner): The runner, its schedulers built.
        length (int): Iterations of an epoch.
    """
    schedulers = runner.param_schedulers or []
    if isinstance(schedulers, dict):  # several optimisers
        schedulers = [x for each in schedulers.values() for x in each]
    end = 0
    for scheduler in sorted(schedulers, key=lambda each: each.begin):
        start = getattr(scheduler, 'start_factor',
                        getattr(scheduler, 'factor', 1))
        unit = length if scheduler.by_epoch else 1
        if scheduler.begin * unit <= end and start < 1:
            end = max(end, scheduler.end * unit)
    return end
