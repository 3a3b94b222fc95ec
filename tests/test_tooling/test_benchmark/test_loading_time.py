"""Our transforms return the same as the toolbox's slower ones."""
import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from toy import CONFIGS, write_ntu

from psp_plugin.annotations.pickles import load_pickle
from psp_plugin.tooling.benchmark.loading import (
    find_pipeline,
    toolbox_pipeline,
)


def test_the_pipeline_of_ntu_equals_the_toolbox(tmp_path):
    cfg = Config.fromfile(str(CONFIGS / 'psp_ntu60_xsub_5p.py'))
    ours = find_pipeline(cfg.train_dataloader.dataset)
    theirs = toolbox_pipeline(ours)
    assert [step['type'] for step in theirs] == [
        'PreNormalize3D', 'GenSkeFeat', 'UniformSample', 'PoseDecode',
        'FormatGCNInput', 'PackActionInputs']
    clips = load_pickle(write_ntu(tmp_path / 'ntu.pkl'))['annotations']
    for clip in clips[:20]:
        clip.update(start_index=0, modality='Pose',
                    keypoint=clip['keypoint'].astype(np.float32))
        given = []
        for steps in (ours, theirs):
            np.random.seed(0)
            info = dict(clip, keypoint=clip['keypoint'].copy())
            given.append(Compose(steps)(info)['inputs'])
        torch.testing.assert_close(given[0], given[1].float(), rtol=0,
                                   atol=1e-5)
