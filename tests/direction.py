"""A model that is right by construction: the class is a direction.

The joints of a person of class k are at 1 along axis k of three; everything
else is noise. Only the pipeline is the toolbox's.
"""
import numpy as np
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from torch import nn

CLASSES = ('x', 'y', 'z')
JOINTS = 5


@MODELS.register_module()
class Coordinates(nn.Module):
    """An encoder whose features are the coordinates."""
    num_joints = JOINTS

    def init_weights(self):
        pass

    def forward(self, x):
        return x.permute(0, 1, 4, 2, 3)  # N, M, C, T, V


def write_direction_model(folder, num_person=1, num_clips=1):
    """Writes the config and checkpoint of the model into a folder."""
    cfg = Config(dict(
        model=dict(
            type='RecognizerGCN', backbone=dict(type='Coordinates'),
            cls_head=dict(type='GCNHead', num_classes=3, in_channels=3)),
        test_dataloader=dict(dataset=dict(
            type='PoseDataset', ann_file='', pipeline=[
                dict(type='UniformSamplePose', clip_len=8,
                     num_clips=num_clips, test_mode=True),
                dict(type='PoseDecode'),
                dict(type='FormatGCNInput', num_person=num_person),
                dict(type='PackActionInputs')]))))
    cfg.dump(str(folder / 'direction.py'))
    model = MODELS.build(cfg.model)
    fc = model.cls_head.fc
    fc.weight.data, fc.bias.data = 10 * torch.eye(3), torch.zeros(3)
    torch.save(dict(state_dict=model.state_dict(), meta=dict(
        dataset_meta=dict(classes=CLASSES))), folder / 'direction.pth')
    return str(folder / 'direction.py'), str(folder / 'direction.pth')


def person(*labels, frames=20, seed=0):
    """Joints (1, T, V, 3) of a person, ``frames`` of each class."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(labels, frames)
    joints = rng.normal(0, .05, (1, len(truth), JOINTS, 3))
    return (joints + np.eye(3)[truth][None, :, None]).astype(np.float32)
