# HA-CM on NTU RGB+D 60, cross-view: all training clips, no labels.
_base_ = [
    '../_base_/models/hacm.py', '../_base_/datasets/pretrain/ntu60_3d.py',
    '../_base_/schedules/adamw_pretrain.py'
]
train_dataloader = dict(
    dataset=dict(split='xview_train'))
test_dataloader = dict(dataset=dict(split='xview_val'))
