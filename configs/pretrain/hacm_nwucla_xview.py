# HA-CM on NW-UCLA, views 1 and 2: all training clips, no labels.
_base_ = [
    '../_base_/models/hacm.py', '../_base_/datasets/pretrain/nwucla_3d.py',
    '../_base_/schedules/adamw_pretrain.py'
]

model = dict(
    backbone=dict(
        layout='nwucla', num_frames=48))
