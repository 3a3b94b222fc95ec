"""A small run on a small NTU-format pickle, for tests of the runner."""
import importlib.util
import pickle
import uuid
from pathlib import Path
from types import ModuleType
from typing import Optional

import numpy as np
import plain_configs  # noqa: F401
from mmengine.config import Config, ConfigDict

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'
BLOCKS = [(8, 8, 2, 2), (8, 16, 4, 2)]


def write_ntu(path, num_clips: int = 60, num_classes: int = 6, seed: int = 0,
              joints: int = 25, labels: Optional[list] = None,
              scored: bool = False) -> str:
    """Writes clips of 1 or 2 persons with the splits of NTU's pickle.

    The motion depends on the true class, even if other ``labels`` are
    written. With ``scored`` they are 2D key points in pixels, with scores.
    """
    rng = np.random.default_rng(seed)
    truth = [i % num_classes for i in range(num_clips)]
    clips = []
    for i, label in enumerate(labels or truth):
        frames = int(rng.integers(20, 60))
        persons = 1 + i % 2
        body = rng.normal(size=(persons, 1, joints, 3))
        sway = np.sin(np.arange(frames) * (truth[i] + 1) / 5)
        keypoint = body + sway[None, :, None, None] * 0.2
        clip = dict(frame_dir=f'S001C001P001R001A{i:03}', label=label,
                    total_frames=frames, keypoint=keypoint.astype(np.float16))
        if scored:
            pixels = 500 + 100 * keypoint[..., :2]
            clip.update(keypoint=pixels.astype(np.float16),
                        keypoint_score=rng.uniform(
                            0.1, 1, pixels.shape[:-1]).astype(np.float16),
                        img_shape=(1080, 1920), original_shape=(1080, 1920))
        clips.append(clip)
    names = [clip['frame_dir'] for clip in clips]
    half = num_clips * 2 // 3
    split = {f'{view}_{part}': chosen for view in ('xsub', 'xview')
             for part, chosen in (('train', names[:half]),
                                  ('val', names[half:]),
                                  ('val_clean', names[half:]))}
    # The names in psp_two_files.py.
    split.update(train=names[:half], unlabeled=names[:half], val=names[half:])
    with open(path, 'wb') as stream:
        pickle.dump(dict(split=split, annotations=clips), stream)
    return str(path)


def load_tool(name: str) -> ModuleType:
    """Loads the script ``tools/<name>.py`` as a module."""
    path = CONFIGS.parent / 'tools' / f'{name}.py'
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def small_config(name: str, ann_file: str, work_dir, epochs: int = 2,
                 **options) -> Config:
    """Returns a shipped config with smaller data and model."""
    cfg = Config.fromfile(str(CONFIGS / name))
    cfg.work_dir = str(work_dir)
    # MMEngine names runs by the second; runs of the same name share scalars.
    cfg.experiment_name = uuid.uuid4().hex
    cfg.randomness = dict(seed=0)
    cfg.train_cfg.max_epochs = epochs
    cfg.train_cfg.val_interval = 1
    cfg.default_hooks.logger.interval = 1
    cfg.model.backbone.blocks = BLOCKS
    for part in ('neck', 'projector', 'cls_head'):
        if cfg.model.get(part):
            cfg.model[part].in_channels = 16
    loaders = [cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader]
    loaders += [hook.unlabeled_dataloader for hook in cfg.custom_hooks]
    for loader in loaders:
        loader.update(num_workers=0, persistent_workers=False, batch_size=4)
    set_everywhere(cfg, 'ann_file', ann_file)
    labeled = cfg.train_dataloader.dataset.dataset
    labeled.update(labeled_ratio=None, labeled_per_class=2)
    cfg.train_dataloader.dataset.times = 1
    cfg.merge_from_dict(options)
    return cfg


def draw_fewer_clips(cfg: Config, num_clips: int = 60) -> None:
    """Shortens every synthetic dataset of a config, which is slow to draw."""
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        dataset = (cfg.get(loader) or {}).get('dataset')
        while dataset:
            if dataset.type == 'SyntheticSkeletonDataset':
                dataset.num_clips = num_clips
            dataset = dataset.get('dataset')


def set_everywhere(node, key: str, value) -> None:
    """Sets a key in every dict of a nested config that has it."""
    if isinstance(node, (dict, ConfigDict, Config)):
        if key in node:
            node[key] = value
        node = list(node.values())
    if isinstance(node, (list, tuple)):
        for part in node:
            set_everywhere(part, key, value)
