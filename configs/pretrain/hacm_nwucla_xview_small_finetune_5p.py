# The encoder of hacm_nwucla_xview_small.py, fine-tuned on 5 clips a class.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/finetune/nwucla_3d.py',
    '../_base_/schedules/adamw_finetune.py'
]
from psp_plugin.configs import change_data

change_data(
    _base_,
    frames=24,
    batch_size=16,
    num_workers=0,
    # Not in use, and in the hash of measured runs as they are.
    keep=('augment', 'resize', 'val_pipeline'))

model = dict(
    type='RecognizerGCN',
    backbone=dict(
        type='SkeletonTransformer', layout='nwucla', num_frames=24,
        frames_per_token=4, embed_dims=64, depth=4, num_heads=2,
        tokens='all', fused=False, drop_path_rate=0.1,
        init_cfg=dict(
            type='Pretrained', prefix='backbone.',
            checkpoint='work_dirs/hacm_nwucla_xview_small/epoch_400.pth')),
    cls_head=dict(
        type='JointMLPHead', num_classes=10, in_channels=64, num_joints=20,
        hidden_channels=256, label_smooth_eps=0.1))

# As many steps as psp_nwucla_xview_5p_small.py.
train_dataloader = dict(dataset=dict(times=8))

train_cfg = dict(max_epochs=32, val_interval=8)
param_scheduler = [
    dict(_base_.param_scheduler[0], end=2),
    dict(
        type='CosineAnnealingLR',
        eta_min=1e-5,
        begin=2,
        end=32,
        by_epoch=True,
        convert_to_iter_based=True)
]
optim_wrapper = dict(
    type='BFloat16OptimWrapper', optimizer=dict(lr=1e-3))
default_hooks = dict(checkpoint=dict(interval=8, max_keep_ckpts=3))
