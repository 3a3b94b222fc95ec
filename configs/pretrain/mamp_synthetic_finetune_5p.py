# The encoder of mamp_synthetic.py, fine-tuned on 5 clips a class.
_base_ = [
    '../_base_/default_runtime.py', '../_base_/models/skeleton_transformer.py',
    '../_base_/datasets/finetune/synthetic.py',
    '../_base_/schedules/adamw_finetune.py'
]

model = dict(
    backbone=dict(
        num_frames=24, frames_per_token=4, tokens='all', hyperbolic=False,
        embed_dims=64, depth=4, num_heads=2, fused=False, drop_path_rate=0.1,
        init_cfg=dict(
            type='Pretrained', prefix='backbone.',
            checkpoint='work_dirs/mamp_synthetic/epoch_200.pth')),
    cls_head=dict(
        num_classes=10, num_joints=25, in_channels=64, hidden_channels=256))

# As many steps as psp_synthetic_5p.py.
train_dataloader = dict(dataset=dict(times=10))

train_cfg = dict(max_epochs=20, val_interval=5)
param_scheduler = [
    dict(_base_.param_scheduler[0], end=2),
    dict(
        type='CosineAnnealingLR',
        eta_min=1e-5,
        begin=2,
        end=20,
        by_epoch=True,
        convert_to_iter_based=True)
]
optim_wrapper = dict(
    type='BFloat16OptimWrapper', optimizer=dict(lr=1e-3))
default_hooks = dict(checkpoint=dict(interval=5, max_keep_ckpts=3))
