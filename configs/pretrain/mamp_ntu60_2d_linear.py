# Linear evaluation: the encoder of mamp_ntu60_2d.py, frozen, all labels.
_base_ = ['mamp_ntu60_2d_finetune_10p.py', '../_base_/schedules/sgd_linear.py']

model = dict(
    backbone=dict(frozen=True, drop_path_rate=0),
    cls_head=dict(
        _delete_=True,
        type='LinearProbeHead',
        num_classes=60,
        in_channels=256))
train_dataloader = dict(
    batch_size=256,
    dataset=dict(dataset=dict(labeled_ratio=1.0)))
optim_wrapper = dict(_base_.linear_optim, _delete_=True)
param_scheduler = _base_.linear_schedule
auto_scale_lr = dict(base_batch_size=256)
