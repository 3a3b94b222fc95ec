# The encoder of mamp_ntu60_2d.py, fine-tuned on 10% of the clips.
_base_ = [
    '../_base_/default_runtime.py', '../_base_/models/skeleton_transformer.py',
    '../_base_/datasets/finetune/ntu60_2d.py',
    '../_base_/schedules/adamw_finetune.py'
]

model = dict(
    backbone=dict(
        layout='coco', num_frames=120, frames_per_token=4, tokens='all',
        hyperbolic=False,
        init_cfg=dict(
            type='Pretrained', prefix='backbone.',
            checkpoint='work_dirs/mamp_ntu60_2d/epoch_400.pth')),
    cls_head=dict(num_joints=17))

train_pipeline = _base_.normalize + [
    dict(_base_.augment[0], num_frames=120)
] + _base_.augment[1:] + _base_.pack
test_pipeline = _base_.normalize + [
    dict(_base_.resize[0], num_frames=120)
] + _base_.pack

train_dataloader = dict(
    batch_size=48,
    dataset=dict(
        dataset=dict(
            labeled_ratio=0.1,
            dataset=dict(pipeline=train_pipeline))))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))

default_hooks = dict(checkpoint=dict(interval=10, max_keep_ckpts=2))
