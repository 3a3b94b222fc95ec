"""Synthetic annotation files, for runs without a dataset."""
import pickle
from pathlib import Path
from typing import Iterable

import numpy as np
from mmaction.registry import MODELS
from mmengine.config import Config

from psp_plugin.configs import LOADERS, find_dicts
from psp_plugin.errors import InputError
from psp_plugin.models.recognizers.checks import num_joints_of


def use_synthetic_clips(cfg: Config, folder: Path, count: int) -> Path:
    """Writes synthetic clips and uses them in all datasets of a config.

    Args:
        cfg (Config): The config, changed in place.
        folder (Path): Folder of the annotation file.
        count (int): Number of clips.

    Returns:
        Path: The annotation file, ``synthetic.pkl``.

    Raises:
        InputError: If the config has no annotation file.
    """
    datasets = [part for _, part in find_dicts(
        {key: cfg.get(key) for key in (*LOADERS, 'custom_hooks')})
        if 'ann_file' in part]
    if not datasets:
        raise InputError(f'{cfg.filename} has no ann_file to replace with '
                         'synthetic clips')
    path = folder / 'synthetic.pkl'
    write_clips(path, count, num_joints_of(MODELS.build(cfg.model.backbone)),
                {part['split'] for part in datasets if part.get('split')},
                count_classes(cfg), flat=any(
                    part.get('type') == 'PreNormalize2D'
                    for _, part in find_dicts(cfg.train_dataloader)))
    for part in datasets:
        part['ann_file'] = str(path)
    return path


def write_clips(path: Path, count: int, joints: int, splits: Iterable[str],
                classes: int = 10, frames: int = 80, seed: int = 0,
                flat: bool = False) -> None:
    """Writes a ``PoseDataset`` pickle of random walks, in the format of NTU's.

    Args:
        path (Path): The file.
        count (int): Number of clips; every fifth has two persons.
        joints (int): Number of joints V.
        splits (Iterable[str]): Names of splits; each contains all clips.
        classes (int): Number of classes. Defaults to 10.
        frames (int): Mean number of frames; clips have 0.5 to 1.5 times as
            many. Defaults to 80, about that of NTU RGB+D.
        seed (int): Random seed. Defaults to 0.
        flat (bool): Whether clips are 2D key points in pixels, with scores,
            instead of 3D joints. Defaults to False.
    """
    rng = np.random.default_rng(seed)
    clips = []
    for i in range(count):
        length = int(rng.integers(frames // 2, frames * 3 // 2 + 1))
        shape = (2 if i % 5 == 0 else 1, length, joints, 3)
        body = rng.normal(size=(shape[0], 1, *shape[2:]))
        walk = rng.normal(0, 0.02, (*shape[:2], 1, 3)).cumsum(1)
        clips.append(dict(
            frame_dir=f'synthetic_{i:07}', label=i % classes,
            total_frames=length, keypoint=(body + walk).astype(np.float16)))
        if flat:
            pixels = 500 + 100 * clips[-1]['keypoint'][..., :2]
            clips[-1].update(
                keypoint=pixels, img_shape=(1080, 1920),
                original_shape=(1080, 1920), keypoint_score=rng.uniform(
                    0.1, 1, shape[:-1]).astype(np.float16))
    names = [clip['frame_dir'] for clip in clips]
    with open(path, 'wb') as stream:
        pickle.dump(dict(split={name: names for name in splits},
                         annotations=clips), stream, protocol=4)


def count_classes(cfg: Config) -> int:
    """Returns the number of classes of a model config, 10 without a head."""
    return (cfg.model.get('cls_head') or {}).get('num_classes', 10)
