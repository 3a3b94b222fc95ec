# PSP Learning on NW-UCLA, views 1, 2 to 3, 5% labels (paper, table 3: 69.2).
_base_ = [
    '_base_/default_runtime.py', '_base_/models/psp.py',
    '_base_/datasets/nwucla_3d.py', '_base_/schedules/sgd_nwucla.py'
]

model = dict(
    backbone=dict(num_joints=20),
    neck=dict(layout='nwucla', part_to_joint=0.1, body_to_joint=0.2),
    cls_head=dict(num_classes=10))

default_hooks = dict(checkpoint=dict(interval=5, max_keep_ckpts=3))
