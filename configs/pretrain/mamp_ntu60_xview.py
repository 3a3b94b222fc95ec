# MAMP on NTU RGB+D 60, cross-view: all training clips, no labels.
_base_ = [
    '../_base_/models/mamp.py', '../_base_/datasets/pretrain/ntu60_3d.py',
    '../_base_/schedules/adamw_pretrain.py'
]

train_pipeline = _base_.normalize + [
    dict(_base_.augment[0], num_frames=120)
] + _base_.augment[1:] + _base_.pack
test_pipeline = _base_.normalize + [
    dict(_base_.resize[0], num_frames=120)
] + _base_.pack
train_dataloader = dict(
    batch_size=128,
    dataset=dict(split='xview_train', pipeline=train_pipeline))
test_dataloader = dict(
    dataset=dict(split='xview_val', pipeline=test_pipeline))
auto_scale_lr = dict(base_batch_size=128)
