"""Times training steps of several configs in turns."""
from statistics import median
from typing import Dict, List

import torch
from mmaction.registry import MODELS, OPTIM_WRAPPERS
from mmaction.structures import ActionDataSample
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper

from psp_plugin.errors import InputError
from psp_plugin.models import SemiSupervisedRecognizer

from .cases import clip_shape, labeled_samples, unlabeled_loader
from .step import now

VIEWS = ('weak', 'strong')


class MethodRun:
    """The training steps of a config on random skeletons.

    Args:
        cfg (Config): Config of a ``SemiSupervisedRecognizer``, with its batch
            sizes, precision and optimiser.
        device (torch.device): The device.

    Raises:
        InputError: If the config has another model.
    """

    def __init__(self, cfg: Config, device: torch.device) -> None:
        self.model = MODELS.build(cfg.model)
        if not isinstance(self.model, SemiSupervisedRecognizer):
            raise InputError(f'{cfg.filename} has the model {cfg.model.type}: '
                             'use a config with a PSPRecognizer or a '
                             'SemiSupervisedRecognizer')
        self.model.init_weights()
        self.model.to(device).train()
        self.device = device
        with OPTIM_WRAPPERS.switch_scope_and_registry('mmaction'):
            self.optim = build_optim_wrapper(self.model, cfg.optim_wrapper)
        shape = clip_shape(cfg, self.model)
        size = cfg.train_dataloader.batch_size
        self.inputs = dict(labeled=torch.randn(size, 1, *shape).to(device))
        classes = self.model.cls_head.num_classes
        self.samples = dict(labeled=labeled_samples(size, classes, device))
        if any(hook.type == 'InterleaveHook'
               for hook in cfg.get('custom_hooks') or []):
            size = unlabeled_loader(cfg).batch_size
            self.inputs['unlabeled'] = {
                view: torch.randn(size, 1, *shape).to(device)
                for view in VIEWS}
            samples = [ActionDataSample(metainfo=dict(sample_idx=i))
                       for i in range(size)]
            self.samples['unlabeled'] = dict.fromkeys(VIEWS, samples)

    def step(self) -> float:
        """Runs a training step and returns its seconds."""
        started = now(self.device)
        with self.optim.optim_context(self.model):
            losses = self.model.loss(self.inputs, self.samples)
            loss = self.model.parse_losses(losses)[0]
        self.optim.update_params(loss)
        return now(self.device) - started


def time_methods(cfgs: Dict[str, Config], device: torch.device,
                 rounds: int = 5, warmup: int = 2) -> Dict[str, float]:
    """Times the steps of configs, one step of each per round.

    On a shared machine times drift; those of one round are comparable.

    Args:
        cfgs (dict[str, Config]): The configs by name.
        device (torch.device): The device.
        rounds (int): Number of timed steps. Defaults to 5.
        warmup (int): Number of steps before. Defaults to 2.

    Returns:
        dict[str, float]: Median seconds of a step, by name.
    """
    torch.manual_seed(0)
    runs = {name: MethodRun(cfg, device) for name, cfg in cfgs.items()}
    seconds: Dict[str, List[float]] = {name: [] for name in runs}
    for i in range(warmup + rounds):
        for name, run in runs.items():
            took = run.step()
            if i >= warmup:
                seconds[name].append(took)
    return {name: median(times) for name, times in seconds.items()}
