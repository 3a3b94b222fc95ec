"""Any toolbox backbone on any joint layout: the table of the mix configs."""
import copy

import pytest
import torch
from mmaction.registry import MODELS
from mmengine.config import Config
from mmengine.hub import get_config
from mmengine.runner import Runner
from toy import CONFIGS, set_everywhere, write_ntu

from psp_plugin.skeletons import get_pyramid

# The encoders of the shipped configs with few channels.
SMALL_GCN = dict(base_channels=8, num_stages=3, inflate_stages=[2],
                 down_stages=[3])
ENCODERS = {
    'DSTANet': ('psp_ntu60_xsub_5p.py',
                dict(blocks=[(8, 8, 2, 2), (8, 16, 4, 2)])),
    'STGCN': ('mix/ppa_stgcn_ntu60_xsub_5p.py', SMALL_GCN),
    'AAGCN': ('mix/ppa_aagcn_ntu60_xsub_5p.py', SMALL_GCN),
    'STGCN++': ('mix/ppa_stgcnpp_ntu60_xsub_5p.py',
                dict(SMALL_GCN, base_channels=12)),  # six branches
}
# A custom layout: six joints, three parts, two bodies.
OWN = dict(_delete_=True, name='own', parts=[[0, 1], [2, 3], [4, 5]],
           bodies=[[0], [1, 2]])
OWN_GRAPH = dict(_delete_=True, num_node=6, center=1,
                 inward=[(1, 0), (2, 1), (3, 2), (4, 1), (5, 4)])
NWUCLA_GRAPH = dict(Config.fromfile(
    str(CONFIGS / '_base_/datasets/nwucla_3d.py')).graph_layout,
    _delete_=True)
# Layout of the pyramid, layout of the graph, 2D key points with a score?
LAYOUTS = {
    'nturgb+d': ('nturgb+d', 'nturgb+d', False),
    'nwucla': ('nwucla', NWUCLA_GRAPH, False),
    'coco': ('coco', 'coco', True),
    'openpose': ('openpose', 'openpose', True),
    'own': (OWN, OWN_GRAPH, False),
}


def mixed(encoder, layout, folder):
    """A shipped config, changed for another layout as by a user."""
    name, small = ENCODERS[encoder]
    pyramid, graph, scored = copy.deepcopy(LAYOUTS[layout])
    joints = 6 if layout == 'own' else get_pyramid(pyramid).num_joints
    cfg = Config.fromfile(str(CONFIGS / name))
    channels = 24 if encoder == 'STGCN++' else 16
    where = (dict(num_joints=joints) if encoder == 'DSTANet' else
             dict(graph_cfg=dict(layout=graph)))
    cfg.merge_from_dict(dict(
        work_dir=str(folder / 'work'), randomness=dict(seed=0),
        train_cfg=dict(max_epochs=1, val_interval=1),
        model=dict(backbone=dict(small, **where),
                   neck=dict(layout=pyramid, in_channels=channels),
                   projector=dict(in_channels=channels),
                   cls_head=dict(num_classes=6, in_channels=channels)),
        default_hooks=dict(checkpoint=dict(interval=-1))))
    ann_file = write_ntu(folder / 'ann.pkl', joints=joints, scored=scored)
    set_everywhere(cfg, 'ann_file', ann_file)
    for pipeline in pipelines(cfg):
        if scored:
            pipeline[:2] = Config.fromfile(
                str(CONFIGS / '_base_/datasets/ntu60_2d.py')).prepare
        elif layout == 'own':
            pipeline[0].update(center=1, zaxis=(0, 1), xaxis=(2, 4))
    labeled = cfg.train_dataloader.dataset.dataset
    labeled.update(labeled_ratio=None, labeled_per_class=1)
    loaders = [cfg.train_dataloader, cfg.val_dataloader,
               cfg.custom_hooks[0].unlabeled_dataloader]
    for loader in loaders:
        loader.update(num_workers=0, persistent_workers=False, batch_size=3)
    for loader in loaders[:2]:
        loader.num_batch_per_epoch = 1
    return cfg


def pipelines(cfg):
    return [cfg.train_dataloader.dataset.dataset.dataset.pipeline,
            cfg.val_dataloader.dataset.pipeline,
            cfg.test_dataloader.dataset.pipeline]


@pytest.mark.parametrize('layout', LAYOUTS)
@pytest.mark.parametrize('encoder', ENCODERS)
def test_train_step_and_prediction(encoder, layout, tmp_path):
    runner = Runner.from_cfg(mixed(encoder, layout, tmp_path))
    before = {k: v.clone() for k, v in runner.model.state_dict().items()}
    runner.train()  # one step of 3 + 3 clips, then a validation of 3
    logged = runner.message_hub.log_scalars
    for level in ('body', 'part', 'joint'):
        assert logged[f'train/loss_con_{level}'].current() > 0
    assert 0 <= logged['val/acc/top1'].current() <= 1
    after = runner.model.state_dict()
    for part in ('backbone', 'neck', 'projector', 'cls_head'):
        assert any(not torch.equal(before[k], after[k]) for k in after
                   if k.startswith(part)), part
    clips = next(iter(runner.val_dataloader))
    scores = torch.stack([sample.pred_score
                          for sample in runner.model.val_step(clips)])
    assert scores.shape == (3, 6)
    torch.testing.assert_close(scores.sum(1), torch.ones(3))


@MODELS.register_module()
class PerJointMLP(torch.nn.Module):
    """A custom encoder, which encodes each joint separately."""

    def __init__(self, channels):
        super().__init__()
        self.mlp = torch.nn.Sequential(
            torch.nn.Linear(3, channels), torch.nn.ReLU(),
            torch.nn.Linear(channels, channels))

    def forward(self, x):
        return self.mlp(x).permute(0, 1, 4, 2, 3)  # N, M, C, T, V


def test_custom_encoder(tmp_path):
    cfg = mixed('DSTANet', 'own', tmp_path)
    cfg.model.backbone = dict(type='PerJointMLP', channels=16)
    runner = Runner.from_cfg(cfg)
    runner.train()
    logged = runner.message_hub.log_scalars
    assert logged['train/loss_con_joint'].current() > 0
    assert 'val/acc/top1' in logged


@pytest.mark.parametrize('encoder', ['DSTANet', 'STGCN'])
def test_wrong_joints_raise_at_build_time(encoder, tmp_path):
    cfg = mixed(encoder, 'coco', tmp_path)
    cfg.model.neck.layout = 'openpose'
    with pytest.raises(ValueError, match=(
            f'encoder {encoder} is built for 17 joints, but the neck has '
            "layout 'openpose' of 18: set the same joint layout for both")):
        MODELS.build(cfg.model)


@pytest.mark.parametrize('encoder', ['DSTANet', 'STGCN'])
def test_data_of_other_joints_raise(encoder, tmp_path):
    cfg = mixed(encoder, 'coco', tmp_path)
    set_everywhere(cfg, 'ann_file',
                   write_ntu(tmp_path / 'other.pkl', joints=18, scored=True))
    with pytest.raises(ValueError, match=(
            f'encoder {encoder} is built for 17 joints, but the clips have '
            '18: set its joint layout to that of the data')):
        Runner.from_cfg(cfg).train()


def test_heat_maps_raise():
    """PoseC3D's encoder, of the toolbox's own config, has no joints."""
    toolbox = get_config(
        'mmaction::skeleton/posec3d/'
        'slowonly_r50_8xb16-u48-240e_ntu60-xsub-keypoint.py')
    cfg = Config.fromfile(str(CONFIGS / 'psp_ntu60_2d_xsub_5p.py')).model
    cfg.backbone = toolbox.model.backbone
    cfg.stream_norm = None  # which refuses them as well, by their coordinates
    model = MODELS.build(cfg).eval()
    heat_maps = torch.rand(1, 1, 17, 4, 16, 32)
    with torch.no_grad(), pytest.raises(ValueError, match=(
            r'the encoder ResNet3dSlowOnly turned clips of shape \(2, 17, 4, '
            r'16, 16\) into features of .*: use one that keeps persons')):
        model(heat_maps, mode='tensor')


@pytest.mark.parametrize('mix, toolbox', [
    ('stgcn', 'stgcn/stgcn_8xb16-joint-u100-80e_ntu60-xsub-keypoint-3d.py'),
    ('stgcnpp',
     'stgcnpp/stgcnpp_8xb16-joint-u100-80e_ntu60-xsub-keypoint-3d.py'),
    ('aagcn',
     '2s-agcn/2s-agcn_8xb16-joint-u100-80e_ntu60-xsub-keypoint-3d.py'),
])
def test_encoders_equal_those_of_the_toolbox(mix, toolbox):
    theirs = get_config(f'mmaction::skeleton/{toolbox}').model.backbone
    if mix == 'aagcn':  # theirs is 2s-AGCN, AAGCN without its attention
        assert theirs.pop('gcn_attention') is False
    ours = Config.fromfile(
        str(CONFIGS / f'mix/ppa_{mix}_ntu60_xsub_5p.py')).model.backbone
    assert ours == theirs
