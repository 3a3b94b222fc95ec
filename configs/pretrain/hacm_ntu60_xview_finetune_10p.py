# The encoder of hacm_ntu60_xview.py, fine-tuned on 10% of the clips.
_base_ = [
    '../_base_/default_runtime.py', '../_base_/models/skeleton_transformer.py',
    '../_base_/datasets/finetune/ntu60_3d.py',
    '../_base_/schedules/adamw_finetune.py'
]

model = dict(
    backbone=dict(
        init_cfg=dict(
            type='Pretrained', prefix='backbone.',
            checkpoint='work_dirs/hacm_ntu60_xview/epoch_400.pth')))

train_dataloader = dict(
    batch_size=48,
    dataset=dict(
        dataset=dict(
            labeled_ratio=0.1,
            dataset=dict(split='xview_train'))))
val_dataloader = dict(dataset=dict(split='xview_val'))
test_dataloader = dict(dataset=dict(split='xview_val'))

default_hooks = dict(checkpoint=dict(interval=10, max_keep_ckpts=2))
