"""Small pools of clips for tests of the label page."""
import pickle
from pathlib import Path

import numpy as np


def moving(seed=0, frames=12):
    """A clip of one person with 20 joints, (1, T, 20, 3)."""
    rng = np.random.default_rng(seed)
    body = rng.normal(size=(1, 1, 20, 3))
    return (body + np.linspace(0, 1, frames)[:, None, None]).astype('f4')


def write_pool(path, names='abcdef', broken=(), **metainfo):
    """Writes an annotation file; the clips of ``broken`` cannot be drawn."""
    clips = [dict(frame_dir=name, keypoint=moving(seed) * (
        name not in broken), total_frames=12)
        for seed, name in enumerate(names)]
    content = dict(split=dict(unlabeled=list(names)), annotations=clips,
                   metainfo=metainfo)
    Path(path).write_bytes(pickle.dumps(content))
    return str(path)
