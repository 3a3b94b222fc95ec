"""Smaller versions of the small pre-training and fine-tuning configs."""
import uuid
from typing import Optional

from mmengine.config import Config
from toy import CONFIGS, set_everywhere, write_ntu

PRETRAIN = 'pretrain/hacm_nwucla_xview_small.py'
FINETUNE = 'pretrain/hacm_nwucla_xview_small_finetune_5p.py'
FRAMES, CHANNELS, JOINTS = 8, 16, 20
SIZES = dict(embed_dims=CHANNELS, num_heads=2, mlp_ratio=2)
CLIPS, CLASSES = 24, 4  # two thirds of the clips are training clips


def write_clips(path, labels: Optional[list] = None) -> str:
    """Writes an annotation file of 16 training and 8 test clips."""
    return write_ntu(path, CLIPS, CLASSES, joints=JOINTS, labels=labels)


def small(name: str, ann_file: str, work_dir, epochs: int) -> Config:
    """The common settings of both configs."""
    cfg = Config.fromfile(str(CONFIGS / name))
    cfg.work_dir = str(work_dir)
    # MMEngine names runs by the second; runs of the same name share scalars.
    cfg.experiment_name = uuid.uuid4().hex
    cfg.randomness = dict(seed=0)
    cfg.log_level = 'WARNING'
    for key, value in (('num_frames', FRAMES), ('frames_per_token', 2),
                       ('ann_file', ann_file), ('batch_size', 4),
                       ('metainfo', dict())):
        set_everywhere(cfg._cfg_dict, key, value)
    cfg.model.backbone.update(SIZES, depth=2)
    cfg.train_cfg.update(max_epochs=epochs)
    warm_up, decay = cfg.param_scheduler
    warm_up.end = decay.begin = 1
    decay.end = epochs
    cfg.optim_wrapper.optimizer.lr = 1e-2
    cfg.default_hooks.logger.interval = 1
    cfg.default_hooks.checkpoint.interval = 1
    return cfg


def pretrain_config(ann_file: str, work_dir, epochs: int = 2) -> Config:
    """Four iterations per epoch."""
    cfg = small(PRETRAIN, ann_file, work_dir, epochs)
    cfg.model.masking.embed_dims = CHANNELS
    cfg.model.masking.mask_ratio = 0.8
    cfg.model.decoder.update(SIZES, depth=1)
    return cfg


def finetune_config(ann_file: str, work_dir, checkpoint: str,
                    epochs: int = 2) -> Config:
    """Two iterations per epoch, with two labelled clips per class."""
    cfg = small(FINETUNE, ann_file, work_dir, epochs)
    cfg.model.backbone.init_cfg.checkpoint = checkpoint
    cfg.model.cls_head.update(in_channels=CHANNELS, num_classes=CLASSES,
                              hidden_channels=8)
    cfg.train_cfg.update(val_begin=1, val_interval=1)
    cfg.train_dataloader.dataset.times = 1
    cfg.train_dataloader.dataset.dataset.update(
        labeled_ratio=None, labeled_per_class=2)
    return cfg
