"""Untrained models of shipped configs, for tests of inference."""
from pathlib import Path
from typing import Optional, Sequence, Tuple

import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from toy import small_config

from psp_plugin.models.recognizers.checks import num_joints_of

CLASSES = ('wave', 'throw', 'punch', 'push', 'drink', 'answer phone', 'kick',
           'step', 'sit down', 'squat')


def tiny_config(name: str = 'psp_synthetic_5p.py', **options) -> Config:
    """Returns a shipped config of synthetic skeletons with 20 test clips."""
    return small_config(name, '', 'none',
                        **{'test_dataloader.dataset.num_clips': 20, **options})


def write_short_run(path: Path, **hook) -> str:
    """Writes a config of two epochs of five steps, for the launch commands.

    Args:
        path (Path): The config.
        **hook: A hook of :mod:`resumable_runs` that ends the process.
    """
    cfg = tiny_config(**{
        'train_dataloader.dataset.dataset.dataset.num_clips': 60,
        'val_dataloader.dataset.num_clips': 20,
        'default_hooks.checkpoint.interval': 1,
        'custom_imports.imports': ['psp_plugin', 'resumable_runs']})
    for key in ('randomness', 'work_dir'):  # the command sets them
        cfg.pop(key)
    cfg.custom_hooks = [*cfg.custom_hooks, hook]
    cfg.dump(str(path))
    return str(path)


def write_checkpoint(cfg: Config, path: Path,
                     classes: Optional[Sequence[str]] = CLASSES) -> str:
    """Writes random weights as a checkpoint of MMEngine."""
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    # Running statistics of some poses and large weights in the last layer, so
    # that scores differ between clips.
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.momentum = 1
    joints = num_joints_of(model.backbone)
    model.backbone(torch.randn(64, 1, 1, joints, 3).repeat(1, 1, 16, 1, 1))
    torch.nn.init.normal_(model.cls_head.fc.weight, std=3)
    meta = dict(dataset_meta=dict(classes=classes) if classes else {})
    torch.save(dict(state_dict=model.state_dict(), meta=meta), path)
    return str(path)


def write_model(folder: Path, name: str = 'psp_synthetic_5p.py',
                **options) -> Tuple[str, str]:
    """Writes a config and a checkpoint for it into a folder."""
    cfg = tiny_config(name, **options)
    cfg.dump(str(folder / name))
    return str(folder / name), write_checkpoint(cfg, folder / 'tiny.pth')
