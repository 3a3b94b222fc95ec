"""Small runs of the unmodified runner, recording the clips of iterations."""
import math
from pathlib import Path
from typing import List, Sequence

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from pretrained import pretrain_config
from toy import set_everywhere, small_config

BATCH, LABELED, UNLABELED = 2, 20, 28  # two labelled clips a class


class ClipNames(Hook):
    """Records the names of every iteration's clips, by branch."""
    priority = 'LOW'

    def __init__(self) -> None:
        self.batches: List[dict] = []

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        samples = data_batch['data_samples']
        if not isinstance(samples, dict):
            samples = dict(labeled=samples)
        self.batches.append({branch: [clip.frame_dir for clip in clips]
                             for branch, clips in samples.items()})


class ScaledChance(Hook):
    """Makes every contrastive loss a multiple of chance.

    Args:
        factor (float): How many times chance it is in this process.
    """

    def __init__(self, factor: float) -> None:
        self.factor = factor

    def before_train(self, runner) -> None:
        chance = self.factor * math.log(2 * BATCH - 1)
        runner.model.module.loss_con.register_forward_hook(
            lambda module, args, losses: {
                name: loss * 0 + chance for name, loss in losses.items()})


class MaskingNoise(Hook):
    """Keeps the first random number of every masking, and the last weights."""

    def __init__(self) -> None:
        self.noise, self.state = [], {}

    def before_train(self, runner) -> None:
        runner.model.module.masking.register_forward_pre_hook(self.look_ahead)

    def look_ahead(self, module, args) -> None:
        generator = torch.Generator().set_state(torch.get_rng_state())
        self.noise.append(torch.rand(1, generator=generator).item())

    def after_train(self, runner) -> None:
        self.state = runner.model.module.state_dict()


# MMEngine's own choice names a CUDA device.
ON_CPUS = dict(launcher='pytorch', model_wrapper_cfg=dict(
    type='MMDistributedDataParallel', device_ids=None,
    broadcast_buffers=False))


def pretrain(work_dir: Path, ann_file: Path) -> dict:
    """Two epochs of masked pre-training."""
    cfg, noise = pretrain_config(str(ann_file), work_dir), MaskingNoise()
    cfg.merge_from_dict(ON_CPUS)
    return dict(train(cfg, hooks=[noise]), noise=noise.noise,
                state=noise.state)


def build_config(work_dir: Path, times: int = 1, **options) -> Config:
    """One epoch of a smaller demo, with features gathered from all ranks."""
    cfg = small_config('psp_synthetic_5p.py', '', work_dir, epochs=1)
    cfg.merge_from_dict({
        **ON_CPUS,
        'model.loss_con.gather': True,
        'train_dataloader.batch_size': BATCH,
        'train_dataloader.dataset.times': times,
        'train_dataloader.dataset.dataset.dataset.num_clips':
        LABELED + UNLABELED,
        'val_dataloader.dataset.num_clips': 11,
        'custom_hooks.0.unlabeled_dataloader.batch_size': BATCH,
        'log_level': 'WARNING',
        **options})
    set_everywhere(cfg, 'clip_len', 8)
    for step in cfg.train_dataloader.dataset.dataset.dataset.pipeline:
        if step.type == 'PackActionInputs':
            step.meta_keys = ('frame_dir', )
    return cfg


def train(cfg: Config, hooks: Sequence[Hook] = ()) -> dict:
    """Trains; returns the clips and the parameters without a gradient."""
    names, idle = ClipNames(), set()
    runner = Runner.from_cfg(cfg)
    for hook in (names, *hooks):
        runner.register_hook(hook)
    for name, value in runner.model.named_parameters():
        if not value.requires_grad:
            continue
        value.register_post_accumulate_grad_hook(
            lambda value, name=name: idle.discard(name))
        idle.add(name)
    runner.train()
    return dict(batches=names.batches, idle=sorted(idle),
                wrapper=type(runner.model).__name__)
