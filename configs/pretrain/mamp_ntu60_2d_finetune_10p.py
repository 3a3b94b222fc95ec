# The encoder of mamp_ntu60_2d.py, fine-tuned on 10% of the clips.
_base_ = [
    '../_base_/default_runtime.py', '../_base_/models/skeleton_transformer.py',
    '../_base_/datasets/finetune/ntu60_2d.py',
    '../_base_/schedules/adamw_finetune.py'
]
from psp_plugin.configs import change_data

change_data(_base_, frames=120, batch_size=48)

model = dict(
    backbone=dict(
        layout='coco', frames_per_token=4, tokens='all',
        hyperbolic=False,
        init_cfg=dict(
            type='Pretrained', prefix='backbone.',
            checkpoint='work_dirs/mamp_ntu60_2d/epoch_400.pth')),
    cls_head=dict(num_joints=17))

train_dataloader = dict(dataset=dict(dataset=dict(labeled_ratio=0.1)))

default_hooks = dict(checkpoint=dict(interval=10, max_keep_ckpts=2))
