# PSP Learning on 2D key points of NTU RGB+D, cross-subject, 5% labels.
_base_ = [
    '_base_/default_runtime.py', '_base_/models/psp.py',
    '_base_/datasets/ntu60_2d.py', '_base_/schedules/sgd_ntu60.py'
]

model = dict(backbone=dict(num_joints=17), neck=dict(layout='coco'))
default_hooks = dict(checkpoint=dict(interval=1, max_keep_ckpts=3))
