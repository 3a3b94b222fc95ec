# HA-CM on NTU RGB+D 60, cross-subject: all training clips, no labels.
_base_ = [
    '../_base_/models/hacm.py', '../_base_/datasets/pretrain/ntu60_3d.py',
    '../_base_/schedules/adamw_pretrain.py'
]

train_cfg = dict(max_epochs=500)
param_scheduler = [
    _base_.param_scheduler[0],
    dict(_base_.param_scheduler[1], end=500)
]
