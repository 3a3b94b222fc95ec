# The encoder of mamp_nwucla_xview.py, fine-tuned on 5 clips a class.
_base_ = [
    '../_base_/default_runtime.py', '../_base_/models/skeleton_transformer.py',
    '../_base_/datasets/finetune/nwucla_3d.py',
    '../_base_/schedules/adamw_finetune.py'
]

model = dict(
    backbone=dict(
        layout='nwucla', num_frames=48, frames_per_token=4, tokens='all',
        hyperbolic=False,
        init_cfg=dict(
            type='Pretrained', prefix='backbone.',
            checkpoint='work_dirs/mamp_nwucla_xview/epoch_400.pth')),
    cls_head=dict(num_classes=10, num_joints=20))

# 900 steps.
train_dataloader = dict(
    batch_size=48, dataset=dict(times=8))

default_hooks = dict(checkpoint=dict(interval=10, max_keep_ckpts=2))
