# HA-CM on 2D key points of NTU RGB+D 60, cross-subject: all training clips,
# no labels.
_base_ = [
    '../_base_/models/hacm.py', '../_base_/datasets/pretrain/ntu60_2d.py',
    '../_base_/schedules/adamw_pretrain.py'
]

model = dict(
    backbone=dict(
        layout='coco'),
    coordinates=2)
