# The encoder of hacm_ntu60_xsub.py, fine-tuned on 10% of the clips.
_base_ = [
    '../_base_/default_runtime.py', '../_base_/models/skeleton_transformer.py',
    '../_base_/datasets/finetune/ntu60_3d.py',
    '../_base_/schedules/adamw_finetune.py'
]

model = dict(
    backbone=dict(
        init_cfg=dict(
            type='Pretrained', prefix='backbone.',
            checkpoint='work_dirs/hacm_ntu60_xsub/epoch_500.pth')))

train_dataloader = dict(
    batch_size=48, dataset=dict(dataset=dict(labeled_ratio=0.1)))

default_hooks = dict(checkpoint=dict(interval=10, max_keep_ckpts=2))
